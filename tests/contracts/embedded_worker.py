"""A process of its own that works on a queue of the embedded broker: prints each number, acknowledges it."""

from __future__ import annotations

import asyncio
import sys

from gateway.broker.embedded import EmbeddedBroker
from gateway.store.connect import Database
from tests.contracts.broker_kinds import Inbox


async def work(url: str, database_name: str, queue: str) -> None:
    database = Database(url, database_name)
    broker = EmbeddedBroker(database)
    await broker.start()
    inbox = Inbox()
    await broker.consume(queue, 10, inbox.take)
    while (delivery := await inbox.next()).body != b"stop":
        await delivery.settlement.ack()
        sys.stdout.write(f"{int(delivery.body)} {delivery.redelivered}\n")
        sys.stdout.flush()
    await delivery.settlement.ack()
    await broker.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
