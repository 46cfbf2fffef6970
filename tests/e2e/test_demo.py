"""`imgw demo`, as `make demo` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from processors.demo.mqtt_broker import MqttBroker, find_broker
from tests.e2e.harness import CONFIG
from tests.servers.mosquitto import need_mosquitto

pytestmark = [pytest.mark.mongodb, pytest.mark.timeout(180)]


IN_APP = """\
  platform → alice: Your order is on its way.
    on phone and laptop; read on the phone, which the laptop hears; DR submitted, delivered, read
  alice → platform: Thank you! Leave it with the neighbours.
    MO on imgw.mo, with its thread; the laptop sees it, too
  platform → all who follow news: Free delivery this week.
    an announcement on both; DR submitted, delivered; an answer to it is refused: thread_one_way
"""


def demonstrated(folder: Path, mqtt: str) -> str:
    """What the demonstration says, which must end well."""
    command = [sys.executable, "-m", "processors", "demo", "--config", str(CONFIG), "--folder", str(folder)]
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "120"}
    done = subprocess.run(
        [*command, "--mqtt", mqtt],
        env=environment,
        cwd=CONFIG.parent,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.mosquitto
def test_the_demonstration_accounts_for_every_message_and_shows_a_conversation_in_app(tmp_path: Path) -> None:
    need_mosquitto()
    said = demonstrated(tmp_path / "demo", "any")
    assert "every message is accounted for, each as its rule says" in said
    assert f"the in-app channel, over Mosquitto (MQTT 5):\n{IN_APP}" in said


def test_without_mosquitto_the_conversation_goes_over_amqtt(tmp_path: Path) -> None:
    assert f"the in-app channel, over amqtt (MQTT 3.1.1):\n{IN_APP}" in demonstrated(
        tmp_path / "demo", "amqtt"
    )


def test_without_an_mqtt_broker_it_says_what_it_left_out(tmp_path: Path) -> None:
    said = demonstrated(tmp_path / "demo", "none")
    assert "every message is accounted for, each as its rule says" in said
    assert "left out: the in-app channel, which needs an MQTT broker" in said


def test_a_mosquitto_that_is_found_is_taken_before_amqtt(tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = find_broker(str(tmp_path))
    assert found == MqttBroker("Mosquitto", "5", (str(program), "-c"))
    assert found.parameters == {}
    assert find_broker(str(tmp_path), "none") is None
