"""A provider, a catalogue and deliveries for tests of processors. Everything behind them is real."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

import orjson

from gateway.broker.port import Delivery, Publication
from gateway.model.account import ProviderAccount, RetrySchedule
from gateway.model.application import Application
from gateway.model.base import rfc3339
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.port import HttpRequest, Transports
from handlers.contract import Capabilities, Handler, InboundMessage, Submission, Submitted
from handlers.shared.splitting import Limit
from processors.catalogue import Catalogue

CAPABILITIES = Capabilities(content={"text": Limit(100), "image": Limit(20)}, receipts=True)


class Provider:
    """A handler that answers as it is told, and keeps what it was asked to send."""

    provider: ClassVar[str] = "scripted"
    channel: ClassVar[str] = "sms"
    Account: ClassVar[type[ProviderAccount]] = ProviderAccount

    def __init__(self, capabilities: Capabilities = CAPABILITIES) -> None:
        self.capabilities = capabilities
        self.sent: list[Submission] = []
        self.answers: list[Submitted | Exception] = []

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        self.sent.append(submission)
        answer = self.answers.pop(0) if self.answers else Submitted((f"p-{submission.key}",))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def verify(self, request: CallbackRequest) -> None: ...

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return [CallbackItem("dr", request.body)]

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return [InboundMessage.model_validate(row) for row in _rows(item)]

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return [DeliveryReceipt.model_validate(row) for row in _rows(item)]

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None

    async def check(self, out: Transports) -> str | None:
        return None


def _rows(item: CallbackItem) -> list[Any]:
    rows = json.loads(item.body)
    if not isinstance(rows, list):
        raise ValueError("not a list")
    return rows


ACCOUNT = ProviderAccount(
    account="acme",
    provider="scripted",
    channel="sms",
    retry=RetrySchedule(intervals_seconds=(5, 30)),
    mo_application="shop",
)
SHOP = Application(app_id="shop")


def catalogue_of(
    provider: Handler, *, account: ProviderAccount = ACCOUNT, application: Application = SHOP
) -> Catalogue:
    return Catalogue(
        version=1,
        applications={application.app_id: application},
        accounts={account.account: account},
        handlers={account.account: provider},
    )


@dataclass(slots=True)
class Settled:
    """A settlement that keeps what was done with it."""

    done: list[str] = field(default_factory=list)
    lost: bool = False

    async def ack(self) -> None:
        self.done.append("ack")

    async def requeue(self) -> None:
        self.done.append("requeue")


def delivery_of(publication: Publication, *, redelivered: bool = False) -> Delivery:
    """The delivery that a publication becomes, once whatever wait it has is over."""
    return Delivery(
        queue=publication.routing_key,
        body=publication.body,
        headers=publication.headers,
        settlement=Settled(),
        type=publication.type,
        message_id=publication.message_id,
        redelivered=redelivered,
    )


def again(delivery: Delivery) -> Delivery:
    """The same delivery a second time, after its consumer was lost."""
    return replace(delivery, redelivered=True)


def mt(**fields: Any) -> Delivery:
    """An MT of the shop to a fictional number, published on imgw.mt."""
    document = {
        "message_id": "m-1",
        "app_id": "shop",
        "channel": "sms",
        "to": "447700900001",
        "content": {"type": "text", "text": "hello"},
        **fields,
    }
    document = {name: value for name, value in document.items() if value is not None}
    return delivery_of(Publication("", "imgw.mt", orjson.dumps(document), "imgw.mt.v1"))


def seen(publications: Sequence[Publication]) -> list[tuple[str, dict[str, Any]]]:
    """What was published: where, and what it says."""
    return [(_where(publication), orjson.loads(publication.body)) for publication in publications]


def _where(publication: Publication) -> str:
    if publication.exchange.startswith("imgw.wait."):
        return f"{publication.exchange} → {publication.routing_key}"
    return publication.routing_key


def receipts(*rows: dict[str, Any], key: str = "i-1", account: str = "acme", looks: int = 0) -> Delivery:
    """A callback item with these receipts in it."""
    known = {"x-account": account, "x-kind": "dr", "x-received-at": "2026-11-22T10:00:00.000Z"}
    body = json.dumps([{"provider_status": str(row.get("status")), **row} for row in rows]).encode()
    publication = Publication("", "imgw.dr.in", body, "imgw.callback.v1", key, {**known, "x-looks": looks})
    return delivery_of(publication)


def receipt(status: str | None, *, id: str = "p-shop/m-1", **fields: Any) -> dict[str, Any]:
    return {"provider_message_id": id, "status": status, **fields}


def mo(*, at: datetime | None = None, key: str = "i-1", account: str = "acme", **fields: Any) -> Delivery:
    """A callback item with one text from the fictional person that `mt` is sent to, received `at`."""
    document = {
        "provider_message_id": "in-1",
        "sender": {"kind": "msisdn", "id": "447700900001"},
        "content": {"type": "text", "text": "hi"},
        **fields,
    }
    received_at = rfc3339(at) if at else "2026-11-22T10:00:00.000Z"
    headers = {"x-account": account, "x-kind": "mo", "x-received-at": received_at}
    body = json.dumps([document]).encode()
    return delivery_of(Publication("", "imgw.mo.in", body, "imgw.callback.v1", key, headers))
