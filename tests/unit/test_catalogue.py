"""The catalogue: everything is validated together, and what cannot be used leaves the one before in force."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
import structlog

from gateway.errors import ConfigurationError, Problem, StoreUnavailable
from gateway.model.application import Application
from gateway.store.catalog import CatalogueStore, StoredCatalogue
from handlers.registry import Registry
from processors.catalogue import EMPTY, Catalogue, CatalogueFollower, build_catalogue
from tests.processors.virtual_time import in_virtual_time
from tests.unit.acme import REGISTRY, Acme, AcmeAccount, account

Documents = Mapping[str, Mapping[str, Any]]
KNOWN = "there are acme"


def problems(applications: Documents, accounts: Documents) -> set[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        build_catalogue(REGISTRY, applications, accounts)
    found = [(problem.where, problem.what) for problem in caught.value.problems]
    assert len(set(found)) == len(found), "a problem is said twice"
    return set(found)


def test_a_catalogue_has_every_application_account_and_handler_by_name() -> None:
    catalogue = build_catalogue(
        REGISTRY,
        {"a.yaml": {"app_id": "shop", "accounts": ["acme-1"]}, "b.yaml": {"app_id": "alerts"}},
        {"c.yaml": account(), "d.yaml": account("acme-2", channel="viber", mo_application="shop")},
        version=7,
    )
    assert catalogue.version == 7
    assert catalogue.applications == {
        "shop": Application(app_id="shop", accounts=("acme-1",)),
        "alerts": Application(app_id="alerts"),
    }
    assert {name: (each.channel, each.mo_application) for name, each in catalogue.accounts.items()} == {
        "acme-1": ("sms", None),
        "acme-2": ("viber", "shop"),
    }
    handlers = catalogue.handlers
    assert {name: cast(Acme, each).account for name, each in handlers.items()} == catalogue.accounts


def test_nothing_is_a_catalogue_too() -> None:
    assert build_catalogue(REGISTRY, {}, {}) == EMPTY


def test_every_problem_of_every_document_is_said_at_once() -> None:
    assert problems(
        {
            "a.yaml": {"app_id": "shop", "retention_days": 0, "colour": "red"},
            "b.yaml": {"validity_seconds": "soon"},
        },
        {
            "c.yaml": account(max_tps=0),
            "d.yaml": account("acme-2", credentials={}),
            "e.yaml": {"account": "acme-3"},
            "f.yaml": account("acme-4", provider="carrier_pigeon"),
        },
    ) == {
        ("a.yaml: retention_days", "Input should be greater than or equal to 1"),
        ("a.yaml: colour", "is not a setting"),
        ("b.yaml: app_id", "is required"),
        (
            "b.yaml: validity_seconds",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        ("c.yaml: max_tps", "input should be greater than 0"),
        ("d.yaml: credentials.token", "is required"),
        ("e.yaml: provider", f"is required; {KNOWN}"),
        ("f.yaml: provider", f"is not a provider; {KNOWN}"),
    }


def test_devices_are_only_woken_by_accounts_that_there_are() -> None:
    applications = {"a.yaml": {"app_id": "shop", "push": {"ios": "acme-1", "web": "nowhere"}}}
    assert problems(applications, {"c.yaml": account(channel="mobile_push")}) == {
        ("a.yaml: push.web", "there is no account nowhere")
    }


@pytest.mark.parametrize("channel", ["sms", "telegram", "rtm"])
def test_devices_are_only_woken_over_channels_that_reach_one(channel: str) -> None:
    applications = {"a.yaml": {"app_id": "shop", "push": {"ios": "acme-1"}}}
    assert problems(applications, {"c.yaml": account(channel=channel)}) == {
        ("a.yaml: push.ios", f"account acme-1 is of channel {channel}, which wakes no device")
    }


def test_an_application_may_only_name_accounts_that_there_are() -> None:
    applications = {"a.yaml": {"app_id": "shop", "accounts": ["zeta", "acme-1", "alpha", "*"]}}
    assert problems(applications, {"c.yaml": account()}) == {
        ("a.yaml: accounts", "there is no account alpha"),
        ("a.yaml: accounts", "there is no account zeta"),
    }


def test_an_account_may_only_name_an_application_that_there_is() -> None:
    assert problems({}, {"c.yaml": account(mo_application="shop")}) == {
        ("c.yaml: mo_application", "there is no application shop")
    }


def test_an_mqtt_broker_is_of_one_account_unless_the_logins_differ_or_the_others_are_switched_off() -> None:
    registry = Registry.discover()

    def broker(name: str, url: str = "mqtt://mqtt.example", **more: Any) -> dict[str, Any]:
        return {"account": name, "provider": "rtm", "channel": "rtm", "url": url, **more}

    fine = {
        "a.yaml": broker("a"),
        "b.yaml": broker("b", "mqtts://mqtt.example"),
        "c.yaml": broker("c", credentials={"username": "c", "password": "one of its own"}),
        "d.yaml": broker("d", enabled=False),
    }
    assert build_catalogue(registry, {}, fine).accounts.keys() == {"a", "b", "c", "d"}
    with pytest.raises(ConfigurationError) as caught:
        build_catalogue(registry, {}, {**fine, "e.yaml": broker("e", "mqtt://mqtt.example:1883")})
    what = "account a has this MQTT broker with this login already: disable one of them"
    assert caught.value.problems == (Problem("e.yaml: url", what),)


def test_one_account_takes_from_amq_topic() -> None:
    registry, parameters = Registry.discover(), {"inbound": "amq_topic"}
    a, b = (
        {"account": name, "provider": "rtm", "channel": "rtm", "url": url, "parameters": parameters}
        for name, url in (("a", "mqtt://a.example"), ("b", "mqtt://b.example"))
    )
    fine = build_catalogue(registry, {}, {"a.yaml": a, "b.yaml": {**b, "enabled": False}})
    assert fine.accounts.keys() == {"a", "b"}
    with pytest.raises(ConfigurationError) as caught:
        build_catalogue(registry, {}, {"a.yaml": a, "b.yaml": b})
    what = "account a takes what comes by amq.topic already: disable one of them"
    assert caught.value.problems == (Problem("b.yaml: parameters.inbound", what),)


def test_what_is_wrong_in_itself_still_counts_as_being_there() -> None:
    assert problems(
        {"a.yaml": {"app_id": "shop", "accounts": ["acme-1"], "colour": "red"}, "b.yaml": {"app_id": "b"}},
        {"c.yaml": account(max_tps=-1), "d.yaml": account("acme-2", mo_application="shop")},
    ) == {
        ("a.yaml: colour", "is not a setting"),
        ("c.yaml: max_tps", "input should be greater than 0"),
    }


def test_the_same_name_twice_is_refused_and_says_where_the_first_one_is() -> None:
    assert problems(
        {"a.yaml": {"app_id": "shop"}, "b.yaml": {"app_id": "shop"}},
        {"c.yaml": account(), "d.yaml": account("other"), "e.yaml": account(max_tps=-1)},
    ) == {
        ("b.yaml: app_id", "shop is defined in a.yaml already"),
        ("e.yaml: account", "acme-1 is defined in c.yaml already"),
        ("e.yaml: max_tps", "input should be greater than 0"),
    }


@pytest.mark.parametrize("name", [["a"], {"a": 1}, 7, None, ""])
def test_a_name_that_is_none_is_a_problem_and_nothing_worse(name: Any) -> None:
    found = problems({"a.yaml": {"app_id": name}}, {"c.yaml": account() | {"account": name}})
    assert {where for where, _ in found} == {"a.yaml: app_id", "c.yaml: account"}


def test_a_value_that_is_wrong_is_not_repeated() -> None:
    wrong = account(credentials={"token": " s3cret"}, max_tps="s3cret")
    assert "s3cret" not in repr(problems({"a.yaml": {"app_id": "s3cret!"}}, {"c.yaml": wrong}))


class FakeStore:
    """Where a catalogue comes from; `fails` is raised instead while it is set."""

    def __init__(self) -> None:
        self.stored = StoredCatalogue(0, {}, {})
        self.fails: Exception | None = None
        self.loads = 0
        self.looks = 0

    async def version(self) -> int:
        self.looks += 1
        if self.fails is not None:
            raise self.fails
        return self.stored.version

    async def load(self) -> StoredCatalogue:
        self.loads += 1
        if self.fails is not None:
            raise self.fails
        return self.stored

    def put(self, version: int, *accounts: dict[str, Any]) -> None:
        self.stored = StoredCatalogue(version, {}, {each["account"]: each for each in accounts})


def following(store: FakeStore, changes: list[Catalogue]) -> CatalogueFollower:
    return CatalogueFollower(cast(CatalogueStore, store), REGISTRY, 2.0, changes.append)


@in_virtual_time
async def test_a_change_is_followed_by_itself_and_said() -> None:
    store, changes = FakeStore(), list[Catalogue]()
    follower = following(store, changes)
    assert (follower.current, follower.trouble) == (EMPTY, "not loaded yet")
    store.put(1, account())
    await follower.start()
    assert (list(follower.current.accounts), follower.trouble) == (["acme-1"], None)
    store.put(2, account(), account("acme-2"))
    await asyncio.sleep(2.1)
    assert list(follower.current.accounts) == ["acme-1", "acme-2"]
    await asyncio.sleep(60)
    await follower.stop()
    assert ([each.version for each in changes], store.loads) == ([1, 2], 2)


@in_virtual_time
async def test_who_misses_something_that_was_just_made_need_not_wait_for_it() -> None:
    store = FakeStore()
    follower = following(store, [])
    store.put(1, account())
    await follower.start()
    store.put(2, account(), account("acme-2"))
    looks = store.looks
    await asyncio.gather(*(follower.catch_up() for _ in range(100)))
    assert list(follower.current.accounts) == ["acme-1", "acme-2"]
    assert store.looks - looks <= 2, "they share a look, but for one that was under way when others asked"
    await follower.stop()


@in_virtual_time
async def test_a_catalogue_that_cannot_be_used_leaves_the_one_before_in_force() -> None:
    store, changes = FakeStore(), list[Catalogue]()
    follower = following(store, changes)
    store.put(1, account())
    await follower.start()
    store.put(2, account(max_tps=-1), account("acme-2"))
    with structlog.testing.capture_logs() as logs:
        await asyncio.sleep(60)
    assert [line["event"] for line in logs] == ["catalogue.refused"], "it is said once"
    assert (follower.current.version, follower.trouble) == (
        1,
        "account acme-1: max_tps: input should be greater than 0",
    )
    store.put(3, account("acme-2"))
    await asyncio.sleep(2.1)
    assert (list(follower.current.accounts), follower.trouble) == (["acme-2"], None)
    await follower.stop()
    assert [each.version for each in changes] == [1, 3]


@in_virtual_time
async def test_secrets_that_do_not_open_are_a_trouble_until_they_do() -> None:
    store = FakeStore()
    follower = following(store, [])
    problem = Problem("IMGW_SECRETS__KEY", "does not open the secrets")
    store.put(1, account())
    store.fails = ConfigurationError([problem])
    await follower.start()
    assert (follower.current, follower.trouble) == (EMPTY, str(problem))
    store.fails = None
    await asyncio.sleep(2.1)
    assert (follower.current.version, follower.trouble) == (1, None)
    await follower.stop()


@in_virtual_time
async def test_while_the_store_is_away_the_catalogue_stays_and_is_followed_again_later() -> None:
    store = FakeStore()
    follower = following(store, [])
    store.put(1, account())
    await follower.start()
    store.fails = StoreUnavailable("MongoDB: no answer in time")
    await asyncio.sleep(60)
    assert (follower.current.version, follower.trouble) == (1, None)
    store.fails = None
    store.put(2)
    await asyncio.sleep(2.1)
    assert follower.current.version == 2
    await follower.stop()


@in_virtual_time
async def test_a_start_without_a_store_says_so_and_can_be_repeated() -> None:
    store = FakeStore()
    follower = following(store, [])
    store.fails = StoreUnavailable("MongoDB: no answer in time")
    with pytest.raises(StoreUnavailable):
        await follower.start()
    await follower.stop()
    store.fails = None
    await follower.start()
    await follower.stop()


def test_accounts_are_of_their_providers_own_kind() -> None:
    [made] = build_catalogue(REGISTRY, {}, {"c.yaml": account()}).accounts.values()
    assert isinstance(made, AcmeAccount)
    assert "t0ken" not in repr(made)
