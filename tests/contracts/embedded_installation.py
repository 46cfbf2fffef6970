"""A process that is a whole embedded installation under load: says what it has published and acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from gateway.broker import topology
from gateway.broker.embedded import EmbeddedBroker
from gateway.store.connect import Database
from gateway.store.embedded import embedded_store
from tests.contracts.broker_kinds import Inbox, message


def say(what: str, number: int) -> None:
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


async def publish(broker: EmbeddedBroker, numbers: itertools.count[int]) -> None:
    for number in numbers:
        await broker.publish(message(number, topology.MT))
        say("published", number)


async def work(inbox: Inbox) -> None:
    """Acknowledges every second delivery and keeps the others."""
    while True:
        delivery = await inbox.next()
        say("taken", int(delivery.body))
        if int(delivery.body) % 2:
            await delivery.settlement.ack()
            say("acknowledged", int(delivery.body))


async def main(folder: Path) -> None:
    async with embedded_store(folder) as url:
        broker = EmbeddedBroker(Database(url, "imgw"))
        await broker.start()
        inbox, numbers = Inbox(), itertools.count()
        await broker.consume(topology.MT, 40, inbox.take)
        await asyncio.gather(work(inbox), *(publish(broker, numbers) for _ in range(5)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
