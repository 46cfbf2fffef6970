"""Dead letters: how a delivery that nobody could deal with is kept, and put back where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.broker.port import Delivery, Publication, StoredMessage
from gateway.broker.topology import DEAD
from gateway.model.base import now, rfc3339, uuid7
from processors.outcome import Dead
from processors.reports import ATTEMPT

_ID = "x-dead-id"
_REASON = "x-dead-reason"
_DETAIL = "x-dead-detail"
_QUEUE = "x-dead-queue"
_AT = "x-dead-at"
_OURS = frozenset({_ID, _REASON, _DETAIL, _QUEUE, _AT})
_REVIVED = "x-revived"
_MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message in `imgw.dead`, as people see it."""

    id: str
    reason: str
    detail: str
    queue: str
    at: str
    attempt: int
    message: StoredMessage


def dead_letter(delivery: Delivery, dead: Dead) -> Publication:
    """The delivery with its untouched body and headers, and with why, whence and when."""
    message = StoredMessage(delivery.body, delivery.headers, delivery.type, delivery.message_id)
    return buried(message, delivery.queue, dead)


def buried(message: StoredMessage, queue: str, dead: Dead) -> Publication:
    """The same for what came from elsewhere than a queue of ours; then `queue` says from where."""
    headers = {
        **message.headers,
        _ID: uuid7(),
        _REASON: dead.reason,
        _DETAIL: dead.detail[:_MAX_DETAIL],
        _QUEUE: queue,
        _AT: rfc3339(now()),
    }
    return Publication("", DEAD, message.body, message.type, message.message_id, headers)


def read(message: StoredMessage) -> DeadLetter:
    """A stored message as a dead letter. What the broker itself dead-lettered has no reason of ours: what
    stands there then comes from whoever published it, a device maybe, and is not believed."""
    attempt = message.headers.get(ATTEMPT, 0)  # from outside it can be anything
    ours = {} if message.died_in else message.headers
    text = {name: str(ours.get(name, "")) for name in _OURS}
    return DeadLetter(
        id=text[_ID] or message.message_id or "",
        reason=text[_REASON] or "dead_lettered_by_broker",
        detail=text[_DETAIL],
        queue=message.died_in or text[_QUEUE],
        at=text[_AT],
        attempt=attempt if isinstance(attempt, int) else 0,
        message=message,
    )


def revived(letter: DeadLetter) -> Publication:
    """The publication that puts a dead letter back on the queue it came from, as it was. Only a header tells
    it from one that is new: to the broker it is."""
    message = letter.message
    headers = {name: value for name, value in message.headers.items() if name not in _OURS}
    headers[_REVIVED] = True
    return Publication("", letter.queue, message.body, message.type, message.message_id, headers)


def may_have_come_before(delivery: Delivery) -> bool:
    """Whether it is redelivered, or was a dead letter: then it may have been logged, and what follows from it
    never been published."""
    return delivery.redelivered or _REVIVED in delivery.headers
