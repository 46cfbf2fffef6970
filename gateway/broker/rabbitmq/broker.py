"""The broker port on RabbitMQ, through aio-pika: connects, stays connected, and says when it is not.

Facts it stands on: aio-pika 10.2, RabbitMQ 3.10 and later (design: architecture.md, sections 3.1 and 8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from aiormq.abc import AbstractChannel
from structlog.typing import FilteringBoundLogger
from yarl import URL

from gateway.broker.port import Judge, Publication, Take
from gateway.broker.rabbitmq.consumer import RabbitConsumer
from gateway.broker.rabbitmq.errors import SETTING, broker_errors
from gateway.broker.rabbitmq.link import Link
from gateway.broker.rabbitmq.session import Session
from gateway.broker.rabbitmq.sift import ready_messages, sift
from gateway.broker.rabbitmq.topology import OwnQueue, declare_own_queue, declare_shards, declare_topology
from gateway.broker.rabbitmq.trying import Complaint, Pause, end, until_it_works
from gateway.errors import BrokerUnavailable, ConfigurationError, Problem

# A server that went silent is noticed after three of these (aiormq 7.2); its own default makes it minutes.
_HEARTBEAT_SECONDS = 10
_POLL_SECONDS = 0.05


class RabbitBroker:
    """gateway.broker.port.Broker on a RabbitMQ server or cluster.

    `url` is amqp:// or amqps://, with user, password and virtual host; its password is in no error and no
    log line. `name` is what RabbitMQ's tools show of the connections. `shards` is how many queues the
    sharded intake has; 0 is none. `connect_timeout_seconds` is for one attempt to connect; `start` makes
    attempts for `start_timeout_seconds`. A publication that was not confirmed after
    `confirm_timeout_seconds` has an unknown outcome and raises BrokerUnavailable.

    Raises ConfigurationError for a URL that cannot be one.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "imgw",
        shards: int = 0,
        connect_timeout_seconds: float = 5.0,
        confirm_timeout_seconds: float = 30.0,
        start_timeout_seconds: float = 30.0,
    ) -> None:
        self._url = _parsed(url)
        self._name = name
        self._shards = shards
        self._connect_timeout_seconds = connect_timeout_seconds
        self._confirm_timeout_seconds = confirm_timeout_seconds
        self._start_timeout_seconds = start_timeout_seconds
        self._log: FilteringBoundLogger = structlog.get_logger()
        self._session: Session | None = None
        self._connected = asyncio.Event()
        self._trouble = "not started"
        self._supervisor: asyncio.Task[None] | None = None
        self._consumers: list[RabbitConsumer] = []
        self._own_queues: dict[str, OwnQueue] = {}

    async def start(self) -> None:
        """Connect and declare the topology.

        Raises ConfigurationError at once when RabbitMQ refuses the user, the virtual host or a declaration,
        BrokerUnavailable when it could not be reached in time.
        """
        complaint = Complaint("broker.connect_failed", server=self._server)
        try:
            session = await until_it_works(
                self._open_session,
                complaint.say,
                (BrokerUnavailable,),
                for_seconds=self._start_timeout_seconds,
            )
        except BrokerUnavailable as error:
            raise BrokerUnavailable(self._trouble) from error
        self._supervisor = asyncio.create_task(self._supervise(session))
        self._supervisor.add_done_callback(self._on_supervisor_end)
        await self._connected.wait()

    async def close(self) -> None:
        if self._supervisor is not None:
            await end([self._supervisor])
        self._connected.clear()
        self._trouble = "closed"
        await asyncio.gather(*(consumer.close() for consumer in self._consumers))
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def trouble(self) -> str | None:
        if self._session is None:
            return self._trouble
        if self._supervisor is None or self._supervisor.done():
            return "nobody looks after the connection to RabbitMQ any more, by a fault of the gateway"
        troubles = [self._session.trouble, *(consumer.trouble for consumer in self._consumers)]
        return next((trouble for trouble in troubles if trouble), None)

    async def publish(self, publication: Publication) -> None:
        session = self._require_session()
        if session.trouble is not None:
            raise BrokerUnavailable(session.trouble)
        await session.publisher.publish(publication)

    async def consume(self, queue: str, prefetch: int, take: Take) -> RabbitConsumer:
        session = self._require_session()
        consumer = RabbitConsumer(queue, prefetch, take, link=self._usable_link, repair=self._repair)
        await consumer.start(session.consuming)
        self._consumers = [*(other for other in self._consumers if not other.is_over), consumer]
        return consumer

    async def depth(self, queue: str) -> int:
        return await ready_messages(self._require_session().consuming, queue)

    async def declare_queue(
        self, queue: str, bindings: Mapping[str, str], *, single_active_consumer: bool = False
    ) -> None:
        session = self._require_session()
        own = OwnQueue(queue, dict(bindings), single_active_consumer)
        with broker_errors(f"declaring queue {queue}"):
            async with session.consuming.channel() as channel:
                await declare_own_queue(channel, own)
        self._own_queues[queue] = own

    async def sift(self, queue: str, judge: Judge) -> int:
        return await sift(self._require_session().consuming, queue, judge)

    async def _supervise(self, session: Session) -> None:
        lost = Complaint("broker.lost", server=self._server)
        failed = Complaint("broker.reconnect_failed", server=self._server)
        pause = Pause()
        news = True
        while True:
            self._session = session
            self._connected.set()
            if news:
                self._log.info("broker.connected", server=self._server)
            reason = await session.lost()
            self._session = None
            self._connected.clear()
            self._set_trouble(reason)
            news = lost.say(reason)
            await session.close()
            await pause.after_a_loss()
            # Whatever goes wrong, even by a fault of ours: a process that gives up reconnecting is of no use.
            session = await until_it_works(self._open_session, failed.say, (Exception,))

    def _on_supervisor_end(self, supervisor: asyncio.Task[None]) -> None:
        if not supervisor.cancelled():
            self._log.error("broker.supervisor_failed", exc_info=supervisor.exception())

    async def _open_session(self) -> Session:
        try:
            return await Session.open(
                self._url,
                self._name,
                self._declare,
                connect_timeout_seconds=self._connect_timeout_seconds,
                confirm_timeout_seconds=self._confirm_timeout_seconds,
            )
        except (BrokerUnavailable, ConfigurationError) as error:
            self._set_trouble(str(error))
            raise

    async def _declare(self, channel: AbstractChannel) -> None:
        await declare_topology(channel)
        if self._shards:
            await declare_shards(channel, self._shards)
        for own in list(self._own_queues.values()):
            await declare_own_queue(channel, own)

    async def _usable_link(self) -> Link:
        while True:
            await self._connected.wait()
            if self._session is not None and not self._session.consuming.lost.is_set():
                return self._session.consuming
            await asyncio.sleep(_POLL_SECONDS)  # the supervisor is about to notice

    async def _repair(self) -> None:
        await self._require_session().declare()

    def _require_session(self) -> Session:
        if self._session is None:
            raise BrokerUnavailable(self._trouble)
        return self._session

    def _set_trouble(self, reason: str) -> None:
        self._trouble = f"not connected to RabbitMQ at {self._server}: {reason}"

    @property
    def _server(self) -> str:
        vhost = self._url.path.strip("/")
        return f"{self._url.host}:{self._url.port}" + (f"/{vhost}" if vhost else "")


def _parsed(url: str) -> URL:
    """The URL with a heartbeat, unless it has one."""
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError:
        # Not from the error: its text would hold the URL, and with it the password.
        raise ConfigurationError([Problem(SETTING, "is not a URL")]) from None
    if parsed.scheme not in ("amqp", "amqps") or not parsed.host:
        raise ConfigurationError([Problem(SETTING, "must be amqp://… or amqps://… with a host")])
    if port is None:
        parsed = parsed.with_port(5671 if parsed.scheme == "amqps" else 5672)
    if "heartbeat" in parsed.query:
        return parsed
    return parsed.update_query(heartbeat=_HEARTBEAT_SECONDS)
