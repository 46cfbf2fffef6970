"""The MO processor: brings what people write into normal form, once each, and hands it to its application."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from gateway.broker.port import Delivery, Publication
from gateway.model.base import event_id, uuid7
from gateway.model.message import MOMessage
from gateway.routing import mo_application
from gateway.store.inbound import InboundLog, MORecord
from gateway.store.sessions import Sessions
from gateway.store.transactions import Transactions
from gateway.telemetry.metrics import Metrics
from gateway.together import together
from handlers.contract import PART_MARK, InboundMessage
from processors.callback_items import ReceivedItem, read_item
from processors.catalogue import Catalogue, Configured
from processors.dead_letters import may_have_come_before
from processors.outcome import Dead, Done, Outcome
from processors.reports import mo_publication
from processors.rtm.inbound import InAppInbound
from processors.window import session_from

logger = structlog.get_logger("mo")


class MOProcessor:
    """Processes deliveries of `imgw.mo.in`."""

    def __init__(
        self,
        inbound: InboundLog,
        transactions: Transactions,
        sessions: Sessions,
        in_app: InAppInbound,
        configured: Configured,
        metrics: Metrics,
    ) -> None:
        self._inbound = inbound
        self._transactions = transactions
        self._sessions = sessions
        self._in_app = in_app
        self._configured = configured
        self._metrics = metrics

    async def process(self, delivery: Delivery) -> Outcome:
        received = await read_item(delivery, self._configured)
        if isinstance(received, Dead):
            return received
        catalogue = self._configured.current
        try:
            messages = received.handler.parse_mo(received.item)
        except ValueError as error:
            return Dead("unreadable_message", type(error).__name__)
        if received.handler.capabilities.in_app:
            return await self._from_devices(messages, received, delivery)
        account = catalogue.accounts[received.account]
        app_id = mo_application(account, catalogue.applications.values())
        if messages and app_id is None:
            self._metrics.mo.labels(account.account, account.channel, "dead").inc()
            return Dead("no_application", f"set mo_application of account {account.account}")
        published = await together(
            [self._one(message, received, app_id or "", catalogue, delivery) for message in messages]
        )
        return Done([publication for publication in published if publication is not None])

    async def _from_devices(
        self, messages: Sequence[InboundMessage], received: ReceivedItem, delivery: Delivery
    ) -> Done:
        """Of the in-app channel: each names its application itself."""
        taken = await together(
            [
                self._in_app.take(message, message.origin, received, delivery)
                for message in messages
                if message.origin is not None
            ]
        )
        return Done([publication for publications in taken for publication in publications])

    async def _one(
        self,
        message: InboundMessage,
        received: ReceivedItem,
        app_id: str,
        catalogue: Catalogue,
        delivery: Delivery,
    ) -> Publication | None:
        mo = await self._normal_form(message, received, app_id, catalogue)
        record = MORecord(
            account=mo.account,
            provider_message_id=mo.provider_message_id,
            app_id=mo.app_id,
            channel=mo.channel,
            mo_id=mo.mo_id,
            event_id=mo.event_id,
            body=mo.model_dump_json(by_alias=True, exclude_none=True).encode(),
            received_at=mo.received_at,
            retention_days=catalogue.applications[app_id].retention_days,
        )
        # Before it is passed on: who answers it at once must find the window open.
        await self._note_session(message, received)
        existing = await self._inbound.add_mo(record)
        # Logged but perhaps not passed on, when this delivery was cut off before: then it is passed on again.
        duplicate = existing is not None and not may_have_come_before(delivery)
        outcome = "duplicate" if duplicate else "routed"
        self._metrics.mo.labels(record.account, record.channel, outcome).inc()
        return None if duplicate else mo_publication(existing or record, delivery.headers)

    async def _note_session(self, message: InboundMessage, received: ReceivedItem) -> None:
        """Also where the account leaves windows to its provider: so that one day it need not."""
        if received.handler.capabilities.session_window_seconds is None:
            return
        at = session_from(message, received.received_at)
        if at is not None:
            await self._sessions.note(received.account, message.sender.id, at)

    async def _normal_form(
        self, message: InboundMessage, received: ReceivedItem, app_id: str, catalogue: Catalogue
    ) -> MOMessage:
        account = catalogue.accounts[received.account]
        return MOMessage(
            event_id=event_id(account.account, message.provider_message_id),
            mo_id=uuid7(),
            app_id=app_id,
            channel=account.channel,
            account=account.account,
            provider=account.provider,
            provider_message_id=message.provider_message_id,
            sender=message.sender,
            to=message.to,
            content=message.content,
            thread=message.thread,
            in_reply_to=await self._quoted(message, account.account),
            edited=message.edited,
            deleted=message.deleted,
            sent_at=message.sent_at,
            received_at=received.received_at,
        )

    async def _quoted(self, message: InboundMessage, account: str) -> str | None:
        """What it answers, by our message id where that is known."""
        if message.in_reply_to is None:
            return None
        record = await self._transactions.by_provider_id(account, message.in_reply_to)
        if record is None and "/" in message.in_reply_to:  # perhaps our own reference, as some echo it
            record = await self._transactions.get(message.in_reply_to.partition(PART_MARK)[0])
            record = record if record is not None and record.account == account else None
        return message.in_reply_to if record is None else record.message_id
