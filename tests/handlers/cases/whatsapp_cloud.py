"""The table of whatsapp_cloud: what comes back, as in Meta's reference, with numbers that are nobody's. What
people write is in whatsapp_cloud_messages, what is sent in whatsapp_cloud_sends and _failures."""

from __future__ import annotations

from gateway.errors import FailureKind
from gateway.model.callback import CallbackReply
from gateway.model.content import InboundText
from gateway.model.receipt import Reason
from tests.handlers.cases.whatsapp_cloud_accounts import (
    ACCESS_TOKEN,
    ACCOUNT,
    APP_SECRET,
    CHANGING,
    OLD_APP_SECRET,
    VERIFY_TOKEN,
)
from tests.handlers.cases.whatsapp_cloud_callbacks import (
    asked,
    delivery,
    incoming,
    prove,
    read,
    receipt,
    status,
    told,
)
from tests.handlers.cases.whatsapp_cloud_failures import FAILURES
from tests.handlers.cases.whatsapp_cloud_messages import MESSAGES
from tests.handlers.cases.whatsapp_cloud_sends import SENDS
from tests.handlers.rows import CallbackRow, Table, posted

FAILED_ERRORS = [{"code": 131026, "title": "Undeliverable", "error_data": {"details": "Not on WhatsApp"}}]

CALLBACKS = (
    CallbackRow(
        "the subscription request",
        asked(mode="subscribe", verify_token=VERIFY_TOKEN, challenge="1158201444"),
        reply=CallbackReply(body=b"1158201444"),
    ),
    CallbackRow(
        "a wrong verify token", asked(mode="subscribe", verify_token="x", challenge="1"), refused=403
    ),
    CallbackRow("a request for something else", asked(verify_token=VERIFY_TOKEN), refused=403),
    CallbackRow("not JSON", prove(b"<xml/>"), refused=400),
    CallbackRow("no entries", prove(b'{"object":"page"}'), refused=400),
    *(
        CallbackRow(
            f"a status signed with the {age} secret, while it is being changed",
            prove(posted(delivery(status("sent"))), secret),
            ("dr",),
            receipts=(receipt("submitted", "sent"),),
            account="changing",
        )
        for age, secret in (("new", APP_SECRET), ("old", OLD_APP_SECRET))
    ),
    CallbackRow(
        "a status signed with the old secret, after it was changed",
        prove(posted(delivery(status("sent"))), OLD_APP_SECRET),
        refused=403,
    ),
    *MESSAGES,
    told("sent", status("sent"), receipt("submitted", "sent")),
    told("delivered", status("delivered"), receipt("delivered", "delivered")),
    told("read", status("read"), receipt("read", "read")),
    told("a voice message listened to", status("played"), receipt("read", "played")),
    *(
        told(f"{word}, which means nothing to us", status(word), receipt(None, word))
        for word in ("deleted", "warning")
    ),
    told(
        "a status with its time in milliseconds",
        status("read", timestamp="1795341600000"),
        receipt("read", "read"),
    ),
    told(
        "a status without our reference",
        status("delivered", biz_opaque_callback_data=None),
        receipt("delivered", "delivered", reference=None),
    ),
    told(
        "failed",
        status("failed", errors=FAILED_ERRORS),
        receipt(
            "failed",
            "failed",
            reason=Reason(
                code="recipient_unreachable",
                kind=FailureKind.PERMANENT,
                provider_code="131026",
                provider_text="Not on WhatsApp",
            ),
        ),
    ),
    *(
        told(
            f"failed with {code}",
            status("failed", errors=[{"code": code, "title": "t"}]),
            receipt(
                "failed",
                "failed",
                reason=Reason(code=reason, kind=kind, provider_code=str(code), provider_text="t"),
            ),
        )
        for code, reason, kind in (
            (131049, "policy_rejected", FailureKind.PERMANENT),
            (131053, "media_unreachable", FailureKind.TRANSIENT),
            (132015, "policy_rejected", FailureKind.PERMANENT),
            (999, "provider_error", FailureKind.PERMANENT),
        )
    ),
    told(
        "failed without a word",
        status("failed"),
        receipt("failed", "failed", reason=Reason(code="provider_error", kind=FailureKind.PERMANENT)),
    ),
    CallbackRow(
        "many things at once",
        prove(
            posted(
                {
                    "object": "whatsapp_business_account",
                    "entry": [
                        *delivery(
                            {**incoming("text", {"body": "Hi"}), **status("sent")}, status("delivered")
                        )["entry"],
                        *delivery({"event": "DISABLED_UPDATE"}, field="account_update")["entry"],
                        *delivery({"errors": [{"code": 131000}]})["entry"],
                    ],
                }
            )
        ),
        ("mo", "dr", "dr", "event", "event"),
        messages=(read(InboundText(text="Hi")),),
        receipts=(receipt("submitted", "sent"), receipt("delivered", "delivered")),
    ),
)

TABLE = Table(
    provider="whatsapp_cloud",
    accounts={"main": ACCOUNT, "changing": CHANGING},
    secrets=(ACCESS_TOKEN, APP_SECRET, OLD_APP_SECRET, VERIFY_TOKEN),
    sends=SENDS + FAILURES,
    callbacks=CALLBACKS,
    prove=prove,
    proof="x-hub-signature-256",
    proof_covers_body=True,
)
