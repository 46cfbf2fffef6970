"""An answer goes to its device's own responses topic, again where that may help, and is given up at last."""

from __future__ import annotations

import orjson
import pytest
import structlog
from prometheus_client import CollectorRegistry

from gateway.errors import FailureKind, ProviderError
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import MqttMessage
from processors.rtm.responses import Responses
from tests.handlers.fake_mqtt import FakeMqtt
from tests.processors.rtm_bridge_world import PHONE, account
from tests.processors.virtual_time import in_virtual_time, virtual_now

ANSWER = {"type": "result", "of": "r-1", "result": {}}
SENT = MqttMessage(
    topic="imgw/v1/shop/u/alice/d/phone/res",
    payload=orjson.dumps(ANSWER),
    expiry_seconds=60,
    content_type="application/json",
    correlation_data=b"7",
    user_properties=(("type", "response"),),
)


def failure(kind: FailureKind) -> ProviderError:
    return ProviderError(kind, reason="provider_error")


async def send(mqtt: FakeMqtt, correlation: bytes | None = b"7") -> dict[str, float]:
    """Send the answer; how often one was counted, by outcome."""
    metrics = Metrics(CollectorRegistry())
    await Responses(account(), mqtt, metrics).send(PHONE, ANSWER, correlation)
    [counted] = metrics.rtm_downlinks.collect()
    samples = [each for each in counted.samples if each.name.endswith("_total")]
    assert [(each.labels["account"], each.labels["kind"]) for each in samples] == [("app", "response")]
    return {each.labels["outcome"]: each.value for each in samples}


@in_virtual_time
async def test_an_answer_goes_to_the_device_that_asked() -> None:
    mqtt = FakeMqtt()
    assert await send(mqtt) == {"published": 1}
    assert (mqtt.published, mqtt.servers, mqtt.timeouts_seconds) == (
        [SENT],
        [account().server],
        [account().timeout_seconds],
    )


@in_virtual_time
async def test_a_broker_that_was_away_for_a_moment_gets_it_again() -> None:
    mqtt = FakeMqtt(failure(FailureKind.TRANSIENT), failure(FailureKind.UNCERTAIN))
    assert await send(mqtt) == {"published": 1}
    assert (mqtt.published, len(mqtt.servers), virtual_now()) == ([SENT], 3, 1_002.0)


@pytest.mark.parametrize(
    ("kind", "tries"),
    [
        (FailureKind.TRANSIENT, 3),
        (FailureKind.PERMANENT, 1),
        (FailureKind.AUTH, 1),
        (FailureKind.THROTTLED, 3),
    ],
)
def test_an_answer_that_cannot_be_given_is_given_up(kind: FailureKind, tries: int) -> None:
    @in_virtual_time
    async def run() -> None:
        mqtt = FakeMqtt(*(failure(kind) for _ in range(5)))
        with structlog.testing.capture_logs() as logs:
            assert await send(mqtt, correlation=None) == {"lost": 1}
        assert (mqtt.published, len(mqtt.servers)) == ([], tries)
        assert [(log["event"], log["account"]) for log in logs] == [("response.lost", "app")]

    run()
