"""Publishing over one connection: several callers share its window, each in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import cast

from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties

from gateway.errors import ProviderError
from gateway.transports.failing import lost, not_taken, refused_to_some
from gateway.transports.mqtt.connection import Connection, End, Hooks
from gateway.transports.mqtt.failures import failed, publication_failure, too_long, unsendable
from gateway.transports.mqtt.greeting import Granted
from gateway.transports.mqtt.packing import PackedProperties, check_topic, packed_properties, packet_bytes
from gateway.transports.port import MqttMessage, MqttServer

MOST_IN_FLIGHT = 1_000

_AT_LEAST_ONCE = 1
_MOST_UNSENT_BYTES = 262_144
# A broker that answers pings, and has not acknowledged a publication this long after its time, never will.
_LONG_OVERDUE_SECONDS = 60.0
_NO_PROPERTIES = b""


class Batch:
    """The messages of one publish call, and what has become of them: those that are not yet handed over, and
    those that are and have no acknowledgement.

    A message that is refused keeps none of the others from going out; the first error is told at the end.
    """

    __slots__ = ("_expiry", "_messages", "_taken", "done", "error", "expires_at", "in_flight", "to_come")

    def __init__(self, messages: Sequence[MqttMessage], timeout_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._messages: Iterator[MqttMessage] = iter(messages)
        self.to_come = len(messages)
        self.in_flight = 0
        self._taken = False  # whether the broker has taken any
        self.error: ProviderError | None = None
        self.done: asyncio.Future[None] = loop.create_future()
        self.expires_at = loop.time() + timeout_seconds
        self._expiry = loop.call_at(self.expires_at, self._expire)

    def next(self) -> MqttMessage:
        self.to_come -= 1
        return next(self._messages)

    def note(self, error: ProviderError) -> None:
        if self.error is None:
            self.error = error

    def acknowledged(self, code: int) -> None:
        self.in_flight -= 1
        if failed(code):
            self.note(publication_failure(code))
        else:
            self._taken = True
        self.settle()

    def settle(self) -> None:
        """End the call when nothing is left."""
        if self.to_come or self.in_flight or self.done.done():
            return
        if self.error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(refused_to_some(self.error) if self._taken else self.error)

    def break_off(self, code: str, text: str) -> None:
        """End the call now: what is in flight may have arrived. What was refused before is refused again when
        all is sent again; told now, what is left would be given up with it."""
        self.to_come = 0
        if not self.done.done():
            self.done.set_exception(lost(code, text) if self.in_flight else not_taken(code, text))

    def forget(self) -> None:
        """Nobody waits for it any more."""
        self.to_come = 0
        self._messages = iter(())  # it stays for as long as some of them are in flight
        self._expiry.cancel()
        if not self.done.cancelled():
            self.done.exception()  # asyncio logs those that nobody has looked at

    def _expire(self) -> None:
        self.break_off("timeout", "no acknowledgement in time")


class Outgoing:
    """A connection to publish over. No more publications are unacknowledged than the broker takes, nor more
    than `MOST_IN_FLIGHT`; those of a call that has ended still count, until the broker acknowledges them.
    When it does not for long, the connection is cut: they would narrow the window for good."""

    def __init__(self, server: MqttServer, client_id: str) -> None:
        self._modern = server.protocol == "5"
        hooks = Hooks(published=self._acknowledged, settled=self._hand_over)
        self._connection = Connection(server, client_id, hooks)
        self._granted = Granted(session_present=False)
        self._most = MOST_IN_FLIGHT
        self._in_flight: dict[int, Batch] = {}
        self._waiting: deque[Batch] = deque()
        self._unsent_bytes = 0

    async def open(self, timeout_seconds: float) -> None:
        """Raises ProviderError."""
        self._granted = await self._connection.open(timeout_seconds)
        self._most = min(MOST_IN_FLIGHT, self._granted.receive_maximum)
        self._connection.ended.add_done_callback(self._ended)

    @property
    def usable(self) -> bool:
        return not self._connection.ended.done()

    @property
    def lived_seconds(self) -> float:
        """For how long it was usable."""
        return self._connection.lived_seconds

    async def publish(self, messages: Sequence[MqttMessage], timeout_seconds: float) -> None:
        """See MqttTransport.publish; `usable` must hold."""
        batch = Batch(messages, timeout_seconds)
        batch.settle()  # when there are none
        self._waiting.append(batch)
        self._hand_over()
        try:
            await batch.done
        finally:
            batch.forget()
            if batch.in_flight and self.usable:
                at = batch.expires_at + _LONG_OVERDUE_SECONDS
                asyncio.get_running_loop().call_at(at, self._cut_over, batch)

    def cut(self) -> None:
        """Disconnect at once."""
        self._connection.abort()

    async def close(self) -> None:
        """Disconnect; what is under way fails."""
        self._break_off("the gateway is stopping")
        await self._connection.close()

    def _hand_over(self) -> None:
        """Publish what there is room for, one of each call in turn."""
        while self._waiting and len(self._in_flight) < self._most and not self._connection.full:
            batch = self._waiting.popleft()
            if not batch.to_come:
                continue
            message = batch.next()
            try:
                self._in_flight[self._published(message)] = batch
                batch.in_flight += 1
                self._send_much()
            except ProviderError as error:
                batch.note(error)
                batch.settle()
            if batch.to_come:
                self._waiting.append(batch)

    def _send_much(self) -> None:
        """Only what is sent shows whether the broker takes more: a whole window of large messages would be
        gathered in memory."""
        if self._unsent_bytes > _MOST_UNSENT_BYTES:
            self._unsent_bytes = 0
            self._connection.flush()

    def _packed(self, message: MqttMessage) -> bytes:
        """The properties, of a message that can go out; its size counts as unsent."""
        most_bytes = self._granted.maximum_packet_size
        try:
            check_topic(message.topic)
            packed = packed_properties(message) if self._modern else _NO_PROPERTIES
            size_bytes = packet_bytes(message, packed)
        except ValueError as error:
            raise unsendable(str(error)) from error
        if most_bytes is not None and size_bytes > most_bytes:
            raise too_long(size_bytes, most_bytes)
        if message.retain and not self._granted.retain:
            raise unsendable("the broker does not retain publications")
        self._unsent_bytes += size_bytes
        return packed

    def _published(self, message: MqttMessage) -> int:
        """Its packet identifier. Raises ProviderError; nothing of it has gone out then."""
        packed = self._packed(message)
        properties = cast(Properties, PackedProperties(packed)) if self._modern else None
        while True:
            made = self._connection.client.publish(
                message.topic, message.payload, _AT_LEAST_ONCE, message.retain, properties
            )
            if made.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
                raise not_taken("disconnected", "the connection has ended")
            # Identifiers go round: this one belongs to an old publication that is not acknowledged.
            if made.rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                return made.mid

    def _acknowledged(self, identifier: int, code: int) -> None:
        batch = self._in_flight.pop(identifier, None)
        if batch is not None:
            batch.acknowledged(code)

    def _cut_over(self, batch: Batch) -> None:
        """Disconnect, if any of a call that ended long ago is still not acknowledged."""
        if batch.in_flight and self.usable:
            self._break_off("the broker left publications unacknowledged")
            self.cut()

    def _ended(self, ended: asyncio.Future[End]) -> None:
        self._break_off(ended.result().words)

    def _break_off(self, words: str) -> None:
        """End all calls that are under way."""
        batches = dict.fromkeys([*self._in_flight.values(), *self._waiting])
        self._in_flight.clear()
        self._waiting.clear()
        for batch in batches:
            batch.break_off("disconnected", words)
