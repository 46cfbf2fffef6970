"""What the embedded broker does all the time: stay alive to others, free what the dead held, end waits."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from gateway.broker.embedded.routing import Routes
from gateway.errors import BrokerUnavailable, StoreUnavailable
from gateway.store.queue_instances import Instances
from gateway.store.queues import QueueStore

_ANSWER_WITHIN_SECONDS = 3.0
_LOOK_SECONDS = 0.1
_STOP_WITHIN_SECONDS = 5.0


class Session:
    """The time in which this broker is one instance to others. When it is lost, so is all that it held."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.lost = False


class Upkeep:
    """Holds the session, the routes and the trouble.

    `hungry` gives the queues that could be fetched from, `wake` is called with those where that is worth
    trying. A round every `round_seconds` is also what finds out that the store is away and that it is back;
    so nothing that failed is repeated faster than that.
    """

    def __init__(
        self,
        store: QueueStore,
        instances: Instances,
        hungry: Callable[[], Collection[str]],
        wake: Callable[[Collection[str]], None],
        *,
        round_seconds: float = 1.0,
    ) -> None:
        self._store = store
        self._instances = instances
        self._hungry = hungry
        self._wake = wake
        self._round_seconds = round_seconds
        self._session: Session | None = None
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._bug: str | None = None
        self._trouble: str | None = "the broker has not been started"
        self.routes = Routes({})

    @property
    def trouble(self) -> str | None:
        """Why the broker cannot be used, in words for an operator."""
        return self._bug or self._trouble

    async def start(self) -> None:
        """Raises StoreUnavailable when the store is away."""
        await self._store.prepare()
        await self._round()
        self._set_trouble(None)
        self._tasks = [self.run(self._keep_rounds(), "rounds"), self.run(self._keep_looking(), "look-out")]

    async def stop(self) -> None:
        """Leave: what this instance holds is free at once, or soon when the store is away now."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_WITHIN_SECONDS)
        await end(self._tasks)
        answers = self._trouble is None
        self._set_trouble("the broker has been closed")
        if self._session is None or self._session.lost:
            return
        self._session.lost = True  # nothing is settled from now on; what is being settled, is
        with contextlib.suppress(StoreUnavailable):
            if answers:
                await self._store.drain()
            await self._instances.leave(self._session.instance)

    def run(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """A task whose unexpected end is trouble that stays: without it the broker does half of its work."""
        task = asyncio.create_task(work, name=f"embedded broker: {name}")
        task.add_done_callback(self._look_at_end)
        return task

    async def session(self) -> Session:
        """The current session, as soon as there is one and the store answers."""
        await self._ready.wait()
        if self._session is None:
            raise BrokerUnavailable("the broker has no session")
        return self._session

    def require(self) -> Session:
        """The current session. Raises BrokerUnavailable while there is trouble."""
        if self.trouble is not None or self._session is None:
            raise BrokerUnavailable(self.trouble or "the broker has no session")
        return self._session

    def doubt(self, session: Session, error: StoreUnavailable) -> None:
        """A write of this session may or may not have been made.

        The session is given up: what it held, known to us or not, becomes free with it, and a new session
        begins when the store is back.
        """
        session.lost = True
        if session is self._session:
            self._set_trouble(str(error))

    async def refresh_routes(self) -> None:
        self.routes = Routes(await self._store.declared())

    async def _keep_rounds(self) -> None:
        while not await self._stopped_within(self._round_seconds):
            # A slow round is not cut off, it may be writing; but that there is trouble is known soon.
            words = f"MongoDB has not answered for {_ANSWER_WITHIN_SECONDS:.0f} s"
            alarm = asyncio.get_running_loop().call_later(_ANSWER_WITHIN_SECONDS, self._set_trouble, words)
            try:
                await self._round()
            except StoreUnavailable as error:
                self._set_trouble(str(error))
            else:
                if not self._session_is_lost():  # it may have been given up during the round
                    self._set_trouble(None)
            finally:
                alarm.cancel()

    async def _round(self) -> None:
        await self._stay_alive()
        await self._instances.bury_the_dead()
        await self.refresh_routes()

    async def _stay_alive(self) -> None:
        session = self._session
        if session is not None and not self._session_is_lost():
            if await self._instances.beat(session.instance):
                return
            self.doubt(
                session, StoreUnavailable("this process was silent for so long that others took its work")
            )
        fresh = Session(uuid.uuid4().hex)
        await self._instances.register(fresh.instance)
        if session is not None:
            await self._instances.leave(session.instance)
        self._session = fresh
        self._wake(self._hungry())

    def _session_is_lost(self) -> bool:
        return self._session is not None and self._session.lost

    async def _keep_looking(self) -> None:
        """End the waits that are over, and see what others have published: one question for all queues."""
        while not await self._stopped_within(_LOOK_SECONDS):
            if not self._ready.is_set():
                continue
            try:
                await self._store.move_due()
                hungry = self._hungry()
                if hungry:
                    self._wake(await self._store.not_empty(hungry))
            except StoreUnavailable as error:
                self._set_trouble(str(error))

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    def _set_trouble(self, trouble: str | None) -> None:
        self._trouble = trouble
        if trouble is None:
            self._ready.set()
        else:
            self._ready.clear()

    def _look_at_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._bug = f"{task.get_name()} ended unexpectedly: {type(error).__name__}; restart the process"


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel them and wait until they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
