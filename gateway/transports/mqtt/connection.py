"""One connection to an MQTT broker: paho's protocol on a connection of the event loop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import ProviderError
from gateway.transports.failing import not_taken
from gateway.transports.mqtt.dialing import DialFailure, dial, dial_failure
from gateway.transports.mqtt.failures import KEEP_ALIVE_TIMEOUT, told
from gateway.transports.mqtt.greeting import Granted, connect_properties, granted, new_client
from gateway.transports.mqtt.incoming import Incoming, incoming
from gateway.transports.mqtt.wire import Wire
from gateway.transports.port import MqttServer

KEEP_ALIVE_SECONDS = 15  # a broker that says nothing for twice as long is given up

_TICK_SECONDS = 1.0
_TICKS_A_PING = 5
_PINGREQ = b"\xc0\x00"
_FAREWELL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class End:
    """How a connection ended: in words for an operator, and with the broker's reason code if it gave one."""

    words: str
    code: int | None = None


@dataclass(slots=True)
class Hooks:
    """What is called as things happen, all on the event loop."""

    published: Callable[[int, int], None] | None = None  # packet identifier, reason code
    message: Callable[[Incoming], None] | None = None
    answered: Callable[[int, list[int]], None] | None = None  # packet identifier, reason codes
    settled: Callable[[], None] | None = None  # everything that had come was read, or there is room again


class Connection:
    """From CONNECT to its end, and never again: a paho client that connects another time repeats what had
    been under way.

    `open` it once. `ended` is done when it has ended, whoever ended it. Nothing of paho's is logged: it has
    topics and properties.
    """

    def __init__(
        self,
        server: MqttServer,
        client_id: str,
        hooks: Hooks,
        *,
        clean_start: bool = True,
        session_seconds: int = 0,
        receive_maximum: int | None = None,
    ) -> None:
        self._server = server
        self._clean_start = clean_start
        self._session_seconds = session_seconds
        self._receive_maximum = receive_maximum
        self._hooks = hooks
        self._loop = asyncio.get_running_loop()
        self._wire = Wire(self._read, self._settled, self._lost)
        self._flushing = False
        self._held = False
        self._held_until = -math.inf
        self._ticks = 0
        self._ticking: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[Granted] = self._loop.create_future()
        self._told: int | None = None
        self._why: str | None = None
        modern = server.protocol == "5"
        self._hint = "; MQTT 5 may be new to it: see the account's parameters.protocol" if modern else ""
        self._opened_at = self._ended_at = self._loop.time()
        self.ended: asyncio.Future[End] = self._loop.create_future()
        self.client = self._new_client(client_id)

    async def open(self, timeout_seconds: float) -> Granted:
        """Connect, within this time for everything. Raises ProviderError; it has ended then."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await dial(self._server, self._wire)
                self._ticking = self._loop.call_later(_TICK_SECONDS, self._tick)
                self._connect()
                answer = await self._answer
                self._opened_at = self._loop.time()
                return answer
        except DialFailure as error:
            raise dial_failure(error, self._server.host) from error
        finally:
            if not self._answer.done() or self._answer.cancelled() or self._answer.exception() is not None:
                self.abort()

    @property
    def full(self) -> bool:
        """Whether more to send should wait for `settled`."""
        return self._wire.full

    @property
    def lived_seconds(self) -> float:
        """For how long it was open, now that it has ended."""
        return self._ended_at - self._opened_at

    def flush(self) -> None:
        """Send what there is to send now, and not with what else comes in this round of the event loop."""
        self.client.loop_write()
        self._wire.flush()

    def hold(self) -> None:
        """Read nothing more, until `release`: whoever takes what comes in is not done with what came."""
        if not self._held:
            self._held = True
            self._wire.hold()

    def release(self) -> None:
        if self._held:
            self._held = False
            self._held_until = self._loop.time()
            self._wire.release()
            self._loop.call_soon(self._read)

    async def close(self, properties: Properties | None = None) -> bool:
        """Say goodbye, after everything else that is to be sent; cut it when that takes long. Whether it was
        said."""
        if self.ended.done():
            return False
        self._wire.graceful = True
        self.client.disconnect(properties=properties)
        await asyncio.wait([self.ended], timeout=_FAREWELL_SECONDS)
        said = self.ended.done()
        self.abort()
        return said

    def abort(self) -> None:
        """Cut it, if it has not ended."""
        self._wire.abort()
        self._finish(End("cut by the gateway"))

    def _new_client(self, client_id: str) -> Client:
        client = new_client(self._server, client_id, clean_start=self._clean_start)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_answered
        client.on_unsubscribe = self._on_answered
        client.on_socket_register_write = self._on_something_to_write
        # Where paho itself would look up the name and connect, and block.
        client._create_socket = lambda: self._wire  # type: ignore[method-assign]
        client._handle_publish = lambda: self._publication(client)  # type: ignore[method-assign]
        return client

    def _connect(self) -> None:
        server = self._server
        if server.protocol == "3.1.1":
            self.client.connect(server.host, server.port, KEEP_ALIVE_SECONDS)
            return
        self.client.connect(
            server.host,
            server.port,
            KEEP_ALIVE_SECONDS,
            clean_start=self._clean_start,
            properties=connect_properties(self._session_seconds, self._receive_maximum),
        )

    def _read(self) -> None:
        while self._wire.pending and not self._held:
            outcome = self.client.loop_read()
            if outcome == MQTTErrorCode.MQTT_ERR_PROTOCOL:
                self._why = "what the broker sent is not MQTT"
            if outcome != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        self._settled()

    def _settled(self) -> None:
        if self._hooks.settled is not None and not self.ended.done():
            self._hooks.settled()

    def _on_something_to_write(self, *_: Any) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Once for all that is to be sent in a round of the event loop."""
        self._flushing = False
        was_full = self._wire.full
        self.flush()
        if was_full and not self._wire.full:
            self._settled()

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(_TICK_SECONDS, self._tick)
        if not self._held and self._loop.time() - self._held_until > KEEP_ALIVE_SECONDS:
            self.client.loop_misc()
            return
        # What the broker answers to a ping is not read, or not yet: paho would take it for dead. The broker
        # must still hear of us, and we of it when it is gone.
        self._ticks += 1
        if self._ticks % _TICKS_A_PING == 0:
            self._wire.send(_PINGREQ)
            self._wire.flush()

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._answer.done():
            return
        try:
            self._answer.set_result(granted(flags, reason, properties))
        except ProviderError as error:
            self._answer.set_exception(error)

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._told = reason.value
        elif reason.value == KEEP_ALIVE_TIMEOUT:  # paho's own finding
            self._why = "the broker stopped answering"

    def _on_publish(
        self,
        client: Client,
        userdata: Any,
        identifier: int,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._hooks.published is not None:
            self._hooks.published(identifier, reason.value)

    def _publication(self, client: Client) -> MQTTErrorCode:
        """In place of paho's own reading, which ends the connection over what a client has put into it."""
        packet = client._in_packet
        try:
            came = incoming(packet["command"], bytes(packet["packet"]), modern=self._server.protocol == "5")
        except ValueError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if self._hooks.message is not None:
            self._hooks.message(came)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _on_answered(
        self,
        client: Client,
        userdata: Any,
        identifier: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if self._hooks.answered is not None:
            self._hooks.answered(identifier, [reason.value for reason in reasons])

    def _lost(self, error: Exception | None) -> None:
        if self._told is not None:
            self._finish(End(f"the broker ended the connection: {told(self._told)}", self._told))
        elif self._why is not None:
            self._finish(End(self._why))
        elif error is not None:
            self._finish(End("the connection broke"))
        else:
            self._finish(End("the broker ended the connection"))

    def _finish(self, end: End) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        if not self._answer.done():
            self._answer.set_exception(
                not_taken("connection_closed", f"{end.words} before it let us in{self._hint}")
            )
            self._answer.exception()  # for whom has stopped waiting
        if not self.ended.done():
            self._ended_at = self._loop.time()
            self.ended.set_result(end)
