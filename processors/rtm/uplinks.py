"""Deals with what devices of one account publish: MO and receipts go to their queues, requests are served,
and whether a device is there is noted.

A publication is acknowledged to the MQTT broker only when it is safe elsewhere, or when it cannot be taken
and its device has been told so. While a server of ours is away it stays unacknowledged: the broker hands out
no more than a window of those, and keeps the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
import structlog

from gateway.broker.port import Broker, HeaderValue, StoredMessage
from gateway.errors import StoreUnavailable, UnavailableError
from gateway.model.base import now, uuid7
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device, UpKind, read_up
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import Presence, Request, UpMessage, UpReceipt, refused, result
from gateway.store.customers import Customers
from gateway.telemetry.metrics import Metrics
from gateway.transports.mqtt.received import Received
from processors.catalogue import Configured
from processors.dead_letters import buried
from processors.outcome import Dead
from processors.rtm.allowance import Allowance
from processors.rtm.applications import application_for
from processors.rtm.reading import document_in, id_in, read
from processors.rtm.up_items import BURIED_FROM, callback_item, correlation_of, told_by

logger = structlog.get_logger("rtm")

WINDOW = 256
"""How many publications of an account are under way at once."""
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
# How long a request waits for the store. By then its client has given it up, or said the same again.
_REQUEST_WAITS = timedelta(seconds=30)


class Serving(Protocol):
    async def serve(self, device: Device, request: Request, at: datetime) -> dict[str, Any]:
        """See processors/rtm/requests.py."""


class Answering(Protocol):
    async def send(self, device: Device, payload: Mapping[str, Any], correlation: bytes | None) -> None:
        """See processors/rtm/responses.py."""


class Uplinks:
    """Works on a window of publications at once, in tasks of its own."""

    def __init__(
        self,
        account: RtmAccount,
        broker: Broker,
        customers: Customers,
        requests: Serving,
        answers: Answering,
        configured: Configured,
        metrics: Metrics,
    ) -> None:
        self._account = account.account
        parameters = account.parameters
        # Without MQTT 5, clients cannot say where they want to hear that their MO was taken.
        self._always_answers = parameters.protocol == "3.1.1" or parameters.inbound == "amq_topic"
        self._broker = broker
        self._customers = customers
        self._requests = requests
        self._answers = answers
        self._configured = configured
        self._metrics = metrics
        self._allowance = Allowance()
        self._inbox: asyncio.Queue[tuple[Received, datetime]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, str] = {}  # publications that a server is away for, and which
        self._unacknowledged = 0

    @property
    def trouble(self) -> str | None:
        """Why what was taken is not safe yet, in words for an operator."""
        waiting = list(self._waiting.values())
        return f"{len(waiting)} publications wait: {waiting[0]}" if waiting else None

    def start(self) -> None:
        self._metrics.rtm_unacknowledged.labels(self._account).set_function(lambda: self._unacknowledged)
        self._tasks = [
            asyncio.create_task(self._work(), name=f"{self._account} uplink#{number}")
            for number in range(WINDOW)
        ]

    async def stop(self) -> None:
        """What has not been acknowledged comes again."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            self._metrics.rtm_unacknowledged.remove(self._account)

    def take(self, received: Received) -> None:
        """Deal with it soon, and acknowledge it then."""
        self._unacknowledged += 1
        self._inbox.put_nowait((received, now()))

    async def deal(self, received: Received, at: datetime) -> None:
        """Deal with one publication, which was received at this time: put it where it is safe, or tell its
        device why it is not taken. Raises UnavailableError when it has to be tried again."""
        found = read_up(received.topic)
        if found is None or not _is_news(found[1], received):
            self._metrics.rtm_received.labels(
                self._account, found[1] if found else "unknown", "ignored"
            ).inc()
            return
        device, kind = found
        document = None
        try:
            document = document_in(received.payload)
            await application_for(self._configured, device.app_id, self._account)
            await self._put(device, kind, document, received, at)
        except RtmRefused as refusal:
            await self._refuse(device, kind, refused(id_in(kind, document), refusal), received)
            self._metrics.rtm_refusals.labels(self._account, refusal.code).inc()
            self._count(kind, "refused")
        else:
            self._count(kind, "accepted")

    def _count(self, kind: str, outcome: str) -> None:
        self._metrics.rtm_received.labels(self._account, kind, outcome).inc()

    async def _put(
        self, device: Device, kind: UpKind, document: Any, received: Received, at: datetime
    ) -> None:
        found = read(kind, document)
        if isinstance(found, UpMessage | UpReceipt):
            await self._broker.publish(callback_item(device, kind, document, self._told(received, at)))
        elif isinstance(found, Presence):
            await self._note(device, found, received.retained, at)
        else:
            await self._serve(device, found, received, at)

    def _told(self, received: Received, at: datetime) -> dict[str, HeaderValue]:
        return told_by(received, self._account, at, always_answers=self._always_answers)

    async def _note(self, device: Device, presence: Presence, retained: bool, at: datetime) -> None:
        # Each new session gets again what is retained, however old: nobody is heard of by that.
        if presence.online and not retained:
            await self._customers.touch(
                device, at, platform=presence.platform, app_version=presence.app_version
            )
        await self._customers.presence(
            device, online=presence.online, session=presence.session, at=at, retained=retained
        )

    async def _serve(self, device: Device, request: Request, received: Received, at: datetime) -> None:
        if not self._allowance.begin(device):
            raise RtmRefused("too_many")
        answered_bytes = 0
        try:
            content = await self._requests.serve(device, request, at)
            answered_bytes = len(orjson.dumps(content))
        except StoreUnavailable as error:
            if now() - at < _REQUEST_WAITS:
                raise
            raise RtmRefused("unavailable") from error
        finally:
            self._allowance.end(device, answered_bytes)
        await self._answers.send(device, result(request.id, content), correlation_of(received))

    async def _refuse(self, device: Device, kind: UpKind, answer: dict[str, Any], received: Received) -> None:
        logger.debug("uplink.refused", account=self._account, kind=kind, code=answer["code"])
        await self._answers.send(device, answer, correlation_of(received))

    async def _work(self) -> None:
        while True:
            received, at = await self._inbox.get()
            await self._until_dealt_with(received, at)
            received.acknowledge()
            self._unacknowledged -= 1

    async def _until_dealt_with(self, received: Received, at: datetime) -> None:
        pause = _FIRST_PAUSE_SECONDS
        try:
            while not await self._tried(received, at):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        finally:
            self._waiting.pop(id(received), None)

    async def _tried(self, received: Received, at: datetime) -> bool:
        """Whether it is dealt with."""
        try:
            await self.deal_or_bury(received, at)
        except UnavailableError as error:
            if str(error) not in self._waiting.values():  # once, not for each publication that waits
                logger.warning("uplink.waiting", account=self._account, error=str(error))
            self._waiting[id(received)] = str(error)
            return False
        return True

    async def deal_or_bury(self, received: Received, at: datetime) -> None:
        """As `deal`, but a bug costs one publication, which stays for people to look at: were it left
        unacknowledged, all that came after it would wait for it."""
        try:
            await self.deal(received, at)
        except UnavailableError:
            raise
        except Exception as error:
            logger.exception("uplink.bug", account=self._account)
            message = StoredMessage(received.payload, self._told(received, at), message_id=uuid7())
            dead = Dead("internal_error", type(error).__name__)
            await self._broker.publish(buried(message, BURIED_FROM, dead))


def _is_news(kind: UpKind, received: Received) -> bool:
    """Not that what was retained of a device's presence is gone; nor anything else that is retained: it comes
    again whenever somebody subscribes, and was dealt with when it was published."""
    return bool(received.payload) if kind == "presence" else not received.retained
