"""Receipts of push notifications: the services send none, so whatever receives a notification reports itself.

Every notification carries `data.reference`, and where the account has a secret for it `data.receipt` =
{"token", "url"}: the token is the HMAC-SHA256 of the reference under that secret, in base64. An app or a
service worker then posts to /callbacks/<account>, or to the `url` if there is one,

    Authorization: Bearer <token>
    {"reference": <reference>, "status": "delivered" | "read", "at": <ISO 8601 or Unix time, if known>}

A token proves nothing but that its bearer got this one notification: it is worth nothing for any other.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from gateway.errors import CallbackRefused
from gateway.model.account import Settings
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackRequest
from gateway.model.content import Url
from gateway.model.receipt import DeliveryReceipt
from handlers.contract import Capabilities, Submission
from handlers.shared.instants import read_instant
from handlers.shared.secret import Secrets, revealed
from handlers.shared.signatures import signed

STATUSES: Mapping[str, Literal["delivered", "read"]] = {"delivered": "delivered", "read": "read"}


class PushCallback(Settings):
    """How receivers of notifications prove their receipts; without this section there are no receipts."""

    receipt_secret: Secrets
    """A long random word of your choice: each notification carries a token made with it, which its receipts
    come back with. A list while it is being changed; the first one makes new tokens."""
    receipt_url: Annotated[Url, StringConstraints(max_length=256)] | None = None
    """Where receipts are to be posted: the public URL of this account's callbacks, or of a proxy before it.
    Sent along with every notification, for apps that do not know it otherwise."""


class _Report(Wire):
    """What a receiver posts."""

    reference: str = Field(min_length=1)
    status: str = Field(min_length=1)
    at: str | int | float | None = None


class _Subject(Wire):
    """The part of it that the token is for."""

    reference: str


def with_receipts(capabilities: Capabilities, callback: PushCallback | None) -> Capabilities:
    """The same with or without receipts, as the account is configured."""
    follow = callback is not None
    return replace(capabilities, receipts=follow, read_receipts=follow)


def receipt_data(callback: PushCallback | None, submission: Submission) -> dict[str, Any]:
    """What a notification's `data` holds for its receipts."""
    if callback is None:
        return {"reference": submission.key}
    receipt = {"token": receipt_token(revealed(callback.receipt_secret)[0], submission.key)}
    if callback.receipt_url is not None:
        receipt["url"] = callback.receipt_url
    return {"reference": submission.key, "receipt": receipt}


def receipt_token(secret: str, reference: str) -> str:
    """What proves a receipt for the message of this reference."""
    digest = hmac.digest(secret.encode(), _bytes(reference), "sha256")
    return base64.b64encode(digest).decode()


def verify_receipt(callback: PushCallback | None, request: CallbackRequest) -> None:
    """Raises CallbackRefused unless the request bears the token of the reference that it is about."""
    if callback is None:
        raise CallbackRefused("this account takes no callbacks: it has no callback section")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    secrets, subject = revealed(callback.receipt_secret), _bytes(reference_of(request.body))
    if scheme.lower() != "bearer" or not signed(token, secrets, subject, encoding="base64"):
        raise CallbackRefused("the authorization header is missing, or not for this message")


def split_receipt(request: CallbackRequest) -> tuple[CallbackItem, ...]:
    """The one receipt of a request. Raises CallbackRefused with status 400."""
    try:
        _Report.model_validate_json(request.body)
    except ValidationError as error:
        raise CallbackRefused("the body is not a receipt", status=400) from error
    return (CallbackItem("dr", request.body),)


def read_receipts(item: CallbackItem) -> tuple[DeliveryReceipt, ...]:
    """The receipt of an item. Raises ValueError."""
    if item.kind != "dr":
        return ()
    report = _Report.model_validate_json(item.body)
    receipt = DeliveryReceipt(
        reference=report.reference,
        status=STATUSES.get(report.status),
        provider_status=report.status,
        occurred_at=read_instant(report.at),
    )
    return (receipt,)


def reference_of(body: bytes) -> str:
    """Whose receipt it is; empty where that cannot be read, which is no message's reference and so has no
    token that anybody was given."""
    try:
        return _Subject.model_validate_json(body).reference
    except ValidationError:
        return ""


def _bytes(reference: str) -> bytes:
    return reference.encode(errors="surrogatepass")
