"""Which queues of the embedded broker a publication goes to."""

from __future__ import annotations

import pytest

from gateway.broker.embedded.routing import Routes, topic_matches


@pytest.mark.parametrize(
    ("pattern", "routing_key", "matches"),
    [
        ("dr.shop.delivered", "dr.shop.delivered", True),
        ("dr.shop.delivered", "dr.shop.read", False),
        ("dr.shop.*", "dr.shop.read", True),
        ("dr.shop.*", "dr.shop", False),
        ("dr.shop.*", "dr.shop.read.again", False),
        ("*.shop.*", "dr.shop.read", True),
        ("dr.*.read", "dr..read", True),
        ("dr.#", "dr.shop.read", True),
        ("dr.#", "dr", True),
        ("dr.#", "drs.shop", False),
        ("#", "anything.at.all", True),
        ("#", "", True),
        ("*", "", False),
        ("", "", True),
        ("", "dr", False),
        ("#.read", "dr.shop.read", True),
        ("#.read", "read", True),
        ("#.read", "dr.read.shop", False),
        ("dr.#.read", "dr.read", True),
        ("dr.#.read", "dr.a.b.read", True),
        ("dr.#.*", "dr", False),
        ("#.*.#", "one", True),
        ("#.a.#.b", "x.a.y.a.b", True),
        ("#.a.#.b", "x.b.y.a", False),
    ],
)
def test_a_topic_pattern_matches_as_amqp_says(pattern: str, routing_key: str, matches: bool) -> None:
    assert topic_matches(pattern, routing_key) is matches


def test_the_default_exchange_leads_to_the_queue_of_that_name() -> None:
    routes = Routes({"shop.dr": []})
    assert routes.queues_for("", "imgw.retry") == ["imgw.retry"]
    assert routes.queues_for("", "shop.dr") == ["shop.dr"]
    assert routes.queues_for("", "nobody") == []


def test_a_direct_exchange_takes_the_key_as_it_is() -> None:
    routes = Routes({})
    assert routes.queues_for("imgw.mt", "bulk") == ["imgw.mt.bulk"]
    assert routes.queues_for("imgw.mt", "#") == []


def test_a_wait_tier_takes_every_key() -> None:
    assert Routes({}).queues_for("imgw.wait.5s", "imgw.retry") == ["imgw.wait.5s"]


def test_each_bound_queue_gets_one_copy_however_many_of_its_patterns_match() -> None:
    routes = Routes({"shop.all": [("imgw.out", "#.shop.#"), ("imgw.out", "dr.#")], "bank.dr": []})
    assert routes.queues_for("imgw.out", "dr.shop.read") == ["imgw.dr", "shop.all"]
    assert routes.queues_for("imgw.out", "mo.bank.sms") == ["imgw.mo"]


def test_an_unknown_exchange_leads_nowhere() -> None:
    assert Routes({}).queues_for("imgw.unknown", "submit") == []
