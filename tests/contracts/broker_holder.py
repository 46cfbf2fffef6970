"""A process of its own that takes deliveries, settles none and says how many it has; to be killed."""

from __future__ import annotations

import asyncio
import sys

from tests.contracts.broker_kinds import Inbox, Place, broker_at


async def hold(place: Place, queue: str, count: int) -> None:
    async with broker_at(place) as broker:
        inbox = Inbox()
        await broker.consume(queue, count, inbox.take)
        held = await inbox.several(count)
        sys.stdout.write(f"holds {len(held)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold((sys.argv[1], sys.argv[2], sys.argv[3]), queue=sys.argv[4], count=int(sys.argv[5])))
