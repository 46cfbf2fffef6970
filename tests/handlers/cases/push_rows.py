"""What the tables of all push services share: receipts, and how long a notification lasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.model.base import now
from gateway.model.callback import CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from handlers.shared.push_receipts import receipt_token, reference_of
from tests.handlers.rows import REFERENCE, CallbackRow, posted

SECRET, OLD_SECRET = "receipt-secret", "old-receipt-secret"
TOKEN = receipt_token(SECRET, REFERENCE)
RECEIPT_URL = "https://gw.example/callbacks/push"
CALLBACK = {"receipt_secret": SECRET, "receipt_url": RECEIPT_URL}
ROTATING = {"receipt_secret": [SECRET, OLD_SECRET]}
RECEIPT = {"token": TOKEN, "url": RECEIPT_URL}

AT, AT_MILLISECONDS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), 1795341600000
EXPIRES_AT = now() + timedelta(days=2)
UNTIL_THEN = "until EXPIRES_AT"


def lasts(seconds: str) -> str:
    """How long a notification is tried, in a form that does not depend on when the test runs."""
    left = (EXPIRES_AT - now()).total_seconds()
    return UNTIL_THEN if abs(left - float(seconds)) < 5 else seconds


def prove(body: bytes, secret: str = SECRET) -> CallbackRequest:
    """The request of an app that was given the token for the reference in the body."""
    token = receipt_token(secret, reference_of(body))
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return CallbackRequest("POST", RECEIPT_URL, {}, headers, body)


def report(**told: Any) -> bytes:
    return posted({"reference": REFERENCE, **told})


def receipt(status: str | None, told: str, **more: Any) -> DeliveryReceipt:
    given: dict[str, Any] = {"reference": REFERENCE, "status": status, "provider_status": told, **more}
    return DeliveryReceipt(**given)


def _is(receipt: DeliveryReceipt) -> DeliveryReceipt:
    return receipt


def receipt_rows(finished: Callable[[DeliveryReceipt], DeliveryReceipt] = _is) -> tuple[CallbackRow, ...]:
    """Rows for the accounts main, rotating (two secrets) and silent (no callbacks)."""
    delivered, read = receipt("delivered", "delivered"), receipt("read", "read", occurred_at=AT)

    def row(name: str, request: CallbackRequest, told: DeliveryReceipt, account: str = "main") -> CallbackRow:
        return CallbackRow(name, request, ("dr",), receipts=(finished(told),), account=account)

    return (
        row("delivered", prove(report(status="delivered")), delivered),
        row("read at some time", prove(report(status="read", at="2026-11-22T11:00:00+01:00")), read),
        row("read at a time in milliseconds", prove(report(status="read", at=AT_MILLISECONDS, x=1)), read),
        row(
            "a status that means nothing here",
            prove(report(status="dismissed")),
            receipt(None, "dismissed"),
        ),
        row(
            "with a token made with the secret before",
            prove(report(status="delivered"), OLD_SECRET),
            delivered,
            "rotating",
        ),
        *REFUSED,
    )


def refused(name: str, request: CallbackRequest, status: int, account: str = "main") -> CallbackRow:
    return CallbackRow(name, request, refused=status, account=account)


READ = report(status="read")
OF_ANOTHER = prove(posted({"reference": "shop/other", "status": "read"}))
REFUSED = (
    refused("not JSON", prove(b"delivered"), 400),
    refused("without a status", prove(report()), 400),
    refused("without a reference", prove(posted({"status": "read"})), 400),
    refused("with the token of another message", replace(OF_ANOTHER, body=READ), 403),
    refused("without a token", CallbackRequest("POST", RECEIPT_URL, {}, {}, READ), 403),
    refused("a request to show something", CallbackRequest("GET", RECEIPT_URL, {}, {}, b""), 403),
    refused("with a token made with another secret", prove(READ, "guessed"), 403),
    refused("a receipt for an account without receipts", prove(READ), 403, "silent"),
)
