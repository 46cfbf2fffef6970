"""The hand-written floor: what one MT costs when nothing but its work is done, in a process of its own.

For each message: taken from a quorum queue, a document inserted (`sending`), one POST as WhatsApp Cloud's,
the document updated (`submitted`, with the provider's id), a receipt published and confirmed, the message
acknowledged. Writes are grouped and made safe as the gateway's are (majority, journaled), queues are of the
same kind, as many messages and requests are under way at once. No validation, no routing, no limits, no
retries, no logs, no metrics; the first error ends it. Run by the benchmark, or by itself:

    python -m tests.bench.floor --amqp URL --mongodb URL --provider URL
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import aiohttp
import orjson
import uvloop
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import InsertOne, UpdateOne, WriteConcern

from tests.bench.floor_amqp import CLIENTS, Message, Queues

Operation = TypeVar("Operation")

IN_QUEUE, OUT_QUEUE = "bench.floor.in", "bench.floor.out"
_HEADERS = {"Authorization": f"Bearer {'t' * 32}", "Content-Type": "application/json"}
_VALID = timedelta(days=1)


class Group(Generic[Operation]):
    """Group commit: what is asked for during one write goes with the next; all of a group share one
    future."""

    def __init__(self, write: Callable[[list[Operation]], Awaitable[Any]]) -> None:
        self._write = write
        self._waiting: list[Operation] = []
        self._written: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None

    async def do(self, operation: Operation) -> None:
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
            self._waiting = []
            if self._writer is None:
                self._writer = asyncio.create_task(self._run())
        self._waiting.append(operation)
        await self._written

    async def _run(self) -> None:
        while self._written is not None:
            operations, written = self._waiting, self._written
            self._written = None
            try:
                await self._write(operations)
            except Exception as error:  # noqa: BLE001  whoever waits for this write gets it
                written.set_exception(error)
            else:
                written.set_result(None)
        self._writer = None


class Floor:
    """The work of one message after the other."""

    def __init__(self, collection: Any, http: aiohttp.ClientSession, url: str, queues: Queues) -> None:
        write = partial(collection.bulk_write, ordered=False)
        self._inserts: Group[InsertOne[dict[str, Any]]] = Group(write)
        self._updates: Group[UpdateOne] = Group(write)
        self._http = http
        self._url = url
        self._queues = queues

    async def take(self, message: Message) -> None:
        mt = orjson.loads(message.body)
        reference = f"{mt['app_id']}/{mt['message_id']}"
        await self._inserts.do(InsertOne(_document(reference, mt, message.body)))
        provider_id = await self._send(reference, mt)
        at = datetime.now(UTC)
        change = {"status": "submitted", "provider_message_ids": [provider_id], "submitted_at": at}
        await self._updates.do(UpdateOne({"_id": reference}, {"$set": change}))
        await self._queues.publish(_receipt(mt, provider_id, at))
        await self._queues.acknowledge(message)

    async def _send(self, reference: str, mt: dict[str, Any]) -> str:
        request = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": mt["to"],
            "type": "text",
            "text": {"body": mt["content"]["text"], "preview_url": False},
            "biz_opaque_callback_data": reference,
        }
        async with self._http.post(self._url, data=orjson.dumps(request), headers=_HEADERS) as response:
            if response.status != 200:
                raise RuntimeError(f"the provider answered {response.status}")
            answer = orjson.loads(await response.read())
        return str(answer["messages"][0]["id"])


def _document(reference: str, mt: dict[str, Any], body: bytes) -> dict[str, Any]:
    at = datetime.now(UTC)
    return {
        "_id": reference,
        "app_id": mt["app_id"],
        "message_id": mt["message_id"],
        "status": "sending",
        "accepted_at": at,
        "expires_at": at + _VALID,
        "due_at": at + _VALID,
        "channel": "whatsapp",
        "account": "wa-shop",
        "provider": "whatsapp_cloud",
        "to": mt["to"],
        "correlation_id": mt["correlation_id"],
        "attempt": 1,
        "body": body,
    }


def _receipt(mt: dict[str, Any], provider_id: str, at: datetime) -> bytes:
    return orjson.dumps(
        {
            "event_id": mt["message_id"],
            "message_id": mt["message_id"],
            "app_id": mt["app_id"],
            "channel": "whatsapp",
            "account": "wa-shop",
            "provider": "whatsapp_cloud",
            "to": {"kind": "msisdn", "id": mt["to"]},
            "correlation_id": mt["correlation_id"],
            "status": "submitted",
            "final": False,
            "attempt": 1,
            "provider_message_ids": [provider_id],
            "occurred_at": at,
            "recorded_at": at,
        }
    )


async def run(arguments: argparse.Namespace) -> None:
    """Work until SIGTERM. Raises what went wrong first."""
    client: Any = AsyncIOMotorClient(arguments.mongodb)
    safe = WriteConcern(w="majority", j=True)
    collection = client[arguments.database].get_collection("floor", write_concern=safe)
    queues = await CLIENTS[arguments.client].open(arguments.amqp, IN_QUEUE, OUT_QUEUE)
    connector = aiohttp.TCPConnector(limit=arguments.in_flight)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        url = f"{arguments.provider}/v25.0/106540352242922/messages"
        floor = Floor(collection, http, url, queues)
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.cancel)

        async def take(message: Message) -> None:
            try:
                await floor.take(message)
            except Exception as error:  # noqa: BLE001  the process ends with it
                if not over.done():
                    over.set_exception(error)

        await queues.consume(take, arguments.prefetch)
        await asyncio.wait([over])
    await queues.close()
    if not over.cancelled():
        over.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--amqp", "--mongodb", "--provider"):
        parser.add_argument(name, required=True)
    parser.add_argument("--database", default="bench_floor")
    parser.add_argument("--prefetch", type=int, default=200, help="messages under way at once")
    parser.add_argument("--in-flight", type=int, default=50, help="requests to the provider at once")
    parser.add_argument("--client", choices=tuple(CLIENTS), default="aiormq")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
