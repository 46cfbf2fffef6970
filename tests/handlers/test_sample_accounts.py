"""The sample configuration in config/ is valid, and speaks as the README says it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from gateway.model.account import ProviderAccount
from gateway.model.address import Address
from gateway.model.application import Application
from gateway.model.content import TextContent
from handlers.contract import Submission
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import Sent, answer, seen
from tests.handlers.tables import REGISTRY

CONFIG = Path(__file__).parents[2] / "config"
VARIABLES = {
    "IMGW_DEMO_PROVIDER_URL": "http://127.0.0.1:8099",
    "IMGW_DEMO_WA_ACCESS_TOKEN": "wa-access",
    "IMGW_DEMO_WA_APP_SECRET": "wa-app",
    "IMGW_DEMO_WA_VERIFY_TOKEN": "wa-verify",
    "IMGW_DEMO_TG_TOKEN": "1:tg",
    "IMGW_DEMO_TG_SECRET_TOKEN": "tg-secret",
    "IMGW_DEMO_SMS_SECRET": "sms-secret",
    "IMGW_DEMO_SMS_CALLBACK_SECRET": "sms-callback",
    "IMGW_DEMO_CHAT_SECRET": "chat-secret-of-32-characters-ore",
    "IMGW_DEMO_MQTT_URL": "mqtt://127.0.0.1:1883",
    "IMGW_DEMO_MQTT_ENABLED": "true",
}


def load(path: Path) -> Any:
    return resolved(yaml.safe_load(path.read_text(encoding="utf-8")))


def resolved(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: resolved(part) for name, part in value.items()}
    if isinstance(value, list):
        return [resolved(part) for part in value]
    if isinstance(value, str):
        return re.sub(r"\$\{env:(\w+)\}", lambda match: VARIABLES[match[1]], value)
    return value


def accounts() -> dict[str, ProviderAccount]:
    files = sorted((CONFIG / "accounts").glob("*.yaml"))
    found = [REGISTRY.account(load(path), path.name) for path in files]
    return {account.account: account for account in found}


def test_the_sample_accounts_are_valid_and_called_like_their_files() -> None:
    kinds = {name: (account.provider, account.channel) for name, account in accounts().items()}
    assert kinds == {
        "rtm-shop": ("rtm", "rtm"),
        "sms-shop": ("custom_http", "sms"),
        "tg-shop": ("telegram", "telegram"),
        "wa-shop": ("whatsapp_cloud", "whatsapp"),
    }
    assert {account.retry.intervals_seconds for account in accounts().values()} == {(1, 1, 5)}


def test_the_sample_applications_are_valid_and_use_accounts_that_there_are() -> None:
    files = sorted((CONFIG / "applications").glob("*.yaml"))
    applications = [Application.model_validate(load(path)) for path in files]
    assert [application.app_id for application in applications] == ["alerts", "chat", "shop"]
    for application in applications:
        assert set(application.accounts) <= accounts().keys()


async def test_the_sample_sms_account_speaks_as_smartico_does() -> None:
    http = FakeHttp(answer({"error_code": 0, "ext_message_id": "m-1"}))
    submission = Submission(
        reference="shop/1",
        to=Address(kind="msisdn", id="447700900001"),
        sender="447700900200",
        content=TextContent(text="Hello"),
    )
    submitted = await REGISTRY.handler(accounts()["sms-shop"]).send(submission, http.transports)
    assert submitted.provider_message_ids == ("m-1",)
    assert [seen(request) for request in http.requests] == [
        Sent(
            "POST",
            "http://127.0.0.1:8099/custom/messages",
            {"authorization": "sms-secret", "content-type": "application/json"},
            {
                "ext_user_id": "shop/1",
                "body": "Hello",
                "im_uid": "447700900001",
                "from_number": "447700900200",
            },
        )
    ]
