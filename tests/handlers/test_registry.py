"""How providers are found, and how an account becomes a handler."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, ClassVar

import pytest

import handlers.registry
from gateway.errors import ConfigurationError
from handlers.providers.telegram import Telegram
from handlers.registry import Registry
from tests.handlers.cases.telegram_accounts import ACCOUNT


class Acme(Telegram):
    """A provider of somebody else's."""

    provider: ClassVar[str] = "acme"


def offered(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entry = EntryPoint(name=name, value=value, group="imgw.handlers")
    monkeypatch.setattr(handlers.registry, "entry_points", lambda **_: EntryPoints([entry]))


def problems(registry: Registry, raw: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as error:
        registry.account(raw, "accounts/x.yaml")
    return str(error.value)


def test_every_module_of_the_providers_is_found_in_alphabetical_order() -> None:
    found = {path.stem for path in Path(handlers.providers.__path__[0]).iterdir() if path.stem[0] != "_"}
    assert list(Registry.discover().providers()) == sorted(found)
    assert {"apns", "custom_http", "whatsapp_cloud"} <= found


def test_a_provider_is_called_like_its_module() -> None:
    for name, provider in Registry.discover().providers().items():
        assert provider.provider == name
        assert provider.__module__ == f"handlers.providers.{name}"


def test_a_provider_of_another_distribution_is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered(monkeypatch, "acme", f"{__name__}:Acme")
    assert Registry.discover().providers()["acme"] is Acme


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("telegram", f"{__name__}:Acme", "a provider of this name is there already"),
        ("acme", "no_such_module:Acme", "cannot be used: No module named 'no_such_module'"),
        ("other", f"{__name__}:Acme", "cannot be used: its provider is 'acme'"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_a_problem_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    offered(monkeypatch, name, value)
    with pytest.raises(ConfigurationError) as error:
        Registry.discover()
    assert str(error.value) == f"entry point {name} of unknown: {what}"


def test_an_unknown_provider_is_a_problem_that_names_the_known_ones() -> None:
    registry = Registry({"telegram": Telegram, "acme": Acme})
    there = "there are acme, telegram"
    assert problems(registry, {}) == f"accounts/x.yaml: provider: is required; {there}"
    for wrong in ("carrier-pigeon", 7, ["telegram"]):
        raw = {"provider": wrong}
        assert problems(registry, raw) == f"accounts/x.yaml: provider: is not a provider; {there}"


def test_every_field_that_is_wrong_is_a_problem_of_its_own() -> None:
    raw = {
        "provider": "telegram",
        "account": "Shop",
        "callback": {"secret_token": "with a space"},
        "retry": {"intervals_seconds": [2]},
        "max_tsp": 5,
    }
    tiers = "1, 5, 30, 120, 600, 3600, 21600"
    assert set(problems(Registry.discover(), raw).splitlines()) == {
        "accounts/x.yaml: account: string should match pattern '^[a-z0-9][a-z0-9._-]{0,63}$'",
        f"accounts/x.yaml: retry.intervals_seconds: each interval is one of {tiers}; not 2",
        "accounts/x.yaml: credentials: is required",
        "accounts/x.yaml: callback.secret_token: 1 to 256 characters of A-Z, a-z, 0-9, _ and -",
        "accounts/x.yaml: max_tsp: is not a setting",
    }


def test_the_handler_of_an_account_is_its_providers_and_bound_to_it() -> None:
    registry = Registry.discover()
    account = registry.account(ACCOUNT, "accounts/tg-shop.yaml")
    assert (account.account, account.provider, account.channel) == ("tg-shop", "telegram", "telegram")
    assert isinstance(registry.handler(account), Telegram)


def test_an_account_may_count_as_another_channel_than_usual() -> None:
    raw = {**ACCOUNT, "channel": "telegram-vip"}
    assert Registry.discover().account(raw, "accounts/tg-shop.yaml").channel == "telegram-vip"
