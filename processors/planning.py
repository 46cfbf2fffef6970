"""How an MT will be sent: through which account, with which handler, and what exactly. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.address import on_channel
from gateway.model.application import Application
from gateway.model.message import Duplicates, MTMessage
from gateway.routing import route_mt
from gateway.store.records import reference_of
from handlers.contract import Handler, Submission
from processors.catalogue import Catalogue
from processors.fitting import Fitted, fit


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided about an MT before its first attempt."""

    account: ProviderAccount
    handler: Handler
    fitted: Fitted
    submission: Submission
    duplicates: Duplicates


def plan(mt: MTMessage, message_id: str, catalogue: Catalogue, *, account: str | None = None) -> Plan:
    """The plan for `mt`, by routing, or through the `account` that it was planned for before.

    Raises MessageRefused with the reason why it cannot be sent.
    """
    application = application_of(mt.app_id, catalogue)
    if account is not None:
        mt = mt.model_copy(update={"account": account})
    chosen = route_mt(mt, application, catalogue.accounts)
    handler = catalogue.handlers[chosen.account]
    fitted = fit(mt, handler.capabilities)
    submission = Submission(
        reference=reference_of(mt.app_id, message_id),
        to=on_channel(mt.to, chosen.channel),
        sender=_sender(mt, chosen),
        content=fitted.content,
        in_reply_to=fitted.in_reply_to,
        thread=mt.thread,
        attributes=mt.attributes,
    )
    return Plan(chosen, handler, fitted, submission, mt.duplicates or application.duplicates)


def application_of(app_id: str, catalogue: Catalogue) -> Application:
    """The enabled application with this id. Raises MessageRefused with `unknown_application`."""
    application = catalogue.applications.get(app_id)
    if application is None or not application.enabled:
        raise MessageRefused("unknown_application", f"there is no enabled application {app_id}")
    return application


def _sender(mt: MTMessage, account: ProviderAccount) -> str | None:
    if mt.sender is None:
        return account.senders[0] if account.senders else None
    if mt.sender not in account.senders:
        raise MessageRefused("sender_invalid", f"it is not one of the senders of account {account.account}")
    return mt.sender
