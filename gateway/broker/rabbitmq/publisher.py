"""Publishing with confirms: many at once on one channel."""

from __future__ import annotations

import asyncio

from aiormq.abc import AbstractChannel

from gateway.broker.port import Publication
from gateway.broker.rabbitmq.errors import broker_errors
from gateway.broker.rabbitmq.message import properties_of
from gateway.broker.topology import EXCHANGES
from gateway.errors import BrokerUnavailable, Unroutable

# RabbitMQ answers a publication to an exchange that it does not have by closing the channel, which costs
# every other publication under way on it its confirm; so those are refused here.
_EXCHANGES = frozenset({"", *(exchange.name for exchange in EXCHANGES)})


class Publisher:
    """Publishes on a channel with confirms that is its own. `gone` is set when that has closed."""

    def __init__(self, channel: AbstractChannel, confirm_timeout_seconds: float) -> None:
        self.gone = asyncio.Event()
        self._channel = channel
        self._timeout_seconds = confirm_timeout_seconds
        self._under_way: dict[str, asyncio.Event] = {}
        channel.closing.add_done_callback(lambda _: self.gone.set())

    async def publish(self, publication: Publication) -> None:
        """As gateway.broker.port.Broker.publish. A time-out or cancellation leaves the channel usable."""
        where = publication.exchange or publication.routing_key
        if publication.exchange not in _EXCHANGES:
            raise Unroutable(f"publishing to {where}: there is no such exchange")
        if self.gone.is_set():
            raise BrokerUnavailable(f"publishing to {where}: not connected to RabbitMQ")
        with broker_errors(f"publishing to {where}"):
            async with asyncio.timeout(self._timeout_seconds):
                await self._after_others_of(publication.message_id, publication)

    async def _after_others_of(self, message_id: str | None, publication: Publication) -> None:
        """Publications of the same message go one after the other.

        The client library finds the publication that RabbitMQ returned as unroutable by its message id: of
        two under way at once, the wrong one could be told (aiormq 7.2.4).
        """
        if message_id is None:
            await self._send(publication)
            return
        while earlier := self._under_way.get(message_id):
            await earlier.wait()
        over = self._under_way[message_id] = asyncio.Event()
        try:
            await self._send(publication)
        finally:
            del self._under_way[message_id]
            over.set()

    async def _send(self, publication: Publication) -> None:
        await self._channel.basic_publish(  # type: ignore[call-arg]  # its abstract form lacks `wait`
            publication.body,
            exchange=publication.exchange,
            routing_key=publication.routing_key,
            properties=properties_of(publication),
            mandatory=True,
            wait=False,  # for the socket: the confirm is waited for, and says more
        )
