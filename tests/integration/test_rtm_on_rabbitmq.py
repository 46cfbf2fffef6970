"""The in-app channel where RabbitMQ is the MQTT broker, too: its plugin, MQTT 3.1.1, and the exchange
amq.topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from gateway.ports import free_port
from gateway.rtm.names import Device
from tests.integration.rtm_world import APP, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.servers.rabbitmq import RabbitServer

pytestmark = [pytest.mark.rabbitmq, pytest.mark.mosquitto, pytest.mark.mongodb, pytest.mark.timeout(240)]

PHONE = Device(APP, "al.ice", "phone.1")
SECONDS = 20


@pytest.fixture
def mqtt_port(rabbitmq_server: RabbitServer) -> Iterator[int]:
    """Of RabbitMQ's MQTT plugin, enabled meanwhile."""
    port = free_port()
    rabbitmq_server.bring_up()
    listeners = f'[{{"127.0.0.1", {port}}}]'
    # Persistent: what the plugin brings along when it is loaded does not count.
    answer = rabbitmq_server.order(
        f"application:set_env(rabbitmq_mqtt, tcp_listeners, {listeners}, [{{persistent, true}}])"
    )
    assert answer == "ok", answer
    rabbitmq_server.set_plugins("rabbitmq_mqtt")
    yield port
    rabbitmq_server.set_plugins()


async def test_mo_receipts_and_requests_come_in_by_amq_topic_and_answers_go_out(
    tmp_path: Path,
    evidence: Evidence,
    mosquitto: MosquittoServer,
    mongod: MongoServer,
    database_name: str,
    mqtt_port: int,
    rabbitmq_url: str,
) -> None:
    login, _, vhost = rabbitmq_url.removeprefix("amqp://").partition("@")
    user, _, password = login.partition(":")
    username = f"{vhost.rpartition('/')[2]}:{user}"
    account = {
        "url": f"mqtt://127.0.0.1:{mqtt_port}",
        "credentials": {"username": username, "password": "${env:MQTT_PASSWORD}"},
    }
    environment = {"MQTT_PASSWORD": password}
    servers = (tmp_path, evidence, mosquitto, mongod, database_name)
    parameters = {"inbound": "amq_topic", "protocol": "3.1.1"}
    async with (
        open_world(
            *servers,
            rabbitmq_url=rabbitmq_url,
            parameters=parameters,
            account=account,
            environment=environment,
        ) as world,
        aiomqtt.Client(
            "127.0.0.1",
            mqtt_port,
            username=username,
            password=password,
            identifier=PHONE.login,
            protocol=aiomqtt.ProtocolVersion.V311,
            timeout=SECONDS,
        ) as client,
    ):
        for topic in PHONE.subscriptions:
            await client.subscribe(topic, qos=1)
        presence = {"online": True, "session": "s-1"}
        await client.publish(PHONE.up("presence"), json.dumps(presence), qos=1, retain=True)
        mo = {"id": "mo-1", "content": {"type": "text", "text": "by the plugin"}}
        await client.publish(PHONE.up("up"), json.dumps(mo), qos=1)
        (received,) = await world.until_mo("mo-1")
        assert (received["from"]["id"], received["device"]) == ("al.ice", "phone.1")
        message_id = await world.send({"kind": "user_id", "id": "al.ice"}, "an answer by the plugin")
        receipt = {"message_id": message_id, "status": "delivered"}
        heard = []
        async for message in client.messages:
            heard.append(json.loads(bytes(message.payload)))
            if heard[-1]["type"] == "message":
                await client.publish(PHONE.up("rcpt"), json.dumps(receipt), qos=1)
                request = {"id": "r-1", "action": "threads"}
                await client.publish(PHONE.up("req"), json.dumps(request), qos=1)
            if {each["type"] for each in heard} == {"accepted", "message", "result"}:
                break
        await world.until_dr(message_id, "submitted", "delivered")
        customer = await world.customers.get(APP, "al.ice")
        assert customer is not None
        assert [device.online for device in customer.devices] == [True]
