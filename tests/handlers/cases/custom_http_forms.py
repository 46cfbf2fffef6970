"""Rows of custom_http: Basic authentication, and callbacks that are a form or a query."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlencode

from gateway.model.address import Address, Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import InboundContent, InboundMediaContent, InboundText, UnsupportedContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.port import HttpResponse
from handlers.contract import InboundMessage
from tests.handlers.cases.custom_http_accounts import API_KEY, CALLBACK_SECRET, QUERY_SECRET
from tests.handlers.rows import CallbackRow, SendRow, Sent, answer

_URL = "https://gw.example/callbacks/sms"
_HI = "https://asked.example/send?to=447700900001&text=Hi&ref=shop%2Forder-4711"
_BASIC = {"authorization": "Basic " + base64.b64encode(f"shop:{API_KEY}".encode()).decode()}


def _asked(parameters: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("GET", f"{_URL}?{urlencode(parameters)}", parameters, {}, b"")


def _posted(fields: dict[str, str]) -> CallbackRequest:
    body = urlencode(fields).encode()
    signature = hmac.new(CALLBACK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return CallbackRequest("POST", _URL, {}, {"x-signature": signature}, body)


def _wrote(content: InboundContent) -> tuple[InboundMessage, ...]:
    sender = Person(kind="msisdn", id="447700900001")
    return (InboundMessage(provider_message_id="8", sender=sender, content=content),)


SENDS = (
    SendRow(
        "a text as a GET request with Basic authentication",
        {"type": "text", "text": "Hi & bye"},
        Address(kind="msisdn", id="447700900001"),
        (HttpResponse(200),),
        (
            Sent(
                "GET",
                "https://asked.example/send?to=447700900001&text=Hi%20%26%20bye&ref=shop%2Forder-4711",
                _BASIC,
                "",
            ),
        ),
        ids=("shop/order-4711",),
        account="asked",
    ),
    SendRow(
        "the second message of several, whose reference is its own",
        {"type": "text", "text": "bye"},
        Address(kind="msisdn", id="447700900001"),
        (HttpResponse(200),),
        (
            Sent(
                "GET",
                "https://asked.example/send?to=447700900001&text=bye&ref=shop%2Forder-4711%232",
                _BASIC,
                "",
            ),
        ),
        ids=("shop/order-4711#2",),
        part=2,
        account="asked",
    ),
    *(
        SendRow(
            f"an id that the receipts will name in decimal: {told}",
            {"type": "text", "text": "Hi"},
            Address(kind="msisdn", id="447700900001"),
            (answer({"id": told}),),
            (
                Sent(
                    "GET",
                    "https://asked.example/send?to=447700900001&text=Hi&ref=shop%2Forder-4711",
                    _BASIC,
                    "",
                ),
            ),
            ids=(kept,),
            account="posted",
        )
        for told, kept in (("0x5F3A", "24378"), ("5f3a", "24378"), ("007", "7"), ("no number", "no number"))
    ),
)
_KNOWN = {"type": "mo", "id": "8", "from": "447700900001"}
CALLBACKS = (
    CallbackRow(
        "a receipt in a query, proved by the newer of two secrets",
        _asked({"token": QUERY_SECRET, "id": "m-1", "stat": "DELIVRD"}),
        ("dr",),
        receipts=(DeliveryReceipt(provider_message_id="m-1", status="delivered", provider_status="DELIVRD"),),
        account="asked",
    ),
    CallbackRow(
        "a receipt proved by the older one",
        _asked({"token": "s-older-one", "id": "m-1", "stat": "BUFFERED"}),
        ("dr",),
        receipts=(DeliveryReceipt(provider_message_id="m-1", status=None, provider_status="BUFFERED"),),
        account="asked",
    ),
    CallbackRow(
        "a query with a wrong secret", _asked({"token": "s-", "id": "1"}), refused=403, account="asked"
    ),
    CallbackRow("a query without one", _asked({"id": "1"}), refused=403, account="asked"),
    CallbackRow(
        "a receipt that names the id in decimal",
        _posted({"type": "dlr", "id": "0024378", "stat": "DELIVRD"}),
        ("dr",),
        receipts=(
            DeliveryReceipt(provider_message_id="24378", status="delivered", provider_status="DELIVRD"),
        ),
        account="posted",
    ),
    CallbackRow(
        "a message in a form",
        _posted({**_KNOWN, "text": "Grüße & so"}),
        ("mo",),
        messages=_wrote(InboundText(text="Grüße & so")),
        account="posted",
    ),
    CallbackRow(
        "a picture with a caption",
        _posted({**_KNOWN, "text": "Broken", "pic": "https://cdn.example/1", "kind": "IMAGE/png"}),
        ("mo",),
        messages=_wrote(
            InboundMediaContent(
                type="image", url="https://cdn.example/1", mime_type="IMAGE/png", caption="Broken"
            )
        ),
        account="posted",
    ),
    CallbackRow(
        "a file of a kind that is not told",
        _posted({**_KNOWN, "text": "", "pic": "https://cdn.example/1"}),
        ("mo",),
        messages=_wrote(InboundMediaContent(type="document", url="https://cdn.example/1")),
        account="posted",
    ),
    CallbackRow(
        "a form without a text",
        _posted(_KNOWN),
        ("mo",),
        messages=_wrote(UnsupportedContent(provider_type="no text", raw=_KNOWN)),
        account="posted",
    ),
)
