"""An MO of the in-app channel: its application and its thread, and what devices are told about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from gateway.broker.port import Delivery, Headers, Publication
from gateway.model.account import ProviderAccount
from gateway.model.application import Application
from gateway.model.base import event_id, uuid7
from gateway.model.content import PASSING
from gateway.model.message import MOMessage
from gateway.rtm.items import UpItem
from gateway.rtm.publications import PASSING_LASTS
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import ThreadChoice, UpMessage, accepted, sync_message
from gateway.store.customers import Customers
from gateway.store.inbound import InboundLog, MORecord
from gateway.store.records import thread_key_of
from gateway.store.threads import ThreadRecord, Threads, is_theirs
from gateway.store.topics import Topics
from gateway.telemetry.metrics import Metrics
from handlers.contract import InboundMessage
from processors.callback_items import ReceivedItem
from processors.catalogue import Configured
from processors.dead_letters import may_have_come_before
from processors.reports import mo_publication
from processors.rtm.applications import application_for
from processors.rtm.conversations import implicit_of_topics, implicit_of_user
from processors.rtm.tellings import answer, echo, refusal


class InAppInbound:
    def __init__(
        self,
        inbound: InboundLog,
        customers: Customers,
        threads: Threads,
        topics: Topics,
        configured: Configured,
        metrics: Metrics,
    ) -> None:
        self._inbound = inbound
        self._customers = customers
        self._threads = threads
        self._topics = topics
        self._configured = configured
        self._metrics = metrics

    async def take(
        self, message: InboundMessage, origin: UpItem, received: ReceivedItem, delivery: Delivery
    ) -> list[Publication]:
        """Log an MO, once, and say what to publish: itself, the answer to its device, what others hear of
        it; or only that it is refused. Raises StoreUnavailable."""
        account = self._configured.current.accounts[received.account]
        words = UpMessage.model_validate(origin.payload)
        application: Application | None
        existing: MORecord | None
        try:
            application = await application_for(self._configured, origin.app_id, account.account)
            thread = await self._thread(words.thread, origin, received.received_at)
        except RtmRefused as refused:
            # Threads are closed, and people leave topics: what was taken before that stays taken.
            record = existing = await self._inbound.get_mo(account.account, message.provider_message_id)
            if record is None:
                return [self._refused(account, origin, words, refused, delivery.headers)]
            application = self._configured.current.applications.get(origin.app_id)
        else:
            record = _record(_normal_form(message, origin, received, account, thread), application)
            existing = await self._inbound.add_mo(record)
        # Logged but perhaps not passed on, when this delivery was cut off before: then it is passed on again.
        duplicate = existing is not None and not may_have_come_before(delivery)
        self._metrics.mo.labels(
            account.account, account.channel, "duplicate" if duplicate else "routed"
        ).inc()
        return _told(existing or record, origin, words, application, delivery.headers, duplicate=duplicate)

    def _refused(
        self,
        account: ProviderAccount,
        origin: UpItem,
        words: UpMessage,
        refused: RtmRefused,
        headers: Headers,
    ) -> Publication:
        self._metrics.rtm_refusals.labels(account.account, refused.code).inc()
        return refusal(account.account, origin.device, words.id, refused, origin.correlation, headers)

    async def _thread(self, choice: ThreadChoice, origin: UpItem, at: datetime) -> ThreadRecord:
        """The open conversation that it belongs to. Raises RtmRefused."""
        followed = await self._followed(origin, at)
        if choice.id is not None:
            found = await self._threads.get(origin.app_id, choice.id)
        else:
            found = await self._threads.ensure(await self._implicit(choice, origin, followed, at))
        if found is None or not is_theirs(found, origin.user_id, followed):
            raise RtmRefused("unknown_thread")
        if found.status == "closed":
            raise RtmRefused("thread_closed")
        if found.type == "announcement":
            raise RtmRefused("thread_one_way")
        return found

    async def _implicit(
        self, choice: ThreadChoice, origin: UpItem, followed: tuple[str, ...], at: datetime
    ) -> ThreadRecord:
        app_id, topic = origin.app_id, choice.topic
        if topic is None:
            return implicit_of_user(app_id, origin.user_id, "conversation", at, choice.title)
        # A topic that a person does not follow is told from one that there is not to nobody.
        if topic not in followed or await self._topics.unknown(app_id, [topic]):
            raise RtmRefused("unknown_topic")
        return implicit_of_topics(app_id, topic, "conversation", at, choice.title)

    async def _followed(self, origin: UpItem, at: datetime) -> tuple[str, ...]:
        """The topics that the person follows; whoever writes for the first time is known from then on."""
        customer = await self._customers.get(origin.app_id, origin.user_id)
        if customer is None or customer.device(origin.device_id) is None:
            await self._customers.touch(origin.device, at)
        return () if customer is None else customer.topics


def _normal_form(
    message: InboundMessage,
    origin: UpItem,
    received: ReceivedItem,
    account: ProviderAccount,
    thread: ThreadRecord,
) -> MOMessage:
    return MOMessage(
        event_id=event_id(account.account, message.provider_message_id),
        mo_id=uuid7(),
        app_id=origin.app_id,
        channel=account.channel,
        account=account.account,
        provider=account.provider,
        provider_message_id=message.provider_message_id,
        sender=message.sender,
        device=origin.device_id,
        to=thread.topic,
        content=message.content,
        thread=thread.as_named,
        in_reply_to=message.in_reply_to,  # clients name messages by our own ids
        sent_at=message.sent_at,
        received_at=received.received_at,
    )


def _record(mo: MOMessage, application: Application) -> MORecord:
    # What only says that somebody is typing is no message of the thread.
    shown = mo.thread if mo.content.type != "event" else None
    return MORecord(
        account=mo.account,
        provider_message_id=mo.provider_message_id,
        app_id=mo.app_id,
        channel=mo.channel,
        mo_id=mo.mo_id,
        event_id=mo.event_id,
        body=mo.model_dump_json(by_alias=True, exclude_none=True).encode(),
        received_at=mo.received_at,
        retention_days=application.retention_days,
        thread_key=thread_key_of(mo.app_id, shown.id) if shown else None,
        user_id=mo.sender.id,
    )


def _told(
    record: MORecord,
    origin: UpItem,
    words: UpMessage,
    application: Application | None,
    headers: Headers,
    *,
    duplicate: bool,
) -> list[Publication]:
    """What follows from an MO as it was logged. Of a repetition only the answer, which the device may have
    missed."""
    mo = orjson.loads(record.body)
    publications = []
    if not duplicate:
        publications.append(mo_publication(record, headers, application.stream if application else None))
    if not duplicate and application is not None:
        publications += _echoed(record, mo, origin, words, application, headers)
    if origin.answer:
        taken = accepted(words.id, mo_id=record.mo_id, thread_id=mo["thread"]["id"])
        publications.append(answer(record.account, origin.device, taken, origin.correlation, headers))
    return publications


def _echoed(
    record: MORecord,
    mo: Mapping[str, Any],
    origin: UpItem,
    words: UpMessage,
    application: Application,
    headers: Headers,
) -> list[Publication]:
    """What others hear of an MO; `mo` is the record's body."""
    payload = sync_message(
        mo_id=record.mo_id,
        id=words.id,
        device=origin.device,
        thread=mo["thread"],
        content=words.content.model_dump(mode="json", exclude_none=True),
        in_reply_to=mo.get("in_reply_to"),
        sent_at=record.received_at,  # by the clock that the inbox goes by, too
    )
    until = record.received_at + PASSING_LASTS if words.content.type in PASSING else None
    return echo(record.account, application, origin.user_id, mo.get("to"), payload, headers, expires_at=until)
