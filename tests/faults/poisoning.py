"""Puts poison among good traffic: on every queue that the gateway reads, and at every callback URL."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice

import aiohttp

from gateway.broker.topology import DR_IN, MO_IN, MT, MT_BULK, RETRY, lane
from tests.faults.platform import Letter
from tests.faults.poison import (
    HUGE_BYTES,
    POINTLESS,
    POISON,
    UNREADABLE,
    broken_callbacks,
    huge,
    wrong_mt,
)
from tests.faults.scene import Scene

_AT_ONCE = 10
_PROVIDERS = {
    "wa-shop": "whatsapp_cloud",
    "tg-shop": "telegram",
    "sms-shop": "custom_http",
    "sms-hasty": "custom_http",
}
_NOBODY = "nobody"  # an account that there is not
_BOMB = gzip.compress(b"\x00" * 5 * HUGE_BYTES)


@dataclass(frozen=True, slots=True)
class Post:
    """A request to a callback URL. `marker` is in its body where it has one of its own.

    It may be answered with 2xx only where nothing says that it is bad (`harmless`), or where what is in it
    is then found among the dead (`marker`).
    """

    account: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    harmless: bool = False
    marker: str = ""


async def poison_everything(scene: Scene) -> None:
    await scene.until_confirmed(0.1)
    async with asyncio.TaskGroup() as group:
        group.create_task(_poison_queues(scene))
        group.create_task(_poison_callbacks(scene))


async def _poison_queues(scene: Scene) -> None:
    room = asyncio.Semaphore(_AT_ONCE)

    async def publish(queue: str, letter: Letter) -> None:
        async with room:
            await scene.platform.publish(queue, letter)
        scene.poison.append((queue, letter))
        scene.faults += 1

    async with asyncio.TaskGroup() as group:
        for queue, letters in _letters(scene).items():
            for letter in letters:
                group.create_task(publish(queue, letter))


def _letters(scene: Scene) -> dict[str, list[Letter]]:
    """What is published on each queue."""
    kinds = {
        MT: _mt(f"{POISON}{scene.traffic.run}-mt"),
        MT_BULK: _mt(f"{POISON}{scene.traffic.run}-bulk"),
        RETRY: _repeats(),
        lane("wa-shop"): _repeats(),
        MO_IN: _items("mo"),
        DR_IN: _items("dr"),
    }
    chosen = {}
    for queue, letters in kinds.items():
        scene.random.shuffle(letters)
        large = huge(scene.scale.huge, f"{POISON}{scene.traffic.run}-huge-{queue}")
        chosen[queue] = [*islice(cycle(letters), scene.scale.poison), *map(Letter, large)]
    return chosen


def _mt(app_id: str) -> list[Letter]:
    return [Letter(body) for body in (*UNREADABLE, *POINTLESS, *wrong_mt(app_id))]


def _repeats() -> list[Letter]:
    """Repeats of MT that there are not, or that cannot be told."""
    variants: tuple[Mapping[str, str | int | bool], ...] = (
        {},
        {"x-reference": "shop/nobody", "x-attempt": 1},
        {"x-reference": 7, "x-attempt": "one"},
        {"x-reference": "../\\", "x-attempt": -1, "traceparent": "00-x"},
    )
    return [Letter(body, headers=headers) for body in (*UNREADABLE, *POINTLESS) for headers in variants]


def _items(kind: str) -> list[Letter]:
    """Callback items that are none, and outcomes that are none."""
    right: dict[str, str | int | bool] = {
        "x-received-at": "2026-11-22T10:00:00.000Z",
        "x-account": "wa-shop",
        "x-kind": kind,
    }
    item = "imgw.callback.v1"
    variants: tuple[tuple[str, str | None, Mapping[str, str | int | bool]], ...] = (
        ("", None, {}),
        (item, "poison", right),
        (item, "poison", {**right, "x-account": "sms-shop"}),
        (item, "poison", {**right, "x-account": _NOBODY}),
        (item, "poison", {**right, "x-received-at": "yesterday"}),
        (item, None, right),
        (item, "poison", {**right, "x-kind": 1, "x-looks": "many"}),
        ("imgw.outcome.v1", "poison", {}),
    )
    return [Letter(body, *variant) for body in (*UNREADABLE, *POINTLESS) for variant in variants]


async def _poison_callbacks(scene: Scene) -> None:
    room = asyncio.Semaphore(_AT_ONCE)

    async def post(request: Post) -> None:
        async with room:
            status = await _status(scene, request)
        scene.faults += 1
        scene.posts.append((request, status))

    async with asyncio.TaskGroup() as group:
        for account in (*_PROVIDERS, _NOBODY):
            posts = list(_posts(scene, account))
            scene.random.shuffle(posts)
            for request in [*_large(scene, account), *islice(cycle(posts), scene.scale.poison)]:
                group.create_task(post(request))


async def _status(scene: Scene, request: Post) -> int:
    """The HTTP status; 0 when the gateway hung up, as it may in the middle of a huge body."""
    assert scene.installation.http is not None
    url = f"http://127.0.0.1:{scene.installation.web_ports[0]}/callbacks/{request.account}"
    try:
        async with scene.installation.http.request(
            request.method, url, data=io.BytesIO(request.body), headers=request.headers
        ) as response:
            return response.status
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        return 0


def _posts(scene: Scene, account: str) -> Iterator[Post]:
    for body in (*UNREADABLE, *POINTLESS):
        yield Post(account, body)
        yield Post(account, body, _sealed(scene, account, body + b"forged"))
        yield Post(account, body, _sealed(scene, account, body), harmless=body in POINTLESS)
        xml = {"Content-Type": "application/xml"}
        yield Post(account, body, _sealed(scene, account, body) | xml, harmless=body in POINTLESS)
    if account in _PROVIDERS:
        for marker, body in broken_callbacks(_PROVIDERS[account], f"marker-{scene.traffic.run}-{account}"):
            yield Post(account, body, _sealed(scene, account, body), marker=marker)
    yield Post(account, b"", {"X-Hub-Signature-256": "sha256=\u00ff\u0100", "X-Signature": "\u00e9"})
    yield Post(account, b"", method="GET")
    yield Post(account, b"{}", method="PUT")
    yield Post(account, b"{}", method="DELETE")


def _large(scene: Scene, account: str) -> Iterator[Post]:
    for body in huge(scene.scale.huge, "shop"):
        yield Post(account, body, _sealed(scene, account, body))
    yield Post(account, _BOMB, _sealed(scene, account, _BOMB) | {"Content-Encoding": "gzip"})
    yield Post(account, b"\x00", _sealed(scene, account, b"\x00") | {"Content-Encoding": "gzip"})


def _sealed(scene: Scene, account: str, body: bytes) -> dict[str, str]:
    """The headers with which the provider itself would send this. (Telegram's do not depend on the body.)"""
    environment = scene.installation.environment
    provider = _PROVIDERS.get(account)
    if provider == "whatsapp_cloud":
        return {"X-Hub-Signature-256": _hmac(environment["IMGW_DEMO_WA_APP_SECRET"], body)}
    if provider == "telegram":
        forged = "x" if body.endswith(b"forged") else ""
        return {"X-Telegram-Bot-Api-Secret-Token": environment["IMGW_DEMO_TG_SECRET_TOKEN"] + forged}
    hasty = account == "sms-hasty"
    name = "IMGW_DEMO_HASTY_CALLBACK_SECRET" if hasty else "IMGW_DEMO_SMS_CALLBACK_SECRET"
    return {"X-Signature": _hmac(environment[name], body)}


def _hmac(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
