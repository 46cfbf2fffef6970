"""The table of custom_http: what is sent through its accounts, and what comes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address, Person
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.model.content import InboundText, UnsupportedContent
from gateway.model.receipt import DeliveryReceipt, Reason
from gateway.transports.port import HttpResponse
from handlers.contract import InboundMessage
from tests.handlers.cases import custom_http_forms
from tests.handlers.cases.custom_http_accounts import (
    API_KEY,
    API_SECRET,
    ASKED,
    CALLBACK_SECRET,
    HEADER_SECRET,
    OTHER,
    POSTED,
    QUERY_SECRET,
    SEND_ONLY,
    SIGNED_IN_BASE64,
    SMARTICO,
)
from tests.handlers.rows import REFERENCE, CallbackRow, Failed, SendRow, Sent, Table, answer, posted

TO = Address(kind="msisdn", id="+44 7700/900001")
HEADERS = {"authorization": API_SECRET, "content-type": "application/json"}
BODY = {"ext_user_id": REFERENCE, "body": "Hello", "im_uid": TO.id}
HELLO = Sent("POST", "https://sms.example/api/messages", HEADERS, BODY)
FORM_HEADERS = {"content-type": "application/x-www-form-urlencoded", "x-request-id": REFERENCE}
FORM_URL = "https://viber.example/v1/%2B44%207700%2F900001/send?key=k%26y%3D1&market="
FORM_HELLO = Sent("POST", FORM_URL, FORM_HEADERS, "msg=Shop%3A+Hello")
PERMANENT, THROTTLED = FailureKind.PERMANENT, FailureKind.THROTTLED


def hello(name: str, told: HttpResponse, request: Sent = HELLO, **more: Any) -> SendRow:
    return SendRow(name, {"type": "text", "text": "Hello"}, TO, (told,), (request,), **more)


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, **more})


TAKEN = answer({"error_code": 0, "ext_message_id": "m-1"})

SENDS = (
    hello("a text from nobody in particular", TAKEN, ids=("m-1",)),
    hello(
        "a text from one of our numbers",
        answer({"error_code": "0", "ext_message_id": 17}),
        Sent("POST", HELLO.url, HEADERS, {**BODY, "from_number": "447700900200"}),
        sender="447700900200",
        ids=("17",),
    ),
    hello(
        "a text as a form, where the answer gives no id",
        HttpResponse(204),
        FORM_HELLO,
        account="other",
        ids=(REFERENCE,),
    ),
    hello(
        "a text with attributes",
        HttpResponse(200),
        Sent("POST", f"{FORM_URL}uk", {**FORM_HEADERS, "x-brand": "acme"}, "msg=Shop%3A+Hello"),
        account="other",
        attributes={"market": "uk", "brand": "acme"},
        ids=(REFERENCE,),
    ),
    *(
        SendRow(
            f"a {kind} by URL",
            {"type": kind, "url": "https://cdn.example/a", "caption": "Yours", "filename": "a b"},
            TO,
            (HttpResponse(200),),
            (
                Sent(
                    "POST",
                    FORM_URL,
                    FORM_HEADERS,
                    "msg=Shop%3A+Yours&media=https%3A%2F%2Fcdn.example%2Fa&name=a+b",
                ),
            ),
            account="other",
            ids=(REFERENCE,),
        )
        for kind in ("image", "video", "audio", "document", "sticker")
    ),
    refused("media by id", "media_unsupported", {"type": "image", "media_id": "1"}, account="other"),
    refused("a location", "unsupported_content", {"type": "location", "latitude": 1, "longitude": 1}),
    refused(
        "buttons",
        "unsupported_content",
        {"type": "text", "text": "Well?", "buttons": [{"type": "reply", "id": "y", "title": "Y"}]},
    ),
    refused(
        "an address that would move the path",
        "invalid_message",
        {"type": "text", "text": "Hello"},
        to=Address(kind="user_id", id=".."),
        account="other",
    ),
    refused(
        "an attribute that would add a header",
        "invalid_message",
        {"type": "text", "text": "Hello"},
        attributes={"brand": "acme\r\nX-Admin: 1"},
        account="other",
    ),
    hello(
        "a code that is known",
        answer({"error_code": 1, "error_message": "Bad number"}),
        failed=Failed(PERMANENT, "invalid_recipient", "1"),
    ),
    hello(
        "a code that throttles",
        answer({"error_code": 3}, retry_after="7"),
        failed=Failed(THROTTLED, "rate_limited", "3", 7.0),
    ),
    hello(
        "a code that is known, with another status",
        answer({"error_code": 5}, 400),
        failed=Failed(FailureKind.AUTH, "account_credentials", "5"),
    ),
    hello(
        "a code that is not known",
        answer({"error_code": 99, "error_message": "New"}),
        failed=Failed(PERMANENT, "provider_error", "99"),
    ),
    hello(
        "a status that is no success",
        answer({"error_code": 99}, 422),
        failed=Failed(PERMANENT, "provider_error", "99"),
    ),
    hello(
        "a success without its id",
        answer({"error_code": 0}),
        failed=Failed(FailureKind.UNCERTAIN, "provider_error", "http_200"),
    ),
    hello(
        "too fast, with milliseconds to wait",
        answer({"errors": [{"code": "slow"}], "wait": 1500}, 429),
        FORM_HELLO,
        account="other",
        failed=Failed(THROTTLED, "rate_limited", "slow", 1.5),
    ),
)


def prove(body: bytes) -> CallbackRequest:
    signature = hmac.new(CALLBACK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return callback(body, {"x-signature": f"sha256={signature}"})


def prove_in_base64(body: bytes) -> CallbackRequest:
    digest = hmac.new(CALLBACK_SECRET.encode(), body, hashlib.sha512).digest()
    return callback(body, {"x-hash": base64.b64encode(digest).decode()})


def callback(body: bytes, headers: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("POST", "https://gw.example/callbacks/sms-shop", {}, headers, body)


AT, AT_TEXT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "2026-11-22T11:00:00+01:00"
STATUS = {"type": "status", "ext_message_id": "m-1", "ext_user_id": REFERENCE, "timestamp": AT_TEXT}
MESSAGE = {"type": "message", "ext_message_id": "i-1", "im_uid": "447700900001", "to_number": "447700900200"}
ANN = Person(kind="msisdn", id="447700900001")
WRONG_NUMBER = Reason(code="invalid_recipient", kind=PERMANENT, provider_code="1", provider_text="Bad number")
NO_WORD = Reason(code="provider_error", kind=PERMANENT)
TOO_LATE = Reason(code="recipient_unreachable", kind=PERMANENT)


def receipt(news: Any, word: str, **more: Any) -> DeliveryReceipt:
    given = {"provider_message_id": "m-1", "reference": REFERENCE, "occurred_at": AT, **more}
    return DeliveryReceipt(status=news, provider_status=word, **given)


def told(word: str, expected: DeliveryReceipt, **more: Any) -> CallbackRow:
    request = prove(posted({**STATUS, "status": word, **more}))
    return CallbackRow(f"{word} {more}", request, ("dr",), receipts=(expected,))


CALLBACKS = (
    told("sent", receipt("submitted", "sent")),
    told("delivered", receipt("delivered", "delivered")),
    told("read", receipt("read", "read")),
    told("queued", receipt(None, "queued")),
    told("failed", receipt("failed", "failed", reason=NO_WORD)),
    told(
        "failed",
        receipt("failed", "failed", reason=WRONG_NUMBER),
        error_code=1,
        error_message="Bad number",
    ),
    CallbackRow(
        "a message",
        prove(posted({**MESSAGE, "body": "Hi", "timestamp": AT_TEXT})),
        ("mo",),
        messages=(
            InboundMessage(
                provider_message_id="i-1",
                sender=ANN,
                to="447700900200",
                content=InboundText(text="Hi"),
                sent_at=AT,
            ),
        ),
    ),
    CallbackRow(
        "a message without text or time",
        prove(posted(MESSAGE)),
        ("mo",),
        messages=(
            InboundMessage(
                provider_message_id="i-1",
                sender=ANN,
                to="447700900200",
                content=UnsupportedContent(provider_type="no text", raw=MESSAGE),
            ),
        ),
    ),
    CallbackRow("something else", prove(posted({"type": "balance", "left": 5})), ("event",)),
    CallbackRow(
        "a signature without what stands before it",
        callback(b"{}", {"x-signature": prove(b"{}").headers["x-signature"].removeprefix("sha256=")}),
        refused=403,
    ),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow(
        "many receipts at once",
        callback(
            posted({"results": [{"id": "m-1", "state": 2, "at": 1795341600}, {"id": "m-2", "state": 5}]}),
            {"x-secret": HEADER_SECRET},
        ),
        ("dr", "dr"),
        receipts=(
            receipt("delivered", "2", reference=None),
            receipt(
                "expired",
                "5",
                provider_message_id="m-2",
                reference=None,
                occurred_at=None,
                reason=TOO_LATE,
            ),
        ),
        reply=CallbackReply(body=b"OK"),
        account="other",
    ),
    CallbackRow(
        "a list that is not there",
        callback(b'{"results":{}}', {"x-secret": HEADER_SECRET}),
        refused=400,
        account="other",
    ),
    CallbackRow(
        "a wrong shared secret", callback(b"{}", {"x-secret": "s-headers"}), refused=403, account="other"
    ),
    CallbackRow(
        "a message signed in base64",
        prove_in_base64(posted({"id": 8, "from": "447700900001", "name": "Ann", "text": "Hi"})),
        ("mo",),
        messages=(
            InboundMessage(
                provider_message_id="8",
                sender=Person(kind="msisdn", id="447700900001", name="Ann"),
                content=InboundText(text="Hi"),
            ),
        ),
        account="base64",
    ),
    CallbackRow("anything for an account that only sends", prove(b"{}"), refused=403, account="send_only"),
)

TABLE = Table(
    provider="custom_http",
    accounts={
        "main": SMARTICO,
        "other": OTHER,
        "base64": SIGNED_IN_BASE64,
        "send_only": SEND_ONLY,
        "asked": ASKED,
        "posted": POSTED,
    },
    secrets=(API_SECRET, CALLBACK_SECRET, API_KEY, HEADER_SECRET, QUERY_SECRET, "s-older-one"),
    sends=SENDS + custom_http_forms.SENDS,
    callbacks=CALLBACKS + custom_http_forms.CALLBACKS,
    prove=prove,
    proof="x-signature",
    proof_covers_body=True,
)
