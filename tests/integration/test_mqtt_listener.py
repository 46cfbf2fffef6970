"""The MQTT listener with a real Mosquitto."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.ports import free_port
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttServer
from tests.faults.proxy import Proxy
from tests.integration.mqtt_clients import publish, publish_lines, server_of
from tests.integration.mqtt_listening import Listening, holds, listening
from tests.servers.mosquitto import MosquittoServer
from tests.waiting import eventually

pytestmark = pytest.mark.mosquitto


@pytest.fixture
async def proxy(mosquitto: MosquittoServer) -> AsyncIterator[Proxy]:
    """Between a listener and the broker, to cut them apart."""
    async with Proxy(free_port(), [mosquitto.port]) as made:
        yield made


def _lines(first: int, end: int) -> list[str]:
    return [str(number) for number in range(first, end)]


def _numbers(first: int, end: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, end)]


async def test_everything_about_a_publication_is_taken(mosquitto: MosquittoServer) -> None:
    async with listening(server_of(mosquitto)) as made:
        await publish(
            *(mosquitto, "t/1/up", "päyload"),
            *("-D", "publish", "response-topic", "t/1/answers"),
            *("-D", "publish", "correlation-data", "cor"),
            *("-D", "publish", "user-property", "a", "1"),
            *("-D", "publish", "user-property", "a", "é"),
        )
        await publish(mosquitto, "t/2/up", "bare", "-r")
        await made.until_taken(2)
        assert made.taken == [
            Received(
                topic="t/1/up",
                payload="päyload".encode(),
                retained=False,
                response_topic="t/1/answers",
                correlation_data=b"cor",
                user_properties=(("a", "1"), ("a", "é")),
                acknowledge=made.taken[0].acknowledge,
            ),
            Received("t/2/up", b"bare", False, None, None, (), made.taken[1].acknowledge),
        ]
    async with listening(server_of(mosquitto), client_id="another") as made:
        await made.until_taken(1)
        assert [(each.payload, each.retained) for each in made.taken] == [(b"bare", True)]


async def test_mqtt_3_1_1_is_spoken_too(mosquitto: MosquittoServer) -> None:
    async with listening(server_of(mosquitto, protocol="3.1.1")) as made:
        await publish(mosquitto, "t/1/up", "1", "-D", "publish", "correlation-data", "cor")
        await made.until_taken(1)
        assert made.taken == [Received("t/1/up", b"1", False, None, None, (), made.taken[0].acknowledge)]
        made.taken[0].acknowledge()
        assert made.listener.unacknowledged == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_is_not_acknowledged_comes_again_after_a_cut_and_the_rest_does_not(
    mosquitto: MosquittoServer, proxy: Proxy, protocol: str
) -> None:
    server = server_of(mosquitto, protocol=protocol)
    through = MqttServer(server.host, proxy.port, protocol=server.protocol)
    async with listening(through) as made:
        await publish_lines(mosquitto, "t/1/up", _lines(0, 10))
        await made.until_taken(10)
        for each in made.taken[:4]:
            each.acknowledge()
        await eventually(
            lambda: holds(lambda: mosquitto.log_file.read_text().count("PUBACK from bridge") == 4)
        )
        old = list(made.taken)
        made.taken.clear()
        await proxy.refuse()
        await made.until_down()
        assert made.listener.unacknowledged == 0
        for each in old[4:]:
            each.acknowledge()  # too late: it was for the connection that is gone
        await proxy.listen()
        await made.until_taken(6)
        await publish(mosquitto, "t/1/up", "10")
        await made.until_taken(7)
        assert made.payloads() == _numbers(4, 11)


async def test_acknowledgements_go_out_in_the_order_of_arrival(
    mosquitto: MosquittoServer, proxy: Proxy
) -> None:
    async with listening(MqttServer("127.0.0.1", proxy.port)) as made:
        await publish_lines(mosquitto, "t/1/up", _lines(0, 5))
        await made.until_taken(5)
        for index in (4, 1, 2):
            made.taken[index].acknowledge()
        assert made.listener.unacknowledged == 5
        made.taken[0].acknowledge()
        assert made.listener.unacknowledged == 2
        made.taken[3].acknowledge()
        assert made.listener.unacknowledged == 0
        log = await eventually(lambda: _pubacks(mosquitto, 5))
        assert log == sorted(log)


async def _pubacks(mosquitto: MosquittoServer, count: int) -> list[int]:
    """The packet identifiers that the listener acknowledged; empty before there are so many."""
    lines = mosquitto.log_file.read_text().splitlines()
    found = [
        int(line.partition("Mid: ")[2].partition(",")[0]) for line in lines if "PUBACK from bridge" in line
    ]
    return found if len(found) >= count else []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_no_more_is_unacknowledged_than_it_said_or_one(
    mosquitto: MosquittoServer, protocol: str
) -> None:
    async with listening(server_of(mosquitto, protocol=protocol), receive_maximum=5) as made:
        await publish_lines(mosquitto, "t/1/up", _lines(0, 40))
        most = 0
        for done in range(40):
            await made.until_taken(done + 1)
            most = max(most, made.listener.unacknowledged)
            made.taken[done].acknowledge()
        assert (made.payloads(), made.listener.unacknowledged) == (_numbers(0, 40), 0)
        assert most <= 6


async def test_what_comes_at_qos_0_counts_while_it_is_in_hand_and_is_acknowledged_to_nobody(
    mosquitto: MosquittoServer,
) -> None:
    async with listening(server_of(mosquitto)) as made:
        await publish(mosquitto, "t/1/up", "1", "-q", "0")
        await made.until_taken(1)
        assert made.listener.unacknowledged == 1
        made.taken[0].acknowledge()
        assert made.listener.unacknowledged == 0
        await publish(mosquitto, "t/1/up", "2")
        await made.until_taken(2)
        assert (made.payloads(), made.listener.unacknowledged) == ([b"1", b"2"], 1)


async def test_the_session_outlasts_the_listener_and_a_restart_of_the_broker(
    mosquitto: MosquittoServer,
) -> None:
    async with listening(server_of(mosquitto)) as made:
        await publish(mosquitto, "t/1/up", "0")
        await made.until_taken(1)
    await publish(mosquitto, "t/1/up", "1")
    mosquitto.restart()
    await publish(mosquitto, "t/1/up", "2")
    async with listening(server_of(mosquitto)) as made:
        await made.until_taken(3)
        assert made.payloads() == _numbers(0, 3)


async def test_acknowledgements_given_before_a_stop_are_sent(mosquitto: MosquittoServer) -> None:
    async with listening(server_of(mosquitto)) as made:
        await publish_lines(mosquitto, "t/1/up", _lines(0, 3))
        await made.until_taken(3)
        made.taken[0].acknowledge()
        made.taken[1].acknowledge()
    async with listening(server_of(mosquitto)) as made:
        await made.until_taken(1)
        await publish(mosquitto, "t/1/up", "3")
        await made.until_taken(2)
        assert made.payloads() == _numbers(2, 4)


async def test_a_broker_that_lost_the_session_is_subscribed_at_again(mosquitto: MosquittoServer) -> None:
    async with listening(server_of(mosquitto)) as made:
        mosquitto.kill()
        await made.until_down()
        (mosquitto.folder / "mosquitto.db").unlink(missing_ok=True)
        mosquitto.start()
        await made.until_up()
        await publish(mosquitto, "t/1/up", "1")
        await made.until_taken(1)
        assert made.payloads() == [b"1"]


async def test_with_two_of_a_shared_subscription_each_publication_goes_to_one(
    mosquitto: MosquittoServer,
) -> None:
    shared = {"filters": ["$share/imgw/t/+/up"]}
    async with (
        listening(server_of(mosquitto), client_id="one", **shared) as one,
        listening(server_of(mosquitto), client_id="two", **shared) as two,
    ):
        await publish_lines(mosquitto, "t/1/up", _lines(0, 40))
        await eventually(lambda: holds(lambda: len(one.taken) + len(two.taken) == 40))
        assert sorted(one.payloads() + two.payloads(), key=int) == _numbers(0, 40)
        assert one.taken
        assert two.taken


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_after_unsubscribing_nothing_new_comes_and_the_ended_session_keeps_nothing(
    mosquitto: MosquittoServer, protocol: str
) -> None:
    server = server_of(mosquitto, protocol=protocol)
    made = Listening(server)
    made.listener.start()
    await made.until_up()
    await publish(mosquitto, "t/1/up", "0")
    await made.until_taken(1)
    await made.listener.unsubscribe()
    await publish(mosquitto, "t/1/up", "1")
    await made.listener.stop(end_session=True)
    assert (made.payloads(), made.listener.trouble) == ([b"0"], "it has been stopped")
    async with listening(server) as again:
        await publish(mosquitto, "t/1/up", "2")
        await again.until_taken(1)
        assert again.payloads() == [b"2"]


async def test_it_does_not_subscribe_again_once_it_has_unsubscribed(
    mosquitto: MosquittoServer, proxy: Proxy
) -> None:
    async with listening(MqttServer("127.0.0.1", proxy.port)) as made:
        await made.listener.unsubscribe()
        await proxy.refuse()
        await made.until_down()
        await proxy.listen()
        await made.until_up()
        assert mosquitto.log_file.read_text().count("Received SUBSCRIBE from bridge") == 1


async def test_unsubscribing_while_not_connected_is_told() -> None:
    made = Listening(MqttServer("127.0.0.1", free_port()))
    made.listener.start()
    with pytest.raises(ProviderError) as caught:
        await made.listener.unsubscribe()
    await made.listener.stop(end_session=False)
    assert (caught.value.kind, caught.value.code) == (FailureKind.TRANSIENT, "disconnected")


async def test_why_it_does_not_listen_is_told(tmp_path: Path) -> None:
    broker = MosquittoServer(tmp_path / "closed", anonymous=False)
    made = Listening(server_of(broker))
    assert made.listener.trouble == "it has not been started"
    made.listener.start()
    try:
        await eventually(lambda: holds(lambda: made.listener.trouble == "no connection to 127.0.0.1"))
        broker.start()
        await eventually(lambda: holds(lambda: made.listener.trouble == "not authorized (0x87)"))
        broker.stop()
        broker.configure()
        broker.start()
        await made.until_up()
    finally:
        await made.listener.stop(end_session=False)
        broker.close()
    assert made.listener.trouble == "it has been stopped"


async def test_how_long_it_has_been_quiet_is_known(mosquitto: MosquittoServer) -> None:
    made = Listening(server_of(mosquitto))
    assert made.listener.quiet_seconds == 0.0
    made.listener.start()
    await made.until_up()
    await eventually(lambda: holds(lambda: made.listener.quiet_seconds > 0.3))
    await publish(mosquitto, "t/1/up", "0")
    await made.until_taken(1)
    assert made.listener.quiet_seconds < 0.3
    await made.listener.stop(end_session=False)
    assert made.listener.quiet_seconds == 0.0


async def test_a_session_can_be_ended_while_the_listener_is_not_connected(
    mosquitto: MosquittoServer, proxy: Proxy
) -> None:
    made = Listening(MqttServer("127.0.0.1", proxy.port))
    made.listener.start()
    await made.until_up()
    await proxy.refuse()
    await made.until_down()
    await publish(mosquitto, "t/1/up", "kept for it")
    await proxy.listen()
    await made.listener.stop(end_session=True)
    async with listening(server_of(mosquitto)) as again:
        await publish(mosquitto, "t/1/up", "new")
        await again.until_taken(1)
        assert again.payloads() == [b"new"]
