"""Answers a device straight away, on its own responses topic and on no other, whatever it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device
from gateway.rtm.publications import publication
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import MqttTransport
from processors.rtm.tellings import ANSWER_LASTS

logger = structlog.get_logger("rtm")

_TRIES = 3
_PAUSE_SECONDS = 1.0
_FOR_GOOD = frozenset({FailureKind.PERMANENT, FailureKind.AUTH})


class Responses:
    """Those of one account."""

    def __init__(self, account: RtmAccount, mqtt: MqttTransport, metrics: Metrics) -> None:
        self._account = account
        self._mqtt = mqtt
        self._metrics = metrics

    async def send(self, device: Device, payload: Mapping[str, Any], correlation: bytes | None) -> None:
        """Returns when the broker has it, or when it has failed for good: a client that hears nothing asks
        again."""
        at = now()
        message = publication(
            device.responses,
            orjson.dumps(payload),
            kind="response",
            expires_at=at + ANSWER_LASTS,
            at=at,
            correlation=correlation,
            trace={},
        )
        for tried in range(1, _TRIES + 1):
            try:
                await self._mqtt.publish(
                    self._account.server, [message], timeout_seconds=self._account.timeout_seconds
                )
            except ProviderError as error:
                if tried == _TRIES or error.kind in _FOR_GOOD:
                    logger.warning("response.lost", account=self._account.account, error=str(error))
                    self._count("lost")
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._count("published")
                return

    def _count(self, outcome: str) -> None:
        self._metrics.rtm_downlinks.labels(self._account.account, "response", outcome).inc()
