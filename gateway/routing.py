"""Which account carries an MT, and which application an MO is for. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.errors import MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.application import Application
from gateway.model.message import MTMessage


def route_mt(
    mt: MTMessage, application: Application, accounts: Mapping[str, ProviderAccount]
) -> ProviderAccount:
    """The account that carries `mt`.

    A named account is taken as it is. Otherwise, among the enabled accounts of the channel that the
    application may use and whose brand and conditions fit the message's attributes: one for the brand before
    one for any, more conditions before fewer, then the lowest name. Raises MessageRefused with
    `unknown_account`, `account_disabled` or `no_route`.
    """
    if mt.account is not None:
        return _named(mt.account, mt.channel, application, accounts)
    fitting = [
        account
        for account in accounts.values()
        if account.enabled
        and account.channel == mt.channel
        and application.may_use(account.account)
        and fits(account, mt.attributes)
    ]
    if not fitting:
        raise MessageRefused("no_route", f"no enabled account of channel {mt.channel} fits")
    return min(fitting, key=_preference)


def fits(account: ProviderAccount, attributes: Mapping[str, str]) -> bool:
    """Whether the account's brand and conditions all hold for these message attributes."""
    if account.brand is not None and attributes.get("brand") != account.brand:
        return False
    return all(attributes.get(name) == value for name, value in account.conditions.items())


def mo_application(account: ProviderAccount, applications: Iterable[Application]) -> str | None:
    """The app_id that an MO of this account belongs to: the account's own, else the only one that may use
    it."""
    if account.mo_application is not None:
        return account.mo_application
    users = [application.app_id for application in applications if application.may_use(account.account)]
    return users[0] if len(users) == 1 else None


def _named(
    name: str, channel: str | None, application: Application, accounts: Mapping[str, ProviderAccount]
) -> ProviderAccount:
    account = accounts.get(name)
    if account is None or not application.may_use(name):
        raise MessageRefused("unknown_account", f"application {application.app_id} has no account {name}")
    if not account.enabled:
        raise MessageRefused("account_disabled", f"account {name} is switched off")
    if channel is not None and channel != account.channel:
        raise MessageRefused("no_route", f"account {name} is of channel {account.channel}, not {channel}")
    return account


def _preference(account: ProviderAccount) -> tuple[bool, int, str]:
    return (account.brand is None, -len(account.conditions), account.account)
