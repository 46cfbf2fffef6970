"""A callback item on its way from the web daemon to a processor: the provider's words, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.broker.port import Delivery, Publication
from gateway.broker.topology import DR_IN, TYPE_CALLBACK
from gateway.model.base import rfc3339, uuid7
from gateway.model.callback import CallbackItem
from gateway.model.receipt import DeliveryReceipt
from gateway.rtm.items import is_wake_reference
from gateway.web.callbacks import ACCOUNT, KIND, RECEIVED_AT
from handlers.contract import Handler
from processors.catalogue import Configured
from processors.outcome import Dead


@dataclass(frozen=True, slots=True)
class ReceivedItem:
    """An item with its account's handler. `key` is the same for every delivery of this item."""

    item: CallbackItem
    account: str
    handler: Handler
    received_at: datetime
    key: str


async def read_item(delivery: Delivery, configured: Configured) -> ReceivedItem | Dead:
    """The item in a delivery. Dead when it is none, or its account is not configured (any more)."""
    account, kind = str(delivery.headers.get(ACCOUNT, "")), delivery.headers.get(KIND)
    if kind not in ("mo", "dr", "event") or delivery.message_id is None:
        return Dead("invalid_message", f"headers {ACCOUNT} and {KIND} and a message id are needed")
    if account not in configured.current.handlers:  # it may be new: known only to who took the item
        await configured.catch_up()
    handler = configured.current.handlers.get(account)
    if handler is None:
        return Dead("unknown_account", account)
    try:
        received_at = datetime.fromisoformat(str(delivery.headers.get(RECEIVED_AT))).astimezone(UTC)
    except ValueError:
        return Dead("invalid_message", f"header {RECEIVED_AT} is not a time")
    item = CallbackItem(kind, delivery.body)  # type: ignore[arg-type]  # checked above
    return ReceivedItem(item, account, handler, received_at, f"{account}/{delivery.message_id}")


def receipts_in(received: ReceivedItem) -> list[DeliveryReceipt]:
    """The receipts of an item, but for those of push messages that woke a device of the in-app channel: they
    are no news of the MT, which its devices report on themselves. Raises ValueError."""
    found = received.handler.parse_dr(received.item)
    return [receipt for receipt in found if not is_wake_reference(receipt.reference)]


def item_again(account: str, body: bytes, received_at: datetime) -> Publication:
    """A receipt that was logged, as the web daemon would put it on its queue."""
    headers = {ACCOUNT: account, KIND: "dr", RECEIVED_AT: rfc3339(received_at)}
    return Publication("", DR_IN, body, TYPE_CALLBACK, uuid7(), headers)
