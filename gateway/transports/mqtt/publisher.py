"""Publishes to MQTT brokers: the transport that handlers are handed. What it is made of is loaded with the
first connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.errors import ProviderError
from gateway.transports.failing import not_taken
from gateway.transports.port import MqttMessage, MqttServer

if TYPE_CHECKING:
    from gateway.transports.mqtt.outgoing import Outgoing

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_SHORT_LIVED_SECONDS = 1.0
_IDLE_SECONDS = 300.0


class MqttPublisher:
    """One connection a server and process, made at the first publication and kept; what is lost with a
    connection is an error for who published it, never repeated here. `client_id` is the first part of the
    connections' client ids, and unique for the process.

    After a failed try to connect, publications fail at once with the same error for a short while, which
    grows from a tenth of a second to five seconds.
    """

    def __init__(self, client_id: str, *, connect_timeout_seconds: float) -> None:
        self._client_id = client_id
        self._connect_timeout_seconds = connect_timeout_seconds
        self._links: dict[MqttServer, _Link] = {}
        self._made = 0
        self._closed = False

    async def publish(
        self, server: MqttServer, messages: Sequence[MqttMessage], *, timeout_seconds: float
    ) -> None:
        """See MqttTransport.publish. A message that is refused keeps none of the others from going out."""
        link = self._links.get(server)
        if link is None:
            link = self._new_link(server)
        await link.publish(messages, timeout_seconds)

    async def close(self) -> None:
        """Disconnect; what is under way fails as UNCERTAIN."""
        self._closed = True
        links = list(self._links.values())
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links))

    def _new_link(self, server: MqttServer) -> _Link:
        if self._closed:
            raise not_taken("closed", "the gateway is stopping")
        self._drop_idle()
        self._made += 1
        link = _Link(server, f"{self._client_id}-{self._made}", self._connect_timeout_seconds)
        self._links[server] = link
        return link

    def _drop_idle(self) -> None:
        """Brokers and logins that no account has any more."""
        for server, link in list(self._links.items()):
            if link.idle:
                del self._links[server]
                link.drop()


class _Link:
    """The way to one server: its connection, or why there is none."""

    def __init__(self, server: MqttServer, client_id: str, connect_timeout_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = server
        self._client_id = client_id
        self._connect_timeout_seconds = connect_timeout_seconds
        self._outgoing: Outgoing | None = None
        self._connecting: asyncio.Task[Outgoing | ProviderError] | None = None
        self._used_at = self._loop.time()
        self._pause_seconds = 0.0
        self._paused_until = 0.0
        self._failure = not_taken("connect", "no connection")

    @property
    def idle(self) -> bool:
        return self._connecting is None and self._loop.time() - self._used_at > _IDLE_SECONDS

    async def publish(self, messages: Sequence[MqttMessage], timeout_seconds: float) -> None:
        self._used_at = now = self._loop.time()
        outgoing = self._outgoing
        if outgoing is None or not outgoing.usable:
            try:
                async with asyncio.timeout(timeout_seconds):
                    outgoing = await self._connected()
            except TimeoutError as error:
                raise not_taken("connect_timeout", f"no connection to {self._server.host} in time") from error
            timeout_seconds -= self._loop.time() - now
        await outgoing.publish(messages, timeout_seconds)

    def drop(self) -> None:
        """Nobody uses it."""
        if self._outgoing is not None:
            self._outgoing.cut()

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._outgoing is not None and self._outgoing.usable:
            await self._outgoing.close()

    async def _connected(self) -> Outgoing:
        """One try for all who want it. Raises ProviderError."""
        if self._connecting is None:
            self._note_short_life()
            if self._loop.time() < self._paused_until:
                raise _again(self._failure)
            self._connecting = self._loop.create_task(self._connect())
        connecting = self._connecting
        await asyncio.wait([connecting])
        if connecting.cancelled():
            raise not_taken("closed", "the gateway is stopping")
        made = connecting.result()
        if isinstance(made, ProviderError):
            raise _again(made) from made
        if not made.usable:
            raise not_taken("connection_closed", "the broker ended the connection")
        return made

    async def _connect(self) -> Outgoing | ProviderError:
        from gateway.transports.mqtt.outgoing import Outgoing

        try:
            outgoing = Outgoing(self._server, self._client_id)
            await outgoing.open(self._connect_timeout_seconds)
        except ProviderError as error:
            self._pause(error)
            return error
        else:
            self._outgoing = outgoing
            return outgoing
        finally:
            self._connecting = None

    def _note_short_life(self) -> None:
        """A broker that lets us in and throws us out again is one that cannot be connected to."""
        if self._outgoing is None:
            return
        if self._outgoing.lived_seconds < _SHORT_LIVED_SECONDS:
            self._pause(not_taken("connection_closed", "the last connection ended at once"))
        else:
            self._pause_seconds = 0.0
        self._outgoing = None

    def _pause(self, failure: ProviderError) -> None:
        self._failure = failure
        self._pause_seconds = min(max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._paused_until = self._loop.time() + self._pause_seconds


def _again(error: ProviderError) -> ProviderError:
    """The same error for another caller: one that is raised twice would grow its traceback each time."""
    return ProviderError(
        error.kind,
        reason=error.reason,
        code=error.code,
        text=error.text,
        retry_after_seconds=error.retry_after_seconds,
    )
