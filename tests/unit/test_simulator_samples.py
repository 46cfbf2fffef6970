"""The demo's sample messages and what they are expected to come to."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from gateway.model.message import MTMessage
from gateway.model.receipt import REASONS
from handlers.simulator.config import SimulatorConfig, load
from handlers.simulator.rules import Rule

CONFIG = Path(__file__).parents[2] / "config"
SAMPLES = CONFIG / "samples"
# Numbers that Ofcom keeps for drama: 07700 900000 to 900999.
DRAMA = re.compile(r"447700900\d{3}")
CHANNELS = {"wa-shop": "whatsapp", "tg-shop": "telegram", "sms-shop": "sms"}


def messages() -> list[MTMessage]:
    lines = (SAMPLES / "mt.jsonl").read_text(encoding="utf-8").splitlines()
    return [MTMessage.model_validate_json(line) for line in lines]


def simulator() -> SimulatorConfig:
    names = re.findall(r"\$\{env:(\w+)\}", (CONFIG / "simulator.yaml").read_text(encoding="utf-8"))
    values = {"IMGW_DEMO_GATEWAY_URL": "http://127.0.0.1:1", "IMGW_DEMO_TG_TOKEN": "123456:ABC"}
    return load(CONFIG / "simulator.yaml", dict.fromkeys(names, "x") | values)


def addressed(rule: Rule) -> list[MTMessage]:
    """The messages that the rule is about."""
    return [
        mt
        for mt in messages()
        if rule.account
        in (mt.account, *[name for name, channel in CHANNELS.items() if channel == mt.channel])
        and re.fullmatch(rule.recipient, str(mt.to))
    ]


def test_every_line_is_a_valid_message_and_one_comes_twice() -> None:
    everything = messages()
    assert len(everything) == 360
    twice = [key for key, number in Counter(mt.message_id for mt in everything).items() if number > 1]
    assert len(twice) == 1
    first, second = [mt for mt in everything if mt.message_id in twice]
    assert first == second


def test_messages_are_numbered_in_their_order() -> None:
    unique = list(dict.fromkeys(mt.message_id for mt in messages()))
    assert unique == [f"demo-{number:04}" for number in range(1, 360)]


def test_the_samples_show_the_variety_there_is() -> None:
    everything = messages()
    assert {mt.app_id for mt in everything} == {"shop", "alerts"}
    assert {mt.channel for mt in everything} >= {"whatsapp", "telegram", "sms", None}
    assert {mt.content.type for mt in everything if mt.channel == "whatsapp"} >= {
        "text",
        "image",
        "video",
        "audio",
        "document",
        "sticker",
        "location",
        "contact",
        "list",
        "template",
    }
    assert any(mt.correlation_id for mt in everything)
    assert any(mt.callback_data for mt in everything)


def test_nobody_in_the_samples_exists() -> None:
    for mt in messages():
        if mt.channel in ("whatsapp", "sms"):
            assert DRAMA.fullmatch(str(mt.to)), mt.message_id
    urls = re.findall(r"https?://([^/\"\s]+)", (SAMPLES / "mt.jsonl").read_text(encoding="utf-8"))
    assert {url.rpartition(".")[2] for url in urls} == {"example"}


def test_every_rule_of_the_demo_is_about_somebody() -> None:
    assert [rule.recipient for rule in simulator().rules if not addressed(rule)] == []


def test_people_who_write_back_get_one_message_each() -> None:
    people = [str(mt.to) for rule in simulator().rules if rule.reply for mt in addressed(rule)]
    assert len(people) == len(set(people)) == 40


def test_no_rule_of_the_demo_makes_anybody_wait_long() -> None:
    for rule in simulator().rules:
        throttle = rule.send.throttle
        waits = [rule.send.slow_seconds, rule.receipts.delay_seconds]
        waits += [float(throttle.retry_after_seconds)] if throttle else []
        waits += [rule.reply.after_seconds] if rule.reply else []
        assert max(waits) <= 5, rule.recipient


def test_what_never_gets_a_receipt_expires_soon() -> None:
    for rule in simulator().rules:
        if rule.receipts.drop:
            assert {mt.validity_seconds for mt in addressed(rule)} == {12}, rule.recipient


def test_what_is_expected_accounts_for_every_message() -> None:
    expected = json.loads((SAMPLES / "mt.expected.json").read_text(encoding="utf-8"))
    reasons = [reason for part in ("failed", "rejected") for reason in expected[part]]
    assert set(reasons) <= set(REASONS)
    ends = expected["delivered_or_read"] + expected["submitted"] + expected["expired"]
    ends += sum(expected["failed"].values()) + sum(expected["rejected"].values())
    assert ends + expected["duplicates"] == len(messages())
