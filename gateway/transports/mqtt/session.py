"""One connection of a listener: what it subscribes to, and what comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.transports.failing import not_taken
from gateway.transports.mqtt.connection import Connection, End, Hooks
from gateway.transports.mqtt.failures import failed, told
from gateway.transports.mqtt.incoming import Incoming
from gateway.transports.mqtt.received import LeftOver, Received, Unacknowledged, received
from gateway.transports.port import MqttServer

logger = structlog.get_logger()

_AT_LEAST_ONCE = 1


class Session:
    """Connected until `ended` is done; made anew for the next connection. `take` gets what comes in,
    except for what is `left_over` of connections before."""

    def __init__(
        self,
        server: MqttServer,
        client_id: str,
        take: Callable[[Received], None],
        *,
        session_seconds: int,
        receive_maximum: int,
        left_over: LeftOver,
        clean_start: bool = False,
    ) -> None:
        self._modern = server.protocol == "5"
        self._take = take
        self._receive_maximum = receive_maximum
        self._server = f"{server.host}:{server.port}"
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[list[int]]] = {}
        self._connection = Connection(
            server,
            client_id,
            Hooks(message=self._received, answered=self._answered),
            clean_start=clean_start,
            session_seconds=session_seconds,
            receive_maximum=receive_maximum,
        )
        self.unacknowledged = Unacknowledged(self._acknowledge, left_over)
        self.heard_at = self._loop.time()
        """When something came in last, or it began, by the event loop's clock."""

    @property
    def ended(self) -> asyncio.Future[End]:
        return self._connection.ended

    @property
    def lived_seconds(self) -> float:
        """For how long it was connected, now that it has ended."""
        return self._connection.lived_seconds

    async def open(self, timeout_seconds: float) -> bool:
        """Connect; whether the broker still had the session. Raises ProviderError."""
        granted = await self._connection.open(timeout_seconds)
        self._connection.ended.add_done_callback(self._ended)
        self.heard_at = self._loop.time()
        return granted.session_present

    async def subscribe(self, filters: Sequence[str], timeout_seconds: float) -> str | None:
        """Why not all of it is granted, in words; None when it is. Raises ProviderError.

        Also when the session was still there: its subscriptions may be those of another version of the
        gateway. With MQTT 5, what is retained comes only with a subscription that is new.
        """
        codes = await self._answer(lambda: self._ask_for(filters), timeout_seconds)
        refused = [
            f"{wanted}: {told(code) if failed(code) else 'only QoS 0'}"
            for wanted, code in zip(filters, codes, strict=False)
            if code != _AT_LEAST_ONCE
        ]
        if len(codes) != len(filters):
            return "the broker's answer to the subscriptions is none"
        return f"the broker refuses subscriptions: {'; '.join(refused)}" if refused else None

    async def unsubscribe(self, filters: Sequence[str], timeout_seconds: float) -> None:
        """Raises ProviderError, also when the broker refuses it."""
        codes = await self._answer(lambda: self._connection.client.unsubscribe([*filters]), timeout_seconds)
        for code in codes:
            if failed(code):
                raise not_taken(f"{code:#04x}", told(code))

    async def close(self, *, end_session: bool) -> bool:
        """Send the acknowledgements that have been given, and disconnect; whether the broker has been told to
        forget the session."""
        properties = None
        if end_session and self._modern:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
        return await self._connection.close(properties) and properties is not None

    def abort(self) -> None:
        self._connection.abort()

    def _ask_for(self, filters: Sequence[str]) -> tuple[int, int | None]:
        client = self._connection.client
        if not self._modern:
            return client.subscribe([(each, _AT_LEAST_ONCE) for each in filters])
        options = SubscribeOptions(qos=_AT_LEAST_ONCE, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        return client.subscribe([(each, options) for each in filters])

    async def _answer(self, ask: Callable[[], tuple[int, int | None]], timeout_seconds: float) -> list[int]:
        """The reason codes that the broker answers with."""
        _, identifier = ask()
        if identifier is None or self.ended.done():
            raise not_taken("disconnected", "not connected to the broker")
        answer: asyncio.Future[list[int]] = self._loop.create_future()
        self._answers[identifier] = answer
        either: tuple[asyncio.Future[Any], ...] = (answer, self.ended)
        try:
            await asyncio.wait(either, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._answers[identifier]
        if answer.done():
            return answer.result()
        if self.ended.done():
            raise not_taken("disconnected", self.ended.result().words)
        raise not_taken("timeout", "no answer of the broker in time")

    def _answered(self, identifier: int, codes: list[int]) -> None:
        answer = self._answers.get(identifier)
        if answer is not None and not answer.done():
            answer.set_result(codes)

    def _received(self, publication: Incoming) -> None:
        self.heard_at = self._loop.time()
        try:
            came = received(publication, self.unacknowledged)
        except UnicodeDecodeError:  # what brokers must not let through; it would come again for ever
            logger.warning("publication.dropped", server=self._server, reason="the topic is not text")
            self.unacknowledged.add(publication)()
            return
        if came is not None:
            self._take(came)
        # That the broker was told the maximum is not enough: MQTT 3.1.1 has none, and Mosquitto (2.0.11)
        # sends as many again after each acknowledgement; and at QoS 0 there is none.
        if len(self.unacknowledged) > self._receive_maximum:
            self._connection.hold()

    def _acknowledge(self, identifier: int) -> None:
        if identifier:
            self._connection.client.ack(identifier, _AT_LEAST_ONCE)
        if len(self.unacknowledged) <= self._receive_maximum:
            self._connection.release()

    def _ended(self, ended: asyncio.Future[End]) -> None:
        self.unacknowledged.close()


async def forget_session(server: MqttServer, client_id: str, timeout_seconds: float) -> None:
    """Make the broker forget what it keeps for this client, which is not connected. Raises ProviderError."""
    session = Session(
        server,
        client_id,
        _ignore,
        session_seconds=0,
        receive_maximum=1,
        left_over=LeftOver(),
        clean_start=True,
    )
    await session.open(timeout_seconds)
    await session.close(end_session=True)


def _ignore(came: Received) -> None:
    """A new session has no subscriptions."""
