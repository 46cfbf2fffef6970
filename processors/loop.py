"""The one loop: take a delivery, have it processed, publish what follows and wait for the confirms, settle.

It knows no policy. Every path settles each delivery exactly once:

- processed: what follows is published and confirmed, then it is acknowledged;
- dead: it is published to `imgw.dead` with its reason, confirmed, then acknowledged;
- a server is away (UnavailableError): it is given back, and nothing more is taken until the servers answer
again; - a bug (any other exception): it is dead, with reason `internal_error`.

Work runs in tasks of the loop's own. The broker's callback only fills the inbox, since work that runs inside
it would be cancelled in the middle when the connection drops.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from gateway.broker.port import Broker, Consumer, Delivery
from gateway.errors import UnavailableError
from processors.dead_letters import dead_letter
from processors.outcome import Dead, Done, Outcome

logger = structlog.get_logger("loop")

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0


class Loop:
    """Works through one queue, `workers` deliveries at once.

    `available` raises UnavailableError while a server that `process` needs is away. `grace_seconds` is how
    long a stop waits for what has begun.
    """

    def __init__(
        self,
        broker: Broker,
        queue: str,
        process: Callable[[Delivery], Awaitable[Outcome]],
        *,
        workers: int,
        grace_seconds: float,
        available: Callable[[], Awaitable[None]],
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._process = process
        self._workers = workers
        self._grace_seconds = grace_seconds
        self._available = available
        self._inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        self._trouble = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._supervisor: asyncio.Task[None] | None = None
        self._consuming = False

    @property
    def consuming(self) -> bool:
        """Whether deliveries are being taken right now."""
        return self._consuming

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._work(), name=f"{self._queue}#{number}")
            for number in range(self._workers)
        ]
        self._supervisor = asyncio.create_task(self._supervise(), name=f"{self._queue} supervisor")

    async def stop(self) -> None:
        """Take no more, give back what has not begun, let what has begun end within the grace period."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        await self._give_back_inbox()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._inbox.join(), self._grace_seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _supervise(self) -> None:
        while True:
            await self._until_available()
            self._trouble.clear()
            try:
                consumer = await self._broker.consume(self._queue, self._workers, self._inbox.put_nowait)
            except UnavailableError:
                continue
            await self._until_trouble(consumer)

    async def _until_trouble(self, consumer: Consumer) -> None:
        self._consuming = True
        logger.info("loop.consuming", queue=self._queue)
        try:
            await self._trouble.wait()
        finally:
            self._consuming = False
            with contextlib.suppress(UnavailableError):
                await consumer.cancel()
        await self._give_back_inbox()
        logger.warning("loop.paused", queue=self._queue)

    async def _until_available(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._available()
            except UnavailableError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                return

    async def _give_back_inbox(self) -> None:
        while not self._inbox.empty():
            delivery = self._inbox.get_nowait()
            await self._give_back(delivery)
            self._inbox.task_done()

    async def _work(self) -> None:
        while True:
            delivery = await self._inbox.get()
            try:
                await self._take(delivery)
            finally:
                self._inbox.task_done()

    async def _take(self, delivery: Delivery) -> None:
        if delivery.settlement.lost:  # it comes again; this copy would only be worked on for nothing
            return
        if self._trouble.is_set():
            await self._give_back(delivery)
        else:
            await self._handle(delivery)

    async def _handle(self, delivery: Delivery) -> None:
        try:
            outcome = await self._processed(delivery)
            await self._conclude(delivery, outcome)
        except UnavailableError as error:
            if not self._trouble.is_set():
                logger.warning("loop.server_away", queue=self._queue, error=str(error))
            self._trouble.set()
            await self._give_back(delivery)

    async def _processed(self, delivery: Delivery) -> Outcome:
        try:
            return await self._process(delivery)
        except UnavailableError:
            raise
        except Exception as error:
            logger.exception("loop.bug", queue=self._queue)
            return Dead("internal_error", type(error).__name__)

    async def _conclude(self, delivery: Delivery, outcome: Outcome) -> None:
        if isinstance(outcome, Dead):
            logger.warning("delivery.dead", queue=self._queue, reason=outcome.reason, detail=outcome.detail)
            outcome = Done([dead_letter(delivery, outcome)])
        if len(outcome.publish) == 1:
            await self._broker.publish(outcome.publish[0])
        elif outcome.publish:
            await asyncio.gather(*(self._broker.publish(publication) for publication in outcome.publish))
        await delivery.settlement.ack()

    async def _give_back(self, delivery: Delivery) -> None:
        # When its connection is gone, the broker has taken it back already.
        with contextlib.suppress(UnavailableError):
            await delivery.settlement.requeue()
