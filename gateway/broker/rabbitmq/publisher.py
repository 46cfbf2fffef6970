"""Publishing with confirms: many at once on one channel."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import takewhile
from uuid import uuid4

from aiormq.abc import AbstractChannel

from gateway.broker.port import Publication
from gateway.broker.rabbitmq import frames
from gateway.broker.rabbitmq.errors import in_words
from gateway.broker.rabbitmq.link import Link
from gateway.broker.topology import EXCHANGES
from gateway.errors import BrokerUnavailable, Unroutable

# RabbitMQ answers a publication to an exchange that it does not have by closing the channel, which costs
# every other publication under way on it its confirm; so those are refused here.
_EXCHANGES = frozenset({"", *(exchange.name for exchange in EXCHANGES)})


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A publication that RabbitMQ has not answered yet."""

    publication: Publication
    confirmed: asyncio.Future[None]

    def is_taken(self) -> None:
        if not self.confirmed.done():
            self.confirmed.set_result(None)

    def has_failed(self, why: str, kind: type[BrokerUnavailable] = BrokerUnavailable) -> None:
        if not self.confirmed.done():
            self.confirmed.set_exception(_error(self.publication, why, kind))


class Publisher:
    """Publishes on a channel with confirms that is its own. `gone` is set when that has closed."""

    def __init__(self, link: Link, channel: AbstractChannel, confirm_timeout_seconds: float) -> None:
        self.gone = asyncio.Event()
        self._link = link
        self._channel = channel
        self._timeout_seconds = confirm_timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._number = 0  # RabbitMQ confirms publications by their numbers on the channel
        self._under_way: dict[int, _UnderWay] = {}  # by their numbers, in order
        self._by_message_id: dict[str, _UnderWay] = {}
        channel.closing.add_done_callback(self._on_closed)
        link.tap(channel, self._on_answer)

    async def publish(self, publication: Publication) -> None:
        """As gateway.broker.port.Broker.publish. A time-out or cancellation leaves the channel usable."""
        if publication.exchange not in _EXCHANGES:
            raise _error(publication, "there is no such exchange", Unroutable)
        message_id = publication.message_id or uuid4().hex
        # One after the other where they have the same id: a publication that RabbitMQ returns as unroutable
        # is known by nothing else.
        while earlier := self._by_message_id.get(message_id):
            await asyncio.wait([earlier.confirmed])
            await asyncio.sleep(0)  # for it to leave its place
        if self.gone.is_set():
            raise _error(publication, "not connected to RabbitMQ")
        written = frames.publication_frames(
            self._channel.number, publication, message_id, self._link.frame_max
        )
        this = _UnderWay(publication, self._loop.create_future())
        self._number += 1
        self._under_way[self._number] = self._by_message_id[message_id] = this
        self._link.write(written)
        too_late = self._loop.call_later(self._timeout_seconds, this.has_failed, "no answer in time")
        try:
            await this.confirmed
        finally:
            too_late.cancel()
            del self._by_message_id[message_id]

    def _on_answer(self, method: bytes, header: bytes, body: bytes) -> None:
        """RabbitMQ confirms a publication, refuses it, or returns it; a confirm follows then, too."""
        if method.startswith(frames.RETURN):
            returned = self._by_message_id.get(frames.properties_in(header).message_id or "")
            if returned is not None:
                returned.has_failed("no queue is bound for it", Unroutable)
            return
        number, and_before = frames.confirmed(method)
        up_to = takewhile(lambda other: other <= number, self._under_way)
        numbers = list(up_to) if and_before else [number]
        for answered in numbers:
            publication = self._under_way.pop(answered, None)
            if publication is None:
                continue
            if method.startswith(frames.ACK):
                publication.is_taken()
            else:
                publication.has_failed("RabbitMQ refused it, as it does when the queue is full")

    def _on_closed(self, closing: asyncio.Future[None]) -> None:
        self.gone.set()
        error = None if closing.cancelled() else closing.exception()
        why = "the connection was lost" if error is None else in_words(error)
        under_way, self._under_way = self._under_way, {}
        for publication in under_way.values():
            publication.has_failed(why)


def _error(
    publication: Publication, why: str, kind: type[BrokerUnavailable] = BrokerUnavailable
) -> BrokerUnavailable:
    return kind(f"publishing to {publication.exchange or publication.routing_key}: {why}")
