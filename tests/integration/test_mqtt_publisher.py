"""The MQTT publisher with a real Mosquitto."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.ports import free_port
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.port import MqttMessage, MqttServer
from tests.integration.http2_server import certificate
from tests.integration.mqtt_clients import Subscriber, numbered, server_of
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = pytest.mark.mosquitto


@pytest.fixture
async def publisher() -> AsyncIterator[MqttPublisher]:
    made = MqttPublisher("gateway", connect_timeout_seconds=5.0)
    yield made
    await made.close()


async def _failure(
    publisher: MqttPublisher, server: MqttServer, message: MqttMessage
) -> tuple[FailureKind, str, str | None]:
    return await _outcome(publisher.publish(server, [message], timeout_seconds=30))


async def _outcome(call: Awaitable[None]) -> tuple[FailureKind, str, str | None]:
    """Of a call that fails."""
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value.kind, caught.value.reason, caught.value.code


async def test_everything_about_a_message_arrives(
    mosquitto: MosquittoServer, publisher: MqttPublisher
) -> None:
    subscriber = Subscriber(mosquitto, "t/#")
    await subscriber.remember()
    message = MqttMessage(
        "t/down",
        '"päyload"'.encode(),
        expiry_seconds=3_600,
        content_type="application/json",
        response_topic="t/answers",
        correlation_data=b"\x01\x7fcor",
        user_properties=(("type", "message"), ("traceparent", "00-x"), ("type", "é")),
    )
    await publisher.publish(server_of(mosquitto), [message, MqttMessage("t/bare", b"1")], timeout_seconds=30)
    full, bare = await subscriber.take(2)
    left_seconds = full["properties"].pop("message-expiry-interval")
    assert 3_600 - 60 < left_seconds <= 3_600
    assert full == {
        "topic": "t/down",
        "qos": 1,
        "retain": 0,
        "properties": {
            "content-type": "application/json",
            "response-topic": "t/answers",
            "correlation-data": "\x01\x7fcor",
            "user-properties": [("type", "message"), ("traceparent", "00-x"), ("type", "é")],
        },
        "payload": "päyload",
    }
    assert bare == {"topic": "t/bare", "qos": 1, "retain": 0, "payload": 1}


async def test_with_mqtt_3_1_1_topic_payload_and_retain_arrive(
    mosquitto: MosquittoServer, publisher: MqttPublisher
) -> None:
    message = MqttMessage("t/down", b"1", expiry_seconds=60, content_type="x", retain=True)
    await publisher.publish(server_of(mosquitto, protocol="3.1.1"), [message], timeout_seconds=30)
    assert await Subscriber(mosquitto, "t/#").take(1) == [
        {"topic": "t/down", "qos": 1, "retain": 1, "payload": 1}
    ]


async def test_five_thousand_messages_in_one_call_all_arrive_in_order(
    mosquitto: MosquittoServer, publisher: MqttPublisher
) -> None:
    subscriber = Subscriber(mosquitto, "t/#")
    await subscriber.remember()
    await publisher.publish(server_of(mosquitto), numbered(5_000), timeout_seconds=60)
    assert [each["payload"] for each in await subscriber.take(5_000)] == list(range(5_000))


async def test_fifty_tasks_share_one_connection(mosquitto: MosquittoServer, publisher: MqttPublisher) -> None:
    subscriber = Subscriber(mosquitto, "t/#")
    await subscriber.remember()

    async def one_after_the_other(topic: str) -> None:
        for message in numbered(20, topic=topic):
            await publisher.publish(server_of(mosquitto), [message], timeout_seconds=60)

    await asyncio.gather(*(one_after_the_other(f"t/{number}") for number in range(50)))
    came: dict[str, list[int]] = {}
    for each in await subscriber.take(1_000):
        came.setdefault(each["topic"], []).append(each["payload"])
    assert came == {f"t/{number}": list(range(20)) for number in range(50)}
    assert mosquitto.log_file.read_text().count("New client connected from 127.0.0.1") == 1 + 1 + 2


async def test_no_messages_are_published_at_once(
    mosquitto: MosquittoServer, publisher: MqttPublisher
) -> None:
    await publisher.publish(server_of(mosquitto), [], timeout_seconds=30)


async def test_a_refused_login_is_the_accounts_fault(tmp_path: Path, publisher: MqttPublisher) -> None:
    broker = MosquittoServer(tmp_path / "closed", anonymous=False)
    try:
        broker.start()
        for protocol in ("5", "3.1.1"):
            server = server_of(broker, username="gateway", password="s3cr3t", protocol=protocol)
            found = await _failure(publisher, server, MqttMessage("t", b""))
            assert found == (FailureKind.AUTH, "account_credentials", "0x87"), protocol
    finally:
        broker.close()


async def test_a_refused_topic_is_the_accounts_fault(tmp_path: Path, publisher: MqttPublisher) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite t/#\n")
    broker = MosquittoServer(tmp_path / "ruled", lines=[f"acl_file {rules}"])
    try:
        broker.start()
        server = server_of(broker)
        found = await _failure(publisher, server, MqttMessage("other", b"1"))
        assert found == (FailureKind.AUTH, "account_credentials", "0x87")
        await eventually(lambda: _published(publisher, server))  # Mosquitto 2.0.11 has cut the connection
    finally:
        broker.close()


async def test_what_is_larger_than_the_broker_takes_is_refused_for_good(
    tmp_path: Path, publisher: MqttPublisher
) -> None:
    broker = MosquittoServer(tmp_path / "small", lines=["max_packet_size 2000"])
    try:
        broker.start()
        server = server_of(broker)
        # PUBLISH: 1 + 2 bytes of header, the topic, the identifier, no properties.
        fits, does_not = (MqttMessage("t", bytes(2_000 - 3 - 3 - 2 - 1 + more)) for more in (0, 1))
        await publisher.publish(server, [fits], timeout_seconds=30)
        assert await _failure(publisher, server, does_not) == (
            FailureKind.PERMANENT,
            "content_too_long",
            "0x95",
        )
        await publisher.publish(server, [fits], timeout_seconds=30)
    finally:
        broker.close()


@pytest.mark.parametrize(
    "message",
    [
        MqttMessage("", b""),
        MqttMessage("t/+", b""),
        MqttMessage("t/#", b""),
        MqttMessage("t\0", b""),
        MqttMessage("t/\ud800", b""),
        MqttMessage("t" * 65_536, b""),
        MqttMessage("t", b"", content_type="\0"),
        MqttMessage("t", b"", correlation_data=bytes(65_536)),
        MqttMessage("t", b"", user_properties=(("n", "\ud800"),)),
    ],
    ids=lambda message: repr(message)[:40],
)
async def test_what_mqtt_cannot_carry_is_refused_and_breaks_nothing(
    mosquitto: MosquittoServer, publisher: MqttPublisher, message: MqttMessage
) -> None:
    server = server_of(mosquitto)
    assert await _failure(publisher, server, message) == (
        FailureKind.PERMANENT,
        "provider_error",
        "publication_invalid",
    )
    await publisher.publish(server, [MqttMessage("t", b"")], timeout_seconds=30)
    assert mosquitto.log_file.read_text().count("as gateway-1") == 1


async def test_nobody_listening_means_not_taken(publisher: MqttPublisher) -> None:
    server = MqttServer("127.0.0.1", free_port())
    assert await _failure(publisher, server, MqttMessage("t", b"")) == (
        FailureKind.TRANSIENT,
        "provider_unavailable",
        "connect",
    )


async def test_a_broker_that_is_killed_ends_each_call_and_is_used_again_when_it_is_back(
    mosquitto: MosquittoServer, publisher: MqttPublisher
) -> None:
    server = server_of(mosquitto)
    await publisher.publish(server, numbered(1), timeout_seconds=30)
    mosquitto.suspend()
    calls = [
        asyncio.create_task(publisher.publish(server, numbered(40), timeout_seconds=60)) for _ in range(50)
    ]
    await asyncio.sleep(0)  # each has begun: a thousand messages are with the broker, a thousand are not
    mosquitto.kill()
    assert [await _outcome(call) for call in calls] == [
        *[(FailureKind.UNCERTAIN, "provider_unavailable", "disconnected")] * 25,
        *[(FailureKind.TRANSIENT, "provider_unavailable", "disconnected")] * 25,
    ]
    found = await _failure(publisher, server, MqttMessage("t", b""))
    assert found[:2] == (FailureKind.TRANSIENT, "provider_unavailable")
    mosquitto.start()
    await eventually(lambda: _published(publisher, server))


async def test_a_broker_that_is_restarted_between_two_calls_is_connected_to_again(
    mosquitto: MosquittoServer, publisher: MqttPublisher
) -> None:
    server = server_of(mosquitto)
    await publisher.publish(server, numbered(1), timeout_seconds=30)
    mosquitto.restart()
    await eventually(lambda: _published(publisher, server))


async def _published(publisher: MqttPublisher, server: MqttServer) -> bool:
    try:
        await publisher.publish(server, numbered(1), timeout_seconds=30)
    except ProviderError:
        return False
    return True


async def test_closing_fails_what_is_under_way_and_everything_after(mosquitto: MosquittoServer) -> None:
    publisher = MqttPublisher("gateway", connect_timeout_seconds=5.0)
    server = server_of(mosquitto)
    await publisher.publish(server, numbered(1), timeout_seconds=30)
    mosquitto.suspend()
    call = asyncio.create_task(publisher.publish(server, numbered(1), timeout_seconds=60))
    await asyncio.sleep(0)
    closing = asyncio.create_task(publisher.close())
    assert await _outcome(call) == (FailureKind.UNCERTAIN, "provider_unavailable", "disconnected")
    mosquitto.resume()
    await closing
    assert await _failure(publisher, server, MqttMessage("t", b"")) == (
        FailureKind.TRANSIENT,
        "provider_unavailable",
        "closed",
    )


async def test_it_speaks_tls_to_whom_it_trusts(
    tmp_path: Path, publisher: MqttPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, trusted = certificate(tmp_path)
    port = free_port()
    lines = [f"listener {port} 127.0.0.1", f"certfile {trusted}", f"keyfile {tmp_path / 'server.pem'}"]
    broker = MosquittoServer(tmp_path / "tls", lines=lines)
    server = MqttServer("127.0.0.1", port, tls=True)
    try:
        broker.start()
        found = await _failure(publisher, server, MqttMessage("t", b""))
        assert found == (FailureKind.TRANSIENT, "provider_unavailable", "tls")
        monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(trusted))
        subscriber = Subscriber(broker, "t/#")
        await subscriber.remember()
        await eventually(lambda: _published(publisher, server))
        assert [each["payload"] for each in await subscriber.take(1)] == [0]
    finally:
        broker.close()
