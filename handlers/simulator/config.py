"""What the simulator is configured with: the accounts it knows, where callbacks go, and the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from gateway.config_files import read_yaml
from gateway.errors import ConfigurationError, Problem
from handlers.simulator.base import Model, problems
from handlers.simulator.rules import Rule, Seconds

Digits = Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]
AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Secret = Annotated[SecretStr, Field(min_length=1)]


class WhatsAppAccount(Model):
    """A business phone number on the Cloud API."""

    provider: Literal["whatsapp_cloud"]
    account: AccountName
    """The account's name in the gateway: callbacks go to {gateway}/callbacks/<account>."""
    phone_number_id: Digits
    display_phone_number: Digits
    waba_id: Digits = "102290129340398"
    access_token: Secret
    app_secret: Secret
    """What webhooks are signed with."""
    verify_token: Secret
    """What a subscription is proved with."""


class TelegramAccount(Model):
    """A bot."""

    provider: Literal["telegram"]
    account: AccountName
    token: Secret
    """As Telegram gives it: the bot's id, a colon, and the secret part."""
    secret_token: Secret
    """What updates are proved with; `setWebhook` replaces it."""
    bot_username: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{5,32}$")] = "shop_bot"

    @field_validator("token")
    @classmethod
    def _of_a_bot(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[1-9][0-9]{0,15}:[A-Za-z0-9_-]{1,64}", value.get_secret_value()):
            raise ValueError("is not a bot token: digits, a colon, then letters, digits, _ and -")
        return value

    @field_validator("secret_token")
    @classmethod
    def _allowed_characters(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value.get_secret_value()):
            raise ValueError("is 1 to 256 letters, digits, _ and -")
        return value

    @property
    def bot_id(self) -> int:
        return int(self.token.get_secret_value().partition(":")[0])


class CustomHttpAccount(Model):
    """A sender at the generic HTTP provider."""

    provider: Literal["custom_http"]
    account: AccountName
    secret: Secret
    """What the sender's Authorization header must be."""
    callback_secret: Secret
    """What callbacks are signed with."""
    number: Annotated[str, Field(min_length=1, max_length=32)]
    """Its own number: the sender of messages, the recipient of what people write."""


Account = Annotated[WhatsAppAccount | TelegramAccount | CustomHttpAccount, Field(discriminator="provider")]


class SimulatorConfig(Model):
    """Everything."""

    gateway: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    """The base URL of the gateway's web daemon, as seen from here."""
    accounts: tuple[Account, ...]
    rules: tuple[Rule, ...] = ()
    receipt_delay_seconds: tuple[Seconds, Seconds] = (0.2, 1.0)
    """Least and most between a message and its first receipt, and between receipts."""
    read_share: Annotated[float, Field(ge=0, le=1)] = 0.6
    """How many people read what was delivered, from 0 to 1."""
    reply_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How many people write back although no rule says so, from 0 to 1."""
    seed: int = 1
    """The same seed makes the same people read and write."""
    batch_statuses: Annotated[int, Field(ge=1, le=1_000)] = 1
    """The most WhatsApp statuses in one callback."""
    callback_first_wait_seconds: Annotated[float, Field(gt=0, le=3_600)] = 0.5
    """How long after a callback that the gateway did not take until it is sent again; doubled each time."""
    callback_longest_wait_seconds: Annotated[float, Field(gt=0, le=3_600)] = 10.0
    callback_give_up_seconds: Annotated[float, Field(gt=0, le=604_800)] = 86_400.0
    callback_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    callbacks_at_once: Annotated[int, Field(ge=1, le=1_000)] = 40
    ledger_entries: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000
    """How many sends and callbacks are remembered."""
    bare: bool = False
    """For benchmarks: every send is accepted at once, nothing is noted but their number, nothing follows."""
    latency_seconds: Seconds = 0.0
    """How long every answer takes."""

    @model_validator(mode="after")
    def _makes_sense(self) -> SimulatorConfig:
        names = [account.account for account in self.accounts]
        if not names:
            raise ValueError("accounts: needs at least one")
        if len(set(names)) < len(names):
            raise ValueError("two accounts have the same name")
        if self.receipt_delay_seconds[0] > self.receipt_delay_seconds[1]:
            raise ValueError("receipt_delay_seconds: the first is more than the second")
        return self

    def callback_url(self, account: str) -> str:
        return f"{self.gateway.rstrip('/')}/callbacks/{account}"


def load(path: Path, environ: Mapping[str, str]) -> SimulatorConfig:
    """The configuration in a YAML file, with ${env:NAME} replaced.

    Raises ConfigurationError with every problem, each with file and field.
    """
    raw = read_yaml(path, environ)
    try:
        return SimulatorConfig.model_validate_json(orjson.dumps(raw))
    except ValidationError as error:
        found = [Problem(f"{path}: {where}", what) for where, what in problems(error)]
        raise ConfigurationError(found) from error
