"""The demo's samples, through the handlers, against the simulator with the demo's rules.

Queues and the store are left out: messages are planned, sent, tried again and matched to their receipts as
the processors do, without the waits. The simulator knows nothing of the handlers, so each proves the other.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.config_files import read_folder
from gateway.errors import MessageRefused, ProviderError
from gateway.model.base import now
from gateway.model.callback import CallbackRequest
from gateway.model.message import MTMessage
from gateway.transports.http import AiohttpTransport
from gateway.transports.port import Transports
from handlers.registry import Registry
from handlers.simulator.app import build
from handlers.simulator.config import load
from processors.catalogue import Catalogue, build_catalogue
from processors.planning import Plan, plan
from processors.retry_policy import GiveUp, after_failure
from tests.handlers.fake_http import FakeTokens
from tests.handlers.fake_mqtt import FakeMqtt

CONFIG = Path(__file__).parents[2] / "config"
SAMPLES = CONFIG / "samples"
ENVIRON = {
    "IMGW_DEMO_WA_ACCESS_TOKEN": "wa-access",
    "IMGW_DEMO_WA_APP_SECRET": "wa-secret",
    "IMGW_DEMO_WA_VERIFY_TOKEN": "wa-verify",
    "IMGW_DEMO_TG_TOKEN": "123456:ABC-def",
    "IMGW_DEMO_TG_SECRET_TOKEN": "tg-secret",
    "IMGW_DEMO_SMS_SECRET": "sms-secret",
    "IMGW_DEMO_SMS_CALLBACK_SECRET": "sms-callback",
    "IMGW_DEMO_CHAT_SECRET": "chat-secret-of-32-characters-ore",
    "IMGW_DEMO_MQTT_URL": "mqtt://127.0.0.1:1",
    "IMGW_DEMO_MQTT_ENABLED": "false",
}


@dataclass(slots=True)
class Gateway:
    """As much of a gateway as it takes to know how every message ends."""

    catalogue: Catalogue | None = None
    ends: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # by reference: status, reason
    references: dict[str, str] = field(default_factory=dict)  # by provider message id
    receipts: list[tuple[str | None, str | None, str, str | None]] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    async def callback(self, request: web.Request) -> web.Response:
        assert self.catalogue is not None
        handler = self.catalogue.handlers[request.match_info["account"]]
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        seen = CallbackRequest(request.method, str(request.url), dict(request.query), headers, body)
        handler.verify(seen)
        for item in handler.split(seen):
            self.written |= {mo.provider_message_id for mo in handler.parse_mo(item)}
            for dr in handler.parse_dr(item):
                reason = dr.reason.code if dr.reason else None
                self.receipts.append((dr.provider_message_id, dr.reference, str(dr.status), reason))
        reply = handler.reply(seen)
        return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)

    async def send(self, mt: MTMessage, out: Transports) -> None:
        """Until it is taken or has failed for good."""
        assert self.catalogue is not None
        reference = f"{mt.app_id}/{mt.message_id}"
        try:
            expires_at = mt.due_at(now(), 86_400)
            if expires_at <= now():
                raise MessageRefused("expired_before_send", "")
            planned = plan(mt, mt.message_id or "", self.catalogue, expires_at=expires_at)
        except MessageRefused as refused:
            self.ends[reference] = ("rejected", refused.code)
            return
        error = await self._attempts(planned, out)
        if error is not None:
            self.ends[reference] = ("failed", error)
        elif not planned.handler.capabilities.receipts:
            self.ends[reference] = ("submitted", None)
        else:
            self.ends[reference] = ("expired", None)  # unless a receipt comes

    async def _attempts(self, planned: Plan, out: Transports) -> str | None:
        attempt, waits, left = 1, 0, list(planned.submissions)
        while left:
            try:
                submitted = await planned.handler.send(left[0], out)
            except ProviderError as error:
                verdict = after_failure(
                    error,
                    attempt=attempt,
                    waits=waits,
                    schedule=planned.account.retry,
                    duplicates=planned.duplicates,
                    idempotent=planned.handler.capabilities.idempotent,
                )
                if isinstance(verdict, GiveUp):
                    return verdict.reason.code
                attempt, waits = verdict.attempt, waits + 1
                continue
            self.references |= dict.fromkeys(submitted.provider_message_ids, left.pop(0).reference)
        return None

    def match(self) -> None:
        """Apply the receipts, whether their message is known by its id or by our reference."""
        for provider_id, reference, status, reason in self.receipts:
            known = self.references.get(provider_id or "") or reference
            assert known in self.ends, status
            if status in ("delivered", "read"):
                self.ends[known] = ("delivered_or_read", None)
            elif status == "failed":
                self.ends[known] = ("failed", reason)


def samples() -> list[MTMessage]:
    lines = (SAMPLES / "mt.jsonl").read_text(encoding="utf-8").splitlines()
    return [MTMessage.model_validate_json(line) for line in lines]


def catalogue(provider_url: str) -> Catalogue:
    raw = read_folder(CONFIG, ENVIRON | {"IMGW_DEMO_PROVIDER_URL": provider_url})
    return build_catalogue(
        Registry.discover(),
        {document.where: document.content for document in raw.applications},
        {document.where: document.content for document in raw.accounts},
    )


def summed(gateway: Gateway, everything: int) -> dict[str, Any]:
    """In the form of mt.expected.json."""
    ends = Counter(gateway.ends.values())
    told: dict[str, Any] = {"failed": {}, "rejected": {}, "mo": len(gateway.written)}
    for (status, reason), number in sorted(ends.items(), key=str):
        if reason is None:
            told[status] = number
        else:
            told[status][reason] = number
    return told | {"duplicates": everything - len(gateway.ends)}


@pytest.mark.timeout(60)
async def test_the_samples_end_as_expected() -> None:
    gateway, app = Gateway(), web.Application()
    app.add_routes([web.post("/callbacks/{account}", gateway.callback)])
    http = AiohttpTransport(allowed_private_networks=[ip_network("127.0.0.0/8")])
    async with TestServer(app) as server:
        environ = ENVIRON | {"IMGW_DEMO_GATEWAY_URL": str(server.make_url("/"))}
        config = load(CONFIG / "simulator.yaml", environ)
        async with TestServer(build(config.model_copy(update={"receipt_delay_seconds": (0.0, 0.05)}))) as sim:
            gateway.catalogue = catalogue(str(sim.make_url("/")).rstrip("/"))
            await http.start()
            unique = {(mt.app_id, mt.message_id): mt for mt in samples()}
            await asyncio.gather(
                *(
                    gateway.send(mt, Transports(http, http, FakeMqtt(), FakeTokens()))
                    for mt in unique.values()
                )
            )
            await http.close()

            flush = sim.make_url("/simulator/flush").with_query(wait_seconds=30)
            async with aiohttp.ClientSession() as client, client.post(flush) as answer:
                assert (await answer.json())["pending_callbacks"] == 0
    gateway.match()
    expected = json.loads((SAMPLES / "mt.expected.json").read_text(encoding="utf-8"))
    assert summed(gateway, len(samples())) == expected
