"""A provider of these tests, with secrets in every place that a setting can be."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from gateway.model.account import ProviderAccount, Settings
from handlers.registry import Registry
from handlers.shared.secret import Secret
from tests.processors.fakes import Provider


class AcmeCredentials(Settings):
    token: Secret
    older_tokens: tuple[Secret, ...] = ()
    named: dict[str, Secret] = {}


class AcmeParameters(Settings):
    headers: dict[str, str] = {}
    words: tuple[str, ...] = ()
    region: str = Field("eu", alias="in")


class AcmeAccount(ProviderAccount):
    provider: Literal["acme"]
    credentials: AcmeCredentials
    parameters: AcmeParameters = AcmeParameters()


class Acme(Provider):
    provider: ClassVar[str] = "acme"
    Account: ClassVar[type[ProviderAccount]] = AcmeAccount

    def __init__(self, account: AcmeAccount) -> None:
        super().__init__()
        self.account = account


REGISTRY = Registry({"acme": Acme})


def account(name: str = "acme-1", **fields: Any) -> dict[str, Any]:
    """An account as a file would have it, but that its secret is resolved."""
    return {"account": name, "provider": "acme", "credentials": {"token": "t0ken"}, **fields}
