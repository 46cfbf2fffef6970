"""The table of every provider there is. A provider without one fails the collection of all these tests."""

from __future__ import annotations

import importlib

from gateway.errors import ProviderError
from handlers.contract import Handler
from handlers.registry import Registry
from tests.handlers.fake_http import Answer, FakeHttp
from tests.handlers.fake_mqtt import FakeMqtt
from tests.handlers.rows import Table

REGISTRY = Registry.discover()


def _table(provider: str) -> Table:
    try:
        table: Table = importlib.import_module(f"tests.handlers.cases.{provider}").TABLE
    except ModuleNotFoundError as error:
        raise AssertionError(f"{provider} has no table: write tests/handlers/cases/{provider}.py") from error
    return table


TABLES = [_table(provider) for provider in REGISTRY.providers()]
OVER_HTTP = [table for table in TABLES if table.over == "http"]


def build(table: Table, account: str = "main") -> Handler:
    """The handler of one of the table's accounts."""
    return REGISTRY.handler(REGISTRY.account(table.accounts[account], f"accounts/{account}.yaml"))


def playing(table: Table, *answers: Answer) -> FakeHttp:
    """The provider of a table, which answers so. Over MQTT there are no answers but failures."""
    if table.over == "http":
        return FakeHttp(*answers)
    return FakeHttp(mqtt=FakeMqtt(*(answer for answer in answers if isinstance(answer, ProviderError))))
