"""An MT to many followers: in pages, whatever becomes of one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.model.base import now, rfc3339
from gateway.model.content import Content, TextContent, TypingContent
from gateway.rtm.names import down
from gateway.transports.failing import lost
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import MqttMessage, MqttServer, MqttTransport, Transports
from handlers.contract import Submission, Submitted
from tests.handlers.fake_http import FakeHttp, FakeTokens
from tests.handlers.rows import REFERENCE
from tests.handlers.tables import REGISTRY
from tests.integration.mqtt_broker import CONNECT, PUBLISH, connack, puback, scripted_broker

STARTED_AT = now()
TIMEOUT_SECONDS = 3.0
SLOW_SECONDS = 1.2  # a page is taken in time, three of them are not

REFUSED = ProviderError(FailureKind.PERMANENT, reason="provider_error", code="0x90")
FORBIDDEN = ProviderError(FailureKind.AUTH, reason="account_credentials", code="0x87")
SLOW = lost("timeout", "no acknowledgement in time")
TOO_LATE = (
    FailureKind.PERMANENT,
    "expired_before_send",
    "expired",
    "its time passed before all its followers had it",
)


class Pages:
    """An MQTT transport that keeps what came in each call. A call takes a minute; `failures` are raised by
    the calls of these numbers, which nevertheless publish."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: dict[int, ProviderError]) -> None:
        self._failures = failures
        self._at = STARTED_AT
        self.taken: list[tuple[list[str], float]] = []
        self.messages: list[MqttMessage] = []  # the first of each call
        monkeypatch.setattr("handlers.providers.rtm.now", lambda: self._at)

    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        self.taken.append(([each.topic for each in messages], timeout_seconds))
        self.messages.append(messages[0])
        self._at += timedelta(minutes=1)
        if len(self.taken) in self._failures:
            raise self._failures[len(self.taken)]

    @property
    def sizes(self) -> list[int]:
        return [len(topics) for topics, _ in self.taken]


def _followers(count: int) -> tuple[str, ...]:
    return tuple(f"person-{number}" for number in range(count))


def _topics(count: int) -> list[str]:
    return [down("shop", user_id) for user_id in _followers(count)]


async def _send(mqtt: MqttTransport, url: str = "mqtt://broker.example", **fields: Any) -> Submitted:
    account = {
        "account": "rtm-1",
        "provider": "rtm",
        "url": url,
        "timeout_seconds": TIMEOUT_SECONDS,
    }
    news: dict[str, Any] = {
        "reference": REFERENCE,
        "to": Address(kind="topic", id="news"),
        "sender": None,
        "content": TextContent(text="Hello"),
        "audience": _followers(2_500),
        **fields,
    }
    http = FakeHttp()
    out = Transports(http=http, http2=http, mqtt=mqtt, tokens=FakeTokens())
    return await REGISTRY.handler(REGISTRY.account(account, "test")).send(Submission(**news), out)


async def _failure(mqtt: MqttTransport, **fields: Any) -> tuple[Any, ...]:
    with pytest.raises(ProviderError) as caught:
        await _send(mqtt, **fields)
    return caught.value.kind, caught.value.reason, caught.value.code, caught.value.text


async def test_a_broker_that_takes_longer_for_all_than_for_a_page_gets_it_to_all() -> None:
    came: list[str] = []

    def slowly(kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return connack()
        if kind == PUBLISH:
            came.append(body[2 : 2 + int.from_bytes(body[:2], "big")].decode())
            asyncio.get_running_loop().call_later(SLOW_SECONDS, broker.send, puback(body))
        return b""

    publisher = MqttPublisher("test", connect_timeout_seconds=5.0)
    async with scripted_broker(slowly) as broker:
        try:
            sent = await _send(publisher, f"mqtt://127.0.0.1:{broker.port}")
        finally:
            await publisher.close()
    assert (sent, came) == (Submitted((REFERENCE,)), _topics(2_500))


@pytest.mark.parametrize(
    ("followers", "sizes"),
    [(1, [1]), (1_000, [1_000]), (1_001, [1_000, 1]), (2_500, [1_000, 1_000, 500])],
)
async def test_followers_get_it_in_pages_with_time_for_each(
    monkeypatch: pytest.MonkeyPatch, followers: int, sizes: list[int]
) -> None:
    mqtt, all_of_them = Pages(monkeypatch, {}), _topics(followers)
    assert await _send(mqtt, audience=_followers(followers)) == Submitted((REFERENCE,))
    assert mqtt.taken == [
        (all_of_them[sum(sizes[:number]) :][:size], TIMEOUT_SECONDS) for number, size in enumerate(sizes)
    ]


async def test_each_page_says_when_it_went_out_and_how_long_it_is_worth_keeping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mqtt = Pages(monkeypatch, {})
    await _send(mqtt, expires_at=STARTED_AT + timedelta(minutes=10))
    assert [(orjson.loads(each.payload)["sent_at"], each.expiry_seconds) for each in mqtt.messages] == [
        (rfc3339(STARTED_AT + timedelta(minutes=number)), 600 - 60 * number) for number in range(3)
    ]


async def test_a_page_that_the_broker_does_not_take_in_time_is_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mqtt = Pages(monkeypatch, {2: SLOW})
    assert await _failure(mqtt) == (
        FailureKind.UNCERTAIN,
        "provider_unavailable",
        "timeout",
        "no acknowledgement in time",
    )
    assert mqtt.sizes == [1_000, 1_000]


async def test_what_is_refused_to_one_reaches_the_followers_of_later_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mqtt = Pages(monkeypatch, {1: REFUSED, 2: FORBIDDEN})
    assert await _failure(mqtt) == (FailureKind.PERMANENT, "provider_error", "0x90", None)
    assert mqtt.sizes == [1_000, 1_000, 500]


async def test_a_page_that_is_forbidden_among_others_is_not_the_accounts_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await _failure(Pages(monkeypatch, {2: FORBIDDEN})) == (
        FailureKind.PERMANENT,
        "provider_error",
        "0x87",
        None,
    )
    everywhere = Pages(monkeypatch, dict.fromkeys((1, 2, 3), FORBIDDEN))
    assert await _failure(everywhere) == (FailureKind.AUTH, "account_credentials", "0x87", None)


async def test_a_refusal_is_forgotten_over_a_broker_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent to all again, and then told."""
    mqtt = Pages(monkeypatch, {1: REFUSED, 2: SLOW})
    assert (await _failure(mqtt))[0] is FailureKind.UNCERTAIN
    assert mqtt.sizes == [1_000, 1_000]


@pytest.mark.parametrize(
    ("content", "expires_in_seconds", "sizes"),
    [
        (TextContent(text="Hello"), 0, [1_000]),  # whoever let it go out found it worth that
        (TextContent(text="Hello"), 119, [1_000, 1_000]),
        (TextContent(text="Hello"), 120, [1_000, 1_000]),
        (TypingContent(type="typing"), None, [1_000]),  # worth 30 seconds
    ],
)
async def test_no_page_is_begun_once_it_has_expired(
    monkeypatch: pytest.MonkeyPatch, content: Content, expires_in_seconds: int | None, sizes: list[int]
) -> None:
    mqtt = Pages(monkeypatch, {})
    seconds = expires_in_seconds
    expires_at = None if seconds is None else STARTED_AT + timedelta(seconds=seconds)
    assert await _failure(mqtt, content=content, expires_at=expires_at) == TOO_LATE
    assert mqtt.sizes == sizes


async def test_what_has_not_expired_when_its_last_page_begins_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mqtt = Pages(monkeypatch, {})
    await _send(mqtt, expires_at=STARTED_AT + timedelta(seconds=121))
    assert mqtt.sizes == [1_000, 1_000, 500]
