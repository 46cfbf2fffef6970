"""What the API needs of what is configured: the applications, and the one account of the in-app channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from gateway.errors import Problem
from gateway.model.account import ProviderAccount
from gateway.model.application import Application
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.tokens import ClientToken


class Configured(Protocol):
    """What is in force in this process, and how to tell beforehand what could not be."""

    def application(self, app_id: str) -> Application | None: ...

    def accounts(self) -> Iterable[ProviderAccount]: ...

    async def refresh(self) -> None:
        """Take over what has been written. Raises StoreUnavailable."""

    async def problems(self, app_id: str, document: Mapping[str, Any] | None) -> Sequence[Problem]:
        """What would be wrong with everything that is configured, were this the profile of the application;
        None: were it removed. Raises StoreUnavailable, and ConfigurationError for a key that does not open
        what is stored."""


class Door(Protocol):
    """Lets devices in at the MQTT broker, where that is the gateway's to do."""

    async def admit(self, account: RtmAccount, device: Device, token: ClientToken) -> None: ...

    async def dismiss(self, account: RtmAccount, device: Device) -> None: ...


async def application_of(configured: Configured, app_id: str) -> Application:
    """Raises RtmRefused with `unknown_application`. One that another process has just made is found, too."""
    found = configured.application(app_id)
    if found is None:
        await configured.refresh()
        found = configured.application(app_id)
    if found is None:
        raise RtmRefused("unknown_application", "there is no such application")
    return found


def in_app_accounts(configured: Configured, application: Application) -> list[RtmAccount]:
    """The enabled accounts of the in-app channel that it may use."""
    return [
        account
        for account in configured.accounts()
        if isinstance(account, RtmAccount) and account.enabled and application.may_use(account.account)
    ]


async def dismiss(configured: Configured, door: Door, application: Application, device: Device) -> None:
    """Take the login of a device away, wherever it may have one."""
    for account in in_app_accounts(configured, application):
        await door.dismiss(account, device)
