"""A consumer on one channel, and the settlement of what was delivered on it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from aiormq.abc import AbstractChannel, DeliveredMessage

from gateway.broker.port import Delivery, Take
from gateway.broker.rabbitmq import frames
from gateway.broker.rabbitmq.errors import broker_errors
from gateway.broker.rabbitmq.link import ANSWER_SECONDS, Link, close_channel
from gateway.errors import BrokerUnavailable

_FEW = 16  # RabbitMQ hands on this many settlements at once for sure
_LANDING_SECONDS = 0.5


class Subscription:
    """Deliveries of one queue over one channel.

    `over` is set when nothing more comes: the channel is gone, or RabbitMQ has cancelled the consumer, as it
    does when the queue was deleted or its node has gone.
    """

    def __init__(self, queue: str, link: Link, channel: AbstractChannel, take: Take) -> None:
        self.over = asyncio.Event()
        self._queue = queue
        self._link = link
        self._channel = channel
        self._take = take
        self._tag: str | None = None
        self._takes = True
        self._stopped = False
        self._settled_at: deque[float] = deque(maxlen=_FEW)
        self._settles = True
        self._unsettled = 0
        self._settled = asyncio.Event()  # nothing is left that could be settled
        self._settled.set()

    @classmethod
    async def open(cls, link: Link, queue: str, prefetch: int, take: Take) -> Subscription:
        """Raises BrokerUnavailable when there is no such queue, or no connection."""
        with broker_errors(f"consuming from {queue}"):
            subscription = cls(queue, link, await link.open_channel(), take)
            try:
                await subscription._start(prefetch)
            except BaseException:
                await subscription.close()
                raise
        return subscription

    @property
    def lost(self) -> bool:
        """Whether nothing can be settled any more."""
        return not self._settles or self._channel.is_closed

    async def stop(self) -> None:
        """Take no more; what is delivered all the same goes back at once."""
        self._takes = False
        self._stopped = True
        if not self.over.is_set():
            with broker_errors(f"cancelling the consumer of {self._queue}"):
                await self._channel.basic_cancel(self._tag or "", timeout=ANSWER_SECONDS)

    async def drain(self) -> None:
        """Close the channel as soon as everything delivered on it has been settled."""
        await self._settled.wait()
        await self.close()

    async def close(self) -> None:
        """Give back what is not settled."""
        self._takes = self._settles = False
        if not self._channel.is_closed:
            await self._until_settlements_count()
        await close_channel(self._channel)

    def settle(self, delivery_tag: int, *, requeue: bool) -> None:
        """Without waiting for the socket: closing the channel does."""
        if self.lost:
            raise BrokerUnavailable(
                f"settling a delivery of {self._queue}: its channel is gone; it comes again"
            )
        frame = (frames.requeue_frame if requeue else frames.ack_frame)(self._channel.number, delivery_tag)
        self._link.write(frame)
        self._settled_at.append(time.monotonic())
        self._unsettled -= 1
        if self._unsettled == 0:
            self._settled.set()

    async def _until_settlements_count(self) -> None:
        """RabbitMQ hands on to a quorum queue no more than 32 settlements of a channel at once; those that it
        still keeps when the channel closes are lost (3.10.8, seen 2026-11). It answers the cancelling of a
        consumer after all that was handed on before it, and then hands on the rest. Of a consumer that was
        cancelled earlier, only time tells.
        """
        if not self.over.is_set() and not self._stopped:
            with suppress(BrokerUnavailable):
                await self.stop()
        elif len(self._settled_at) == _FEW:
            now = time.monotonic()
            if now - self._settled_at[0] < _LANDING_SECONDS:
                await asyncio.sleep(_LANDING_SECONDS - (now - self._settled_at[-1]))

    async def _start(self, prefetch: int) -> None:
        self._channel.closing.add_done_callback(self._on_closed)
        self._channel.on_consumer_cancel_callbacks.add(lambda _: self.over.set())
        self._link.tap(self._channel, self._on_delivery)
        await self._channel.basic_qos(prefetch_count=prefetch, timeout=ANSWER_SECONDS)
        answer = await self._channel.basic_consume(self._queue, _elsewhere, timeout=ANSWER_SECONDS)
        self._tag = answer.consumer_tag

    def _on_delivery(self, method: bytes, header: bytes, body: bytes) -> None:
        if not self._settles:
            return
        tag, redelivered = frames.delivered(method)
        self._unsettled += 1
        self._settled.clear()
        if not self._takes:
            with suppress(BrokerUnavailable):
                self.settle(tag, requeue=True)
            return
        properties = frames.properties_in(header)
        self._take(
            Delivery(
                queue=self._queue,
                body=body,
                headers=properties.headers,
                settlement=RabbitSettlement(self, tag),
                type=properties.type,
                message_id=properties.message_id,
                redelivered=redelivered,
                routing_key=frames.routing_key(method),
            )
        )

    def _on_closed(self, _: asyncio.Future[None]) -> None:
        self.over.set()
        self._settled.set()


async def _elsewhere(_: DeliveredMessage) -> None:
    """The library wants to know whom to call. The channel is tapped, so it has nothing to tell."""


@dataclass(frozen=True, slots=True)
class RabbitSettlement:
    """gateway.broker.port.Settlement."""

    subscription: Subscription
    delivery_tag: int

    @property
    def lost(self) -> bool:
        return self.subscription.lost

    async def ack(self) -> None:
        self.subscription.settle(self.delivery_tag, requeue=False)

    async def requeue(self) -> None:
        self.subscription.settle(self.delivery_tag, requeue=True)
