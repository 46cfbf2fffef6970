"""Every provider there is, through a running gateway: a message out, and all that it sends back in."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.harness import Gateway, Platform, open_gateway, server_settings
from tests.e2e.table_provider import TableProvider, playing
from tests.handlers.rows import CallbackRow, Table
from tests.handlers.tables import TABLES
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.waiting import eventually

pytestmark = [pytest.mark.rabbitmq, pytest.mark.mongodb, pytest.mark.timeout(240)]

# What is not asked at its account's `url` alone, or not over HTTP/1.1, is tested by its table only; the
# in-app channel, which is spoken over MQTT, with a real broker (tests/integration).
ELSEWHERE = {"apns", "fcm", "rtm", "web_push"}


async def test_a_message_reaches_every_provider_and_everything_comes_back(
    tmp_path: Path, evidence: Evidence, rabbitmq_url: str, mongod: MongoServer, database_name: str
) -> None:
    providers = {table.provider: TableProvider(table) for table in TABLES}
    assert {name for name, each in providers.items() if not each.is_at_its_url} <= ELSEWHERE
    played = {name: each for name, each in providers.items() if name not in ELSEWHERE}
    async with playing(played) as base_url:
        secrets = _write_configuration(tmp_path / "config", base_url, played)
        settings = server_settings(rabbitmq_url, mongod.url, database_name)
        # Callbacks are proved for the place where the tables' providers see us.
        settings |= {"IMGW_WEB__PUBLIC_URL": "https://gw.example", **secrets}
        async with open_gateway(tmp_path, evidence, ["all"], settings) as gateway:
            await gateway.apply(tmp_path / "config")
            platform = Platform(rabbitmq_url, evidence)
            async with platform.listening():
                await platform.publish([_mt(provider) for provider in played.values()])
                await eventually(lambda: _all_told(platform, played), within_seconds=40)
                _expect_sent(platform, played)
                answers = [await _post(gateway, table, row) for table, row in _callbacks(played)]
                assert [answer for answer in answers if answer] == []
                await eventually(lambda: _all_came(platform, played), within_seconds=40)


def _write_configuration(
    folder: Path, base_url: str, providers: Mapping[str, TableProvider]
) -> dict[str, str]:
    """The accounts of the tables, at their players; the environment that holds their secrets."""
    secrets: dict[str, str] = {}
    documents: dict[str, dict[str, Any]] = {}
    for name, provider in providers.items():
        account = provider.account(f"{base_url}/{name}") | {"session_window": "provider"}
        documents[account["account"]] = _without_secrets(account, provider.table.secrets, secrets)
    (folder / "accounts").mkdir(parents=True)
    (folder / "applications").mkdir()
    for account_name, document in documents.items():
        (folder / "accounts" / f"{account_name}.yaml").write_text(yaml.safe_dump(document))
    application = {"app_id": "shop", "name": "Shop", "accounts": list(documents)}
    (folder / "applications" / "shop.yaml").write_text(yaml.safe_dump(application))
    return secrets


def _without_secrets(value: Any, secrets: tuple[str, ...], kept: dict[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(item, secrets, kept) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item, secrets, kept) for item in value]
    if isinstance(value, str) and value in secrets:
        name = f"IMGW_DEMO_TABLE_{len(kept)}"
        kept[name] = value
        return f"${{env:{name}}}"
    return value


def _mt(provider: TableProvider) -> dict[str, Any]:
    row = provider.row
    optional = {"from": row.sender, "in_reply_to": row.in_reply_to}
    return {
        "message_id": f"to-{provider.table.provider}",
        "app_id": "shop",
        "account": provider.table.accounts["main"]["account"],
        "to": row.to.model_dump(),
        "content": dict(row.content),
        "attributes": dict(row.attributes),
        **{name: value for name, value in optional.items() if value is not None},
    }


async def _all_told(platform: Platform, providers: Mapping[str, TableProvider]) -> bool:
    told = {dr["message_id"] for dr in platform.dr if dr["status"] != "accepted"}
    return len(told) >= len(providers)


def _expect_sent(platform: Platform, providers: Mapping[str, TableProvider]) -> None:
    """Each was submitted, with the provider's ids, by the requests that the table says."""
    first = {dr["message_id"]: dr for dr in reversed(platform.dr)}
    found = {
        name: (first[f"to-{name}"]["status"], first[f"to-{name}"].get("reason"), provider.asked)
        for name, provider in providers.items()
    }
    assert found == {name: ("submitted", None, each.expected) for name, each in providers.items()}


def _callbacks(providers: Mapping[str, TableProvider]) -> Iterator[tuple[Table, CallbackRow]]:
    for provider in providers.values():
        for row in provider.table.callbacks:
            if row.account == "main" and row.kinds:
                yield provider.table, row


async def _post(gateway: Gateway, table: Table, row: CallbackRow) -> str:
    """Post it as the provider would; what is wrong with the answer, if anything."""
    url = f"{gateway.environment['IMGW_DEMO_GATEWAY_URL']}/callbacks/{table.accounts['main']['account']}"
    request = row.request
    # The tables show what handlers get, which the web daemon has unpacked.
    packed = request.headers.get("content-encoding") == "gzip"
    body = gzip.compress(request.body) if packed else request.body
    async with gateway.http.request(
        request.method, url, params=request.query, headers=request.headers, data=body
    ) as response:
        answered = (response.status, await response.read())
    expected = (row.reply.status, row.reply.body)
    return "" if answered == expected else f"{table.provider}: {row.name}: {answered} instead of {expected}"


async def _all_came(platform: Platform, providers: Mapping[str, TableProvider]) -> bool:
    expected = {
        (table.accounts["main"]["account"], message.provider_message_id)
        for table, row in _callbacks(providers)
        for message in row.messages
    }
    return {(mo["account"], mo["provider_message_id"]) for mo in platform.mo} == expected
