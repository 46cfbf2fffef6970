"""The MT processor: takes an MT for the first time, logs it, and makes its first attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.broker.port import Delivery, Publication
from gateway.broker.topology import after
from gateway.errors import FailureKind, MessageRefused, ProviderError
from gateway.model.address import Thread, on_channel
from gateway.model.base import now, uuid7
from gateway.model.content import PASSING
from gateway.model.lifecycle import Report
from gateway.model.message import MTMessage
from gateway.model.receipt import DEFAULT_RECEIPTS, Status, permanent
from gateway.store.records import MTRecord, person_of
from gateway.store.sessions import Sessions
from gateway.store.transactions import Transactions
from processors.catalogue import Catalogue, Configured
from processors.dead_letters import may_have_come_before
from processors.dispatch import Dispatcher
from processors.intake import MESSAGE_ID, Intake, read
from processors.limiter import Limiter
from processors.outcome import Dead, Done, Outcome
from processors.planning import Job, Plan, application_of, plan
from processors.reports import (
    dr_publications,
    lane_publication,
    outcome_publication,
    repeated_reports,
)
from processors.rtm.outbound import InAppOutbound
from processors.sequencer import Sequencer
from processors.window import in_window

# How long to leave alone an MT that somebody else is, or was, sending right now.
CLAIMED_WAIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Accepted:
    """An MT as it stands after it was read and planned; a refusal instead of a plan when it cannot be
    sent."""

    record: MTRecord
    plan: Plan | None
    refusal: MessageRefused | None


class MTProcessor:
    """Processes deliveries of `imgw.mt` and `imgw.mt.bulk`."""

    def __init__(
        self,
        transactions: Transactions,
        sessions: Sessions,
        in_app: InAppOutbound,
        dispatcher: Dispatcher,
        limiter: Limiter,
        configured: Configured,
    ) -> None:
        self._transactions = transactions
        self._sessions = sessions
        self._in_app = in_app
        self._dispatcher = dispatcher
        self._limiter = limiter
        self._configured = configured
        self._sequencer = Sequencer()

    async def process(self, delivery: Delivery) -> Outcome:
        intake = read(delivery)
        if isinstance(intake, Dead):
            return intake
        if intake.message_id is None:
            return Done([_with_id(delivery)])
        # Taken before anything is waited for, and so in the order of the queue.
        turn = self._sequencer.take(_order_key(intake, intake.message_id))
        try:
            await turn.come()
            return await self._take(delivery, await self._accept(intake, intake.message_id, delivery))
        finally:
            turn.done()

    async def _take(self, delivery: Delivery, accepted: _Accepted) -> Done:
        existing = await self._transactions.insert(accepted.record)
        if existing is not None:
            return await self._again(delivery, accepted, existing)
        announced = self._announce(accepted.record, delivery)
        outcome = await self._go_on(delivery, accepted)
        return Done([*announced, *outcome.publish])

    async def _accept(self, intake: Intake, message_id: str, delivery: Delivery) -> _Accepted:
        at, catalogue = now(), await self._catalogue_for(intake)
        application = catalogue.applications.get(intake.app_id)
        validity = application.validity_seconds if application else 86_400
        fields: dict[str, Any] = {
            "status": Status.ACCEPTED,
            "expires_at": at + timedelta(seconds=validity),
            "receipts": application.receipts if application else DEFAULT_RECEIPTS,
        }
        planned, refusal = None, intake.refusal
        if intake.mt is not None:
            fields |= _described(intake.mt, at, validity)
            try:
                found = _planned(intake.mt, message_id, catalogue, at, fields["expires_at"])
                fields |= _addressed(found)
                found = await in_window(found, self._sessions)
                if found.handler.capabilities.in_app:
                    found = await self._in_app.addressed(found, intake.mt, delivery.headers)
                    fields["thread"] = _shown_in(found)
                planned = found
                fields |= self._claimed(planned)
            except MessageRefused as refused:
                refusal = refused
        record = MTRecord(
            app_id=intake.app_id,
            message_id=message_id,
            accepted_at=at,
            body=delivery.body,
            retention_days=application.retention_days if application else 90,
            **fields,
        )
        return _Accepted(record, planned, refusal)

    async def _catalogue_for(self, intake: Intake) -> Catalogue:
        """What is configured; looked up once more where it lacks what the MT names, which may be new."""
        catalogue = self._configured.current
        account = intake.mt.account if intake.mt is not None else None
        if intake.app_id in catalogue.applications and (account is None or account in catalogue.accounts):
            return catalogue
        await self._configured.catch_up()
        return self._configured.current

    def _claimed(self, planned: Plan) -> dict[str, Any]:
        """What is logged of an MT that can be sent: it is being sent, or waits in the lane when others wait
        there already."""
        waits = self._limiter.backlogged(planned.account.account)
        audience = planned.submissions[0].audience
        return {
            "status": Status.WAITING if waits else Status.SENDING,
            "attempt": 1,
            "claim": None if waits else self._dispatcher.claim(planned.account, audience),
            "degraded": planned.degraded,
            "part_count": len(planned.submissions),
        }

    async def _go_on(self, delivery: Delivery, accepted: _Accepted) -> Done:
        if accepted.plan is None:
            return Done([_refused(accepted.record, accepted, Status.REJECTED, delivery)])
        if accepted.record.status is Status.WAITING:
            return Done([_into_lane(accepted.record, delivery)])
        return await self._dispatcher.attempt(Job(accepted.record, accepted.plan, delivery.headers))

    async def _again(self, delivery: Delivery, accepted: _Accepted, existing: MTRecord) -> Done:
        """An MT that is known already: published twice, or delivered again after something broke."""
        if existing.status is Status.ACCEPTED:
            return await self._resume(delivery, accepted, existing)
        if existing.status is Status.SENDING:
            return await self._in_doubt(delivery, accepted, existing)
        if existing.status is Status.WAITING:
            # Its repeat may never have been published. Two repeats do no harm: only one can claim the
            # attempt.
            return Done([_into_lane(existing, delivery)] if may_have_come_before(delivery) else ())
        told = existing.told
        latest = dict.fromkeys([status for status in told if status is Status.SUBMITTED] + list(told)[-1:])
        told_again = dr_publications(existing, repeated_reports(existing, latest), delivery.headers)
        follow_ups = accepted.plan.follow_ups if accepted.plan and may_have_come_before(delivery) else ()
        return Done([*told_again, *follow_ups])

    async def _resume(self, delivery: Delivery, accepted: _Accepted, existing: MTRecord) -> Done:
        """It was logged, and then the process ended before anything followed."""
        announced = self._announce(existing, delivery)
        if accepted.plan is None:
            return Done([*announced, _refused(existing, accepted, Status.REJECTED, delivery)])
        change = self._dispatcher.begin(existing, accepted.plan, attempt=1)
        moved = await self._transactions.move(existing, change)
        if moved is None:
            return Done()
        outcome = await self._dispatcher.attempt(Job(moved, accepted.plan, delivery.headers))
        return Done([*announced, *outcome.publish])

    async def _in_doubt(self, delivery: Delivery, accepted: _Accepted, existing: MTRecord) -> Done:
        """Somebody is sending it, or was when it died: nobody else may think so before the claim runs out."""
        if existing.claim is not None and existing.claim.until > now():
            same = Publication(
                "", delivery.queue, delivery.body, delivery.type, delivery.message_id, delivery.headers
            )
            return Done([after(CLAIMED_WAIT_SECONDS, delivery.queue, same)])
        if accepted.plan is None:
            if existing.expires_at <= now():
                return Done()  # the expiry monitor ends it
            return Done([_refused(existing, accepted, Status.FAILED, delivery)])
        job = Job(existing, accepted.plan, delivery.headers)
        return await self._dispatcher.failed(job, outcome_unknown())

    def _announce(self, record: MTRecord, delivery: Delivery) -> list[Publication]:
        report = Report(Status.ACCEPTED, final=False)
        return dr_publications(record, [report], delivery.headers)


def _described(mt: MTMessage, at: datetime, validity_seconds: int) -> dict[str, Any]:
    """What is logged of any MT that could be read."""
    fields: dict[str, Any] = {
        "expires_at": mt.due_at(at, validity_seconds),
        "channel": mt.channel,
        "account": mt.account,
        "to": on_channel(mt.to, mt.channel or ""),
        "thread": mt.thread,
        "correlation_id": mt.correlation_id,
        "callback_data": mt.callback_data,
    }
    return fields if mt.receipts is None else {**fields, "receipts": mt.receipts}


def _addressed(planned: Plan) -> dict[str, Any]:
    """What is logged of an MT whose account is known, whether it can be sent or not."""
    account, capabilities = planned.account, planned.handler.capabilities
    # Until it is known to be this recipient's, an MT must not show in the thread that it names.
    own = {"in_app": True, "thread": None} if capabilities.in_app else {}
    return {
        **own,
        "channel": account.channel,
        "account": account.account,
        "provider": account.provider,
        "to": planned.to,
        "person": person_of(account.account, planned.to.id) if capabilities.watermarks else None,
        "provider_sends_receipts": capabilities.receipts,
    }


def _shown_in(planned: Plan) -> Thread | None:
    """The thread that an in-app MT is logged in: none for what is no message of it."""
    first = planned.submissions[0]
    return None if first.content.type in PASSING else first.thread


def _planned(
    mt: MTMessage, message_id: str, catalogue: Catalogue, at: datetime, expires_at: datetime
) -> Plan:
    """Raises MessageRefused with the reason why it cannot be sent."""
    application_of(mt.app_id, catalogue)
    if expires_at <= at:
        raise MessageRefused("expired_before_send", "its time had passed when it was taken")
    return plan(mt, message_id, catalogue, expires_at=expires_at)


def outcome_unknown() -> ProviderError:
    """The failure of an attempt that nobody saw the end of."""
    return ProviderError(FailureKind.UNCERTAIN, reason="outcome_unknown", code="interrupted")


def _order_key(intake: Intake, message_id: str) -> str:
    """MT of one application to one recipient keep their order; what is refused has none."""
    if intake.mt is None:
        return message_id
    to = intake.mt.to
    return f"{intake.app_id}/{to if isinstance(to, str) else to.id}"


def _with_id(delivery: Delivery) -> Publication:
    """The same MT, back on its queue with an id: so that a redelivery after a crash is known to be the
    same."""
    headers = {**delivery.headers, MESSAGE_ID: uuid7()}
    return Publication("", delivery.queue, delivery.body, delivery.type, delivery.message_id, headers)


def _refused(record: MTRecord, accepted: _Accepted, status: Status, delivery: Delivery) -> Publication:
    refusal = accepted.refusal or MessageRefused("internal_error", "")
    reason = permanent(refusal.code, refusal.detail)
    return outcome_publication(record, status, reason, record.attempt, delivery.headers)


def _into_lane(record: MTRecord, delivery: Delivery) -> Publication:
    return lane_publication(record, attempt=record.attempt, waits=0, headers=delivery.headers)
