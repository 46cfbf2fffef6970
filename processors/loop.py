"""The one loop: take a delivery, have it processed, publish what follows and wait for the confirms, settle.

It knows no policy. Every path settles each delivery exactly once:

- processed: what follows is published and confirmed, then it is acknowledged;
- dead: it is published to `imgw.dead` with its reason, confirmed, then acknowledged;
- a server is away (UnavailableError): it is given back, and nothing more is taken until the servers answer;
- a bug (any other exception): it is dead, with reason `internal_error`.

Only what was cut off by the end of the grace period is not settled: the broker gives it back as it closes.

Work runs in tasks of the loop's own. The broker's callback only fills the inbox, since work that runs inside
it would be cancelled in the middle when the connection drops.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.broker.port import Broker, Consumer, Delivery, Publication
from gateway.errors import UnavailableError
from gateway.together import together
from processors.dead_letters import dead_letter
from processors.outcome import Dead, Outcome

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
        self._quiet = asyncio.Event()  # set while the queue is not subscribed to
        self._quiet.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._supervisor: asyncio.Task[None] | None = None
        self._consuming = False
        self._stopping = False
        self._progress = False  # whether anything was dealt with since the queue was last subscribed to

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
        self._stopping = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        self._trouble.set()  # a worker that is free gives back what is in the inbox, too
        await self._give_back_inbox()
        try:
            await asyncio.wait_for(self._inbox.join(), self._grace_seconds)
        except TimeoutError:
            logger.warning("loop.cut_off", queue=self._queue, grace_seconds=self._grace_seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _supervise(self) -> None:
        pause, said = _FIRST_PAUSE_SECONDS, ""
        while not self._stopping:
            self._progress = False
            try:
                await self._consume_until_trouble()
                said = ""
            except UnavailableError as error:
                if said != str(error):
                    logger.warning("loop.waiting", queue=self._queue, error=str(error))
                said = str(error)
            except Exception:
                logger.exception("loop.bug", queue=self._queue)
            # A queue that can be consumed, and of which nothing can be dealt with, must not be taken and
            # given back without end: RabbitMQ counts how often a message came.
            pause = _FIRST_PAUSE_SECONDS if self._progress else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _consume_until_trouble(self) -> None:
        await self._available()
        self._trouble.clear()
        self._quiet.clear()
        try:
            consumer = await self._subscribed()
            await self._until_trouble(consumer)
        finally:
            self._quiet.set()
        await self._give_back_inbox()
        logger.warning("loop.paused", queue=self._queue)

    async def _subscribed(self) -> Consumer:
        consuming = asyncio.ensure_future(
            self._broker.consume(self._queue, self._workers, self._inbox.put_nowait)
        )
        try:
            return await asyncio.shield(consuming)
        except asyncio.CancelledError:  # by a stop: the subscription must not outlive it
            with contextlib.suppress(UnavailableError):
                await (await consuming).cancel()
            raise

    async def _until_trouble(self, consumer: Consumer) -> None:
        self._consuming = True
        logger.info("loop.consuming", queue=self._queue)
        try:
            await self._trouble.wait()
        finally:
            self._consuming = False
            with contextlib.suppress(UnavailableError):  # its connection is gone, and it with it
                await consumer.cancel()

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
            except Exception:
                logger.exception("loop.bug", queue=self._queue)
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
            await self._follow_through(delivery)
        except UnavailableError as error:
            self._pause(error)
            await self._give_back(delivery)
            return
        except Exception as error:
            logger.exception("loop.bug", queue=self._queue)
            self._pause(error)
            await self._give_back(delivery)
            return
        self._progress = True
        try:
            await delivery.settlement.ack()
        except UnavailableError as error:  # its connection is gone, and it comes again
            self._pause(error)

    async def _follow_through(self, delivery: Delivery) -> None:
        """Process it and publish what follows. A bug in either makes it a dead letter."""
        try:
            outcome = await self._process(delivery)
            if isinstance(outcome, Dead):
                await self._bury(delivery, outcome)
            else:
                await self._publish(outcome.publish)
        except UnavailableError:
            raise
        except Exception as error:
            logger.exception("loop.bug", queue=self._queue)
            await self._bury(delivery, Dead("internal_error", type(error).__name__))

    async def _bury(self, delivery: Delivery, dead: Dead) -> None:
        await self._publish([dead_letter(delivery, dead)])
        logger.warning("delivery.dead", queue=self._queue, reason=dead.reason, detail=dead.detail)

    async def _publish(self, publications: Sequence[Publication]) -> None:
        await together([self._broker.publish(publication) for publication in publications])

    def _pause(self, error: Exception) -> None:
        """Take no more for now; the supervisor goes on when the servers answer."""
        if not self._trouble.is_set():
            text = str(error) if isinstance(error, UnavailableError) else type(error).__name__
            logger.warning("loop.server_away", queue=self._queue, error=text)
        self._trouble.set()

    async def _give_back(self, delivery: Delivery) -> None:
        await self._quiet.wait()  # or it would come straight back
        # When its connection is gone, the broker has taken it back already.
        with contextlib.suppress(UnavailableError):
            await delivery.settlement.requeue()
