"""The table of providers: each cell says what the capabilities say."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from gateway.model.account import NoSettings, ProviderAccount
from handlers.contract import NO_TEXT, Capabilities
from handlers.registry import Registry
from handlers.shared.splitting import Limit
from processors.commands.providers import COLUMNS, rows
from tests.processors.fakes import Provider


class Proved(ProviderAccount):
    callback: NoSettings


class Configured(ProviderAccount):
    callback: NoSettings | None = None


def row(can: Any, account: type[ProviderAccount] = Proved) -> dict[str, str]:
    """The cells that a provider with these capabilities and accounts has."""

    class Acme(Provider):
        provider: ClassVar[str] = "acme"
        channel: ClassVar[str] = "chat"
        capabilities = can
        Account: ClassVar[type[ProviderAccount]] = account

    [cells] = rows([Acme])
    return dict(zip(COLUMNS, cells, strict=True))


def test_a_provider_that_can_much() -> None:
    can = Capabilities(
        content={
            "text": Limit(10),
            "image": None,
            "video": None,
            "audio": None,
            "document": None,
            "sticker": NO_TEXT,
            "template": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons={"reply": 3, "url": 1},
        session_window_seconds=172_800,
        idempotent=True,
    )
    assert row(can) == {
        "provider": "acme",
        "channel": "chat",
        "content": "text, raw",
        "buttons": "3 reply, 1 url",
        "templates": "yes",
        "media": "all",
        "MO": "yes",
        "DR": "yes",
        "read": "yes",
        "window": "48 h",
        "idempotent": "yes",
        "verified callbacks": "yes",
    }


def test_a_provider_that_can_little() -> None:
    can = Capabilities(content={"text": None, "image": None}, receipts=False, inbound=False)
    assert row(can) == {
        "provider": "acme",
        "channel": "chat",
        "content": "text",
        "buttons": "no",
        "templates": "no",
        "media": "image",
        "MO": "no",
        "DR": "no",
        "read": "no",
        "window": "none",
        "idempotent": "no",
        "verified callbacks": "none",
    }


@pytest.mark.parametrize(
    ("account", "inbound", "cell"),
    [
        (Proved, True, "yes"),
        (ProviderAccount, True, "yes"),  # proved with the account's credentials
        (Configured, True, "if configured"),
        (Configured, False, "none"),
    ],
)
def test_callbacks_are_verified_where_there_are_any(
    account: type[ProviderAccount], inbound: bool, cell: str
) -> None:
    can = Capabilities(content={"text": None}, receipts=False, inbound=inbound)
    assert row(can, account)["verified callbacks"] == cell


def test_what_each_account_decides_is_not_told() -> None:
    cells = row(property(lambda self: None))
    assert [cells[name] for name in COLUMNS[:3]] == ["acme", "chat", "as the account says"]
    assert [cells[name] for name in COLUMNS[3:-1]] == [""] * (len(COLUMNS) - 4)


def test_the_rows_are_those_of_the_registry_in_order() -> None:
    providers = Registry.discover().providers()
    table = rows(reversed(list(providers.values())))
    assert [cells[0] for cells in table] == sorted(providers)
    assert {len(cells) for cells in table} == {len(COLUMNS)}
