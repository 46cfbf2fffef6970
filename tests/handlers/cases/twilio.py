"""The table of twilio: what comes back, and how it is proved; what is sent is in twilio_sends."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from gateway.errors import FailureKind
from gateway.model.address import Person
from gateway.model.callback import CallbackRequest
from gateway.model.content import (
    ButtonReply,
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    ListReply,
    LocationContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from tests.handlers.cases.twilio_accounts import (
    ACCOUNT_SID,
    ACCOUNTS,
    AUTH_TOKEN,
    KEY_SECRET,
    OLD_TOKEN,
    read,
)
from tests.handlers.cases.twilio_sends import SENDS
from tests.handlers.cases.twilio_webhooks import FORM, FROM, TO, TWIML, URL, form, prove, signature
from tests.handlers.rows import CallbackRow, Table

MEDIA = f"https://twilio.example/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM9/Media/ME"


def message(**fields: str) -> dict[str, str]:
    around = {"MessageSid": "SM9", "SmsStatus": "received", "AccountSid": ACCOUNT_SID, "NumMedia": "0"}
    return {**around, "From": FROM, "To": TO, **fields}


def incoming(content: InboundContent, **more: Any) -> InboundMessage:
    given = {"provider_message_id": "SM9", "sender": Person(kind="msisdn", id=FROM), "to": TO, **more}
    return InboundMessage(content=content, **given)


def wrote(name: str, content: InboundContent, **fields: str) -> CallbackRow:
    request = form(message(**fields))
    return CallbackRow(name, request, ("mo",), (incoming(content),), reply=TWIML, account="number")


def on_whatsapp(name: str, *messages: InboundMessage, **fields: str) -> CallbackRow:
    both = {"From": f"whatsapp:{FROM}", "To": f"whatsapp:{TO}", "ProfileName": "Ann", "WaId": FROM[1:]}
    request = form(message(**both, **fields))
    return CallbackRow(name, request, ("mo",), messages, reply=TWIML, account="whatsapp")


def from_ann(content: InboundContent, **more: Any) -> InboundMessage:
    return incoming(content, sender=Person(kind="msisdn", id=FROM, name="Ann"), **more)


def told(name: str, fields: dict[str, str], receipt: DeliveryReceipt, account: str = "number") -> CallbackRow:
    request = form({"MessageSid": "SM1", "AccountSid": ACCOUNT_SID, "From": TO, "To": FROM, **fields})
    return CallbackRow(name, request, ("dr",), receipts=(receipt,), reply=TWIML, account=account)


def status(word: str, **fields: str) -> dict[str, str]:
    return {"MessageStatus": word, "SmsStatus": word, **fields}


def receipt(status: str | None, word: str, reason: Reason | None = None) -> DeliveryReceipt:
    return DeliveryReceipt.model_validate(
        {"provider_message_id": "SM1", "status": status, "provider_status": word, "reason": reason}
    )


HI = message(Body="Hi")
PROOFS = (
    CallbackRow(
        "a webhook in JSON, of another product",
        prove(b'{"EventType":"onMessageAdded"}'),
        ("event",),
        reply=TWIML,
    ),
    CallbackRow("a webhook in JSON that is none", prove(b"EventType=onMessageAdded"), refused=400),
    CallbackRow("a form without fields", form({}), refused=400, account="number"),
    CallbackRow(
        "a form with another field than was signed",
        CallbackRequest("POST", URL, {}, form(HI).headers, urlencode(HI | {"Body": "Ho"}).encode()),
        refused=403,
        account="number",
    ),
    CallbackRow(
        "a form signed for another URL", form(HI, signed_url=f"{URL}-2"), refused=403, account="number"
    ),
    CallbackRow(
        "a form that nobody signed",
        CallbackRequest("POST", URL, {}, {"content-type": FORM}, urlencode(HI).encode()),
        refused=403,
        account="number",
    ),
    CallbackRow(
        "a body in JSON that is not covered by the signature of its URL",
        CallbackRequest("POST", URL, {}, {"x-twilio-signature": signature(URL)}, b'{"EventType":"x"}'),
        refused=403,
        account="number",
    ),
    CallbackRow(
        "a form signed with the former token, while it is being changed",
        form(HI, token=OLD_TOKEN),
        ("mo",),
        (incoming(InboundText(text="Hi")),),
        reply=TWIML,
        account="number",
    ),
    CallbackRow(
        "a form whose URL was signed with its port",
        form(HI, signed_url="https://gw.example:443/callbacks/tw-shop"),
        ("mo",),
        (incoming(InboundText(text="Hi")),),
        reply=TWIML,
        account="number",
    ),
    CallbackRow(
        "a form whose URL was signed without its port",
        form(HI, url="https://gw.example:8443/callbacks/tw-shop"),
        ("mo",),
        (incoming(InboundText(text="Hi")),),
        reply=TWIML,
        account="number",
    ),
    CallbackRow(
        "a message to a messaging service, in the query of a GET",
        CallbackRequest(
            "GET",
            f"{URL}?{urlencode(HI)}",
            HI,
            {"x-twilio-signature": signature(f"{URL}?{urlencode(HI)}")},
            b"",
        ),
        ("mo",),
        (incoming(InboundText(text="Hi")),),
        reply=TWIML,
        account="service",
    ),
    CallbackRow(
        "a form about no message",
        form({"CallSid": "CA1", "CallStatus": "ringing"}),
        ("event",),
        reply=TWIML,
        account="number",
    ),
)

MESSAGES = (
    wrote("a text", InboundText(text="Grüße & €"), Body="Grüße & €"),
    wrote("an empty text", InboundText(text=""), Body=""),
    wrote(
        "the word that opts out",
        EventContent(name="opted_out", details={"text": "Stop"}),
        Body="Stop",
        OptOutType="STOP",
    ),
    wrote(
        "the word that opts in",
        EventContent(name="opted_in", details={"text": "Start"}),
        Body="Start",
        OptOutType="START",
    ),
    wrote("the word that asks for help", InboundText(text="Help"), Body="Help", OptOutType="HELP"),
    on_whatsapp(
        "two media in one message",
        from_ann(
            InboundMediaContent(type="image", url=f"{MEDIA}1", caption="Broken", mime_type="image/jpeg")
        ),
        from_ann(
            InboundMediaContent(type="document", url=f"{MEDIA}2", mime_type="application/pdf"),
            provider_message_id="SM9:2",
        ),
        Body="Broken",
        NumMedia="2",
        MediaUrl0=f"{MEDIA}1",
        MediaContentType0="image/jpeg",
        MediaUrl1=f"{MEDIA}2",
        MediaContentType1="application/pdf",
    ),
    on_whatsapp(
        "a sticker",
        from_ann(InboundMediaContent(type="sticker", url=f"{MEDIA}1", mime_type="image/webp")),
        MessageType="sticker",
        MediaUrl0=f"{MEDIA}1",
        MediaContentType0="image/webp",
    ),
    on_whatsapp(
        "a place",
        from_ann(LocationContent(latitude=51.5, longitude=-0.12, name="Shop", address="1 High St")),
        MessageType="location",
        Latitude="51.5",
        Longitude="-0.12",
        Label="Shop",
        Address="1 High St",
    ),
    on_whatsapp(
        "a pressed button, as the answer to a message",
        from_ann(ButtonReply(id="yes", title="Yes"), in_reply_to="SM1"),
        MessageType="button",
        Body="Yes",
        ButtonText="Yes",
        ButtonPayload="yes",
        OriginalRepliedMessageSid="SM1",
    ),
    on_whatsapp(
        "a choice from a list",
        from_ann(ListReply(id="s", title="Small")),
        MessageType="interactive",
        Body="Small",
        ListId="s",
        ListTitle="Small",
    ),
    on_whatsapp(
        "an order",
        from_ann(
            UnsupportedContent(
                provider_type="order",
                raw=message(
                    From=f"whatsapp:{FROM}",
                    To=f"whatsapp:{TO}",
                    ProfileName="Ann",
                    WaId=FROM[1:],
                    MessageType="order",
                ),
            )
        ),
        MessageType="order",
    ),
)

RECEIPTS = (
    told("sent", status("sent"), receipt("submitted", "sent")),
    told("delivered", status("delivered"), receipt("delivered", "delivered"), account="service"),
    told("read", status("read", EventType="READ"), receipt("read", "read"), account="whatsapp"),
    told("a status without meaning", status("partially_delivered"), receipt(None, "partially_delivered")),
    told(
        "undelivered, with the number in the text",
        status("undelivered", ErrorCode="63024", ChannelStatusMessage="447700900001 is not on WhatsApp"),
        receipt(
            "failed",
            "undelivered",
            Reason(
                code="recipient_unreachable",
                kind=FailureKind.PERMANENT,
                provider_code="63024",
                provider_text="… is not on WhatsApp",
            ),
        ),
    ),
    told(
        "failed as its validity period was over",
        status("failed", ErrorCode="30036"),
        receipt(
            "expired",
            "failed",
            Reason(code="recipient_unreachable", kind=FailureKind.PERMANENT, provider_code="30036"),
        ),
    ),
    told(
        "failed with a code that is not known",
        status("failed", ErrorCode="39999", ErrorMessage="New"),
        receipt(
            "failed",
            "failed",
            Reason(
                code="provider_error", kind=FailureKind.PERMANENT, provider_code="39999", provider_text="New"
            ),
        ),
    ),
    told(
        "failed without a word",
        status("failed"),
        receipt("failed", "failed", Reason(code="provider_error", kind=FailureKind.PERMANENT)),
    ),
)

TABLE = Table(
    provider="twilio",
    accounts=ACCOUNTS,
    secrets=(AUTH_TOKEN, OLD_TOKEN, KEY_SECRET),
    sends=SENDS,
    callbacks=PROOFS + MESSAGES + RECEIPTS,
    prove=prove,
    proof="x-twilio-signature",
    proof_covers_body=True,
    read=read,
)
