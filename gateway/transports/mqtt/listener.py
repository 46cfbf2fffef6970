"""Listens at an MQTT broker, and acknowledges what came only when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence

import structlog

from gateway.errors import ProviderError
from gateway.transports.failing import not_taken
from gateway.transports.mqtt.pauses import Pauses
from gateway.transports.mqtt.received import LeftOver, Received
from gateway.transports.mqtt.session import Session, forget_session
from gateway.transports.port import MqttServer

logger = structlog.get_logger()

_REFUSED_PAUSE_SECONDS = 5.0
_BUG_PAUSE_SECONDS = 5.0
_POLL_SECONDS = 0.1
_BEHIND = "what came before is not dealt with yet, and is as much as is taken at once"


class MqttListener:
    """A session at a broker, with its subscriptions. It connects by itself, and again when it is lost, until
    it is stopped.

    The broker keeps the session for `session_seconds` after a connection, and with it what was not
    acknowledged; with MQTT 3.1.1 for as long as it likes. Not more than `receive_maximum` publications are
    unacknowledged at once, or one more, where the broker does not keep to it; what comes at QoS 0 counts, and
    is acknowledged to nobody. While more than that is left over of connections before, which listeners with
    the same `left_over` count together, it does not connect: each connection may bring as many again.

    `take` is called on the event loop and must not block, nor raise.
    """

    def __init__(
        self,
        server: MqttServer,
        client_id: str,
        filters: Sequence[str],
        take: Callable[[Received], None],
        *,
        session_seconds: int,
        receive_maximum: int,
        connect_timeout_seconds: float,
        left_over: LeftOver | None = None,
    ) -> None:
        self._server = server
        self._client_id = client_id
        self._filters = tuple(filters)
        self._take = take
        self._session_seconds = session_seconds
        self._receive_maximum = receive_maximum
        self._connect_timeout_seconds = connect_timeout_seconds
        self._left_over = LeftOver() if left_over is None else left_over
        self._where = {"server": f"{server.host}:{server.port}", "client_id": client_id}
        self._session: Session | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopping = False
        self._unsubscribed = False
        self._trouble: str | None = "it has not been started"
        self._pauses = Pauses()

    def start(self) -> None:
        self._trouble = "it is connecting"
        self._running = asyncio.get_running_loop().create_task(self._run())

    @property
    def trouble(self) -> str | None:
        """Why it is not listening right now, in words for an operator; None when it is: connected, and all
        subscriptions granted."""
        return self._trouble

    @property
    def unacknowledged(self) -> int:
        """How many publications have been taken and not acknowledged; those of a connection that was lost do
        not count: they come again."""
        return 0 if self._session is None else len(self._session.unacknowledged)

    @property
    def quiet_seconds(self) -> float:
        """For how long it has been connected and nothing came in."""
        session = self._session
        return 0.0 if session is None else asyncio.get_running_loop().time() - session.heard_at

    async def unsubscribe(self) -> None:
        """Take on nothing new: what the session holds still comes. Raises ProviderError while not
        connected."""
        if self._session is None:
            raise not_taken("disconnected", "not connected to the broker")
        await self._session.unsubscribe(self._filters, self._connect_timeout_seconds)
        self._unsubscribed = True

    async def stop(self, *, end_session: bool) -> None:
        """Disconnect; with `end_session`, the broker forgets the session, and with it what it still holds."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        session, self._session = self._session, None
        forgotten = session is not None and await session.close(end_session=end_session)
        self._trouble = "it has been stopped"
        if end_session and not forgotten:
            try:
                await forget_session(self._server, self._client_id, self._connect_timeout_seconds)
            except ProviderError as error:
                logger.warning("listener.session_kept", **self._where, reason=error.text)

    async def _run(self) -> None:
        while True:
            pause_seconds = _BUG_PAUSE_SECONDS
            try:
                pause_seconds = await self._listen()
            except Exception:
                self._trouble = "an error of the gateway's own, which its log has"
                logger.exception("listener.bug", **self._where)
            # Several processes that lost the same broker do not come back in step.
            await asyncio.sleep(pause_seconds * random.uniform(0.75, 1.25))  # noqa: S311

    async def _listen(self) -> float:
        """One connection, from its beginning to its end; how many seconds to wait for the next."""
        await self._until_there_is_room()
        session = Session(
            self._server,
            self._client_id,
            self._take,
            session_seconds=self._session_seconds,
            receive_maximum=self._receive_maximum,
            left_over=self._left_over,
        )
        try:
            present = await session.open(self._connect_timeout_seconds)
            self._session = session
            await self._subscribe(session, present)
            end = await asyncio.shield(session.ended)
            self._set_trouble(end.words)
            return self._pauses.after(session.lived_seconds, end.code)
        except ProviderError as error:
            self._set_trouble(error.text or str(error))
            return self._pauses.after(0.0, None)
        finally:
            if not self._stopping:  # else it says goodbye in order
                self._session = None
                session.abort()

    async def _until_there_is_room(self) -> None:
        while len(self._left_over) > self._receive_maximum:
            self._set_trouble(_BEHIND)
            await asyncio.sleep(_POLL_SECONDS)

    async def _subscribe(self, session: Session, present: bool) -> None:
        """Until all is granted, or the connection has ended."""
        while not session.ended.done() and not self._unsubscribed:
            trouble = await session.subscribe(self._filters, self._connect_timeout_seconds)
            if trouble is None:
                break
            self._set_trouble(trouble)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(session.ended), _REFUSED_PAUSE_SECONDS)
        if not session.ended.done():
            self._trouble = None
            logger.info("listener.connected", **self._where, session_present=present)

    def _set_trouble(self, words: str) -> None:
        """Said once in the log, however often it is tried."""
        if words != self._trouble:
            logger.warning("listener.interrupted", **self._where, reason=words)
        self._trouble = words
