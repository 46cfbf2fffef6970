"""What operators' commands do at a broker, on either: dead letters put back, and the queues in an audit."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from gateway.broker.embedded import EmbeddedBroker
from gateway.broker.port import Broker, Publication, StoredMessage
from gateway.broker.rabbitmq import RabbitBroker
from gateway.rtm.names import Device
from gateway.store.connect import Database
from processors.dead_letters import buried
from processors.outcome import Dead
from tests.integration.shell import Operator

PHONE = Device("shop", "alice", "phone")
MO = {"id": "mo-1", "content": {"type": "text", "text": "hello"}}
AT = "2026-11-22T10:00:00.000Z"
ACCOUNT = (
    "account: app\nprovider: rtm\nurl: mqtt://127.0.0.1:1883\n"
    "parameters: {inbound: amq_topic, protocol: 3.1.1}\n"
)


@dataclass(frozen=True)
class Site:
    """An installation on RabbitMQ, or on the embedded broker where there is no URL."""

    operator: Operator
    rabbitmq_url: str | None

    def imgw(self, *arguments: str | Path, code: int = 0) -> str:
        url = self.rabbitmq_url
        return self.operator.imgw(*arguments, code=code, variables={"IMGW_BROKER__URL": url} if url else {})

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[Broker]:
        if self.rabbitmq_url is not None:
            rabbit = RabbitBroker(self.rabbitmq_url)
            await rabbit.start()
            yield rabbit
            await rabbit.close()
            return
        database = Database(self.operator.url, self.operator.database)
        embedded = EmbeddedBroker(database)
        await embedded.start()
        yield embedded
        await embedded.close()
        await database.close()

    async def publish(self, *publications: Publication) -> None:
        async with self.broker() as broker:
            for publication in publications:
                await broker.publish(publication)

    async def bodies(self, *queues: str) -> list[list[bytes]]:
        """Of what is in each of these queues."""
        seen: dict[str, list[bytes]] = {queue: [] for queue in queues}
        async with self.broker() as broker:
            for queue, bodies in seen.items():

                async def look(message: StoredMessage, bodies: list[bytes] = bodies) -> bool:
                    bodies.append(message.body)
                    return False

                await broker.sift(queue, look)
        return list(seen.values())


@pytest.fixture(params=["embedded", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def site(request: pytest.FixtureRequest, operator: Operator) -> Site:
    return Site(operator, request.getfixturevalue("rabbitmq_url") if request.param == "rabbitmq" else None)


def letter(body: bytes, queue: str, **headers: str) -> Publication:
    message = StoredMessage(body, headers, message_id=uuid.uuid4().hex)
    return buried(message, queue, Dead("internal_error", "ZeroDivisionError"))


def of_phone(kind: str, body: bytes) -> Publication:
    """One that met a bug between MQTT and the queues."""
    told = {"x-account": "app", "x-received-at": AT, "x-mqtt-topic": f"imgw/v1/shop/u/alice/d/phone/{kind}"}
    return letter(body, "mqtt", **told)


async def test_dead_letters_that_cannot_be_put_back_stay_and_hold_up_no_other(site: Site) -> None:
    request = b'{"id": "r-1", "action": "topics"}'
    letters = [
        letter(b"1", "imgw.mt"),
        of_phone("req", request),
        letter(b"2", "no.such"),
        of_phone("up", orjson.dumps(MO)),
        letter(b"3", "imgw.mt"),
    ]
    await site.publish(*letters)
    ids = [str(each.headers["x-dead-id"]) for each in letters]

    first = await asyncio.to_thread(site.imgw, "dead", "replay", "--reason", "internal_error", code=1)
    asked, unroutable, count = first.splitlines()
    assert asked == f"{ids[1]} stays: a request, and its device waits for no answer any more"
    assert unroutable.startswith(f"{ids[2]} stays: ")
    assert "no.such" in unroutable
    assert count == "3 put back, 2 not"

    item = {"app_id": "shop", "user_id": "alice", "device_id": "phone", "payload": MO, "answer": False}
    put_back = [[b"1", b"3"], [orjson.dumps(item)], [request, b"2"]]
    queues = ("imgw.mt", "imgw.mo.in", "imgw.dead")
    assert await site.bodies(*queues) == put_back

    second = await asyncio.to_thread(site.imgw, "dead", "replay", "--reason", "internal_error", code=1)
    assert second.splitlines() == [asked, unroutable, "0 put back, 2 not"]
    assert await site.bodies(*queues) == put_back


@pytest.mark.rabbitmq
async def test_an_audit_tells_what_devices_have_published_to_amq_topic(
    operator: Operator, rabbitmq_url: str
) -> None:
    site = Site(operator, rabbitmq_url)

    def queues() -> list[str]:
        said = site.imgw("audit").splitlines()
        return said[said.index("MO received: 0; receipts without an MT: 0") + 1 : -1]

    async with site.broker() as broker:
        assert await asyncio.to_thread(queues) == ["queues: all empty"]
        files = operator.write({"accounts/app.yaml": ACCOUNT})
        await asyncio.to_thread(site.imgw, "apply", files)
        nothing, missing = await asyncio.to_thread(queues)
        assert nothing == "queues: all empty"
        assert missing.startswith("asking for the depth of imgw.rtm.in: NOT_FOUND")
        await broker.declare_queue("imgw.rtm.in", {})
        assert await asyncio.to_thread(queues) == ["queues: all empty"]
        await broker.publish(Publication("", "imgw.rtm.in", b"{}"))
        assert await asyncio.to_thread(queues) == ["queues: imgw.rtm.in 1"]
