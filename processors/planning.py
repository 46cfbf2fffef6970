"""How an MT will be sent: through which account, with which handler, and what exactly. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.broker.port import Headers, Publication
from gateway.errors import MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.address import Address, on_channel
from gateway.model.application import Application
from gateway.model.content import TemplateContent
from gateway.model.message import Duplicates, MTMessage
from gateway.routing import route_mt
from gateway.store.records import MTRecord, reference_of
from handlers.contract import Handler, Submission
from processors.catalogue import Catalogue
from processors.fitting import fit


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided about an MT before its first attempt."""

    account: ProviderAccount
    handler: Handler
    to: Address
    degraded: tuple[str, ...]
    submissions: tuple[Submission, ...]  # one for each message that it goes in
    duplicates: Duplicates
    fallback: TemplateContent | None = None  # what to send instead where a session window is closed
    follow_ups: tuple[Publication, ...] = ()  # to be published once it is submitted


@dataclass(frozen=True, slots=True)
class Job:
    """An MT that this process has claimed (`record` is `sending`) and all that is needed to try it."""

    record: MTRecord
    plan: Plan
    headers: Headers
    waits: int = 0  # how often its provider has made it wait without an attempt being used

    @property
    def account(self) -> ProviderAccount:
        return self.plan.account

    @property
    def submission(self) -> Submission:
        """The next message to send: those before it, the provider has."""
        return self.plan.submissions[min(self.record.parts_sent, len(self.plan.submissions) - 1)]

    @property
    def is_last_part(self) -> bool:
        return self.record.parts_sent + 1 >= len(self.plan.submissions)


def plan(
    mt: MTMessage,
    message_id: str,
    catalogue: Catalogue,
    *,
    expires_at: datetime,
    account: str | None = None,
) -> Plan:
    """The plan for `mt`, by routing, or through the `account` that it was planned for before.

    Raises MessageRefused with the reason why it cannot be sent.
    """
    application = application_of(mt.app_id, catalogue)
    if account is not None:
        mt = mt.model_copy(update={"account": account})
    chosen = route_mt(mt, application, catalogue.accounts)
    handler = catalogue.handlers[chosen.account]
    fitted = fit(mt, handler.capabilities)
    to, sender = on_channel(mt.to, chosen.channel), _sender(mt, chosen)
    submissions = tuple(
        Submission(
            reference=reference_of(mt.app_id, message_id),
            to=to,
            sender=sender,
            content=content,
            in_reply_to=fitted.in_reply_to if part == 1 else None,
            thread=mt.thread,
            attributes=mt.attributes,
            expires_at=expires_at,
            part=part,
        )
        for part, content in enumerate(fitted.contents, start=1)
    )
    duplicates = mt.duplicates or application.duplicates
    return Plan(chosen, handler, to, fitted.degraded, submissions, duplicates, mt.window_fallback)


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
