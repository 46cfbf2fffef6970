"""What is sent through slack: rows from submission to the exact calls."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.cases.slack_accounts import ANN, DONE, TAKEN, TO, call, plain, posted, section
from tests.handlers.rows import REFERENCE, Failed, SendRow, Sent, answer

AUTH, PERMANENT, THROTTLED = FailureKind.AUTH, FailureKind.PERMANENT, FailureKind.THROTTLED
TRANSIENT, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.UNCERTAIN
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
LINK = "https://cdn.example/picture.jpg"
CLOSED = {"unfurl_links": False, "unfurl_media": False}
IDS = ("C0SHOP:1795341600.000700",)
YES, SHOP = {"type": "reply", "id": "yes", "title": "Yes"}, "https://shop.example"
BUTTONS = [YES, {"type": "url", "title": "Shop", "url": SHOP}]
ROW: dict[str, Any] = {"id": "s", "title": "Small", "description": "Up to 10"}


def sent(name: str, content: dict[str, Any], request: Sent, **more: Any) -> SendRow:
    given = {"to": TO, "answers": (TAKEN,), "ids": IDS, **more}
    return SendRow(name, content, requests=(request,), **given)


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, **more})


def fails(error: str, failed: Failed, status: int = 200) -> SendRow:
    waits: dict[str, Any] = {}
    if failed.retry_after_seconds is not None:
        waits = {"retry_after": f"{failed.retry_after_seconds:g}"}
    return SendRow(
        f"{status} {error}",
        HELLO,
        TO,
        answers=(answer({"ok": False, "error": error}, status, **waits),),
        requests=(posted(text="Hello", **CLOSED),),
        failed=failed,
    )


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def reply_button(number: int, title: str, value: str) -> dict[str, Any]:
    return {"type": "button", "text": plain(title), "action_id": f"reply:{number}", "value": value}


URL_BUTTON = {"type": "button", "text": plain("Shop"), "action_id": "url:2", "url": SHOP}
OPTION = {"text": plain("Small"), "value": "s", "description": plain("Up to 10")}


def menu(**options: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "list", "placeholder": plain("Sizes"), **options}


def listing(*sections: dict[str, Any]) -> dict[str, Any]:
    return {"type": "list", "text": "Which?", "button": "Sizes", "sections": list(sections)}


MESSAGES = (
    sent("a text", HELLO, posted(text="Hello", **CLOSED)),
    sent("a text to a person", HELLO, posted(text="Hello", **CLOSED, channel="U0ANNLEE"), to=ANN),
    sent(
        "a text with signs that Slack would read as a link or a mention, and with previews",
        {"type": "text", "text": "<!here> & 1 > 0", "preview_url": True},
        posted(text="&lt;!here&gt; &amp; 1 &gt; 0", unfurl_links=True, unfurl_media=True),
    ),
    sent(
        "an answer in a thread",
        HELLO,
        posted(text="Hello", **CLOSED, thread_ts="1795341500.000100"),
        in_reply_to="C0SHOP:1795341500.000100",
    ),
    sent(
        "an answer to a pressed button",
        HELLO,
        posted(text="Hello", **CLOSED, thread_ts="1795341500.000100"),
        in_reply_to="C0SHOP:1795341500.000100:1795341501.000000",
    ),
    sent(
        "buttons of both kinds",
        {"type": "text", "text": "Well & good?", "buttons": BUTTONS},
        posted(
            text="Well &amp; good?",
            blocks=[section("Well & good?"), actions(reply_button(1, "Yes", "yes"), URL_BUTTON)],
        ),
    ),
    sent(
        "more buttons than fit in one row",
        {"type": "text", "text": "Which?", "buttons": [YES] * 26},
        posted(
            text="Which?",
            blocks=[
                section("Which?"),
                actions(*(reply_button(number, "Yes", "yes") for number in range(1, 26))),
                actions(reply_button(26, "Yes", "yes")),
            ],
        ),
    ),
    sent(
        "an image with a caption and a button",
        {"type": "image", "url": LINK, "caption": "This?", "buttons": [YES]},
        posted(
            text="This?",
            blocks=[
                {"type": "image", "image_url": LINK, "alt_text": "This?"},
                section("This?"),
                actions(reply_button(1, "Yes", "yes")),
            ],
        ),
    ),
    sent(
        "an image by id",
        {"type": "image", "media_id": "F0PICTURE", "filename": "shoes.png"},
        posted(
            text="shoes.png",
            blocks=[{"type": "image", "slack_file": {"id": "F0PICTURE"}, "alt_text": "shoes.png"}],
        ),
    ),
    sent(
        "an image without any words",
        {"type": "image", "url": LINK},
        posted(text="image", blocks=[{"type": "image", "image_url": LINK, "alt_text": "image"}]),
    ),
    sent(
        "a list",
        listing({"rows": [ROW, {"id": "l", "title": "Large"}]}),
        posted(
            text="Which?",
            blocks=[
                section("Which?"),
                actions(menu(options=[OPTION, {"text": plain("Large"), "value": "l"}])),
            ],
        ),
    ),
    sent(
        "a list with sections, of which one has no title",
        listing({"title": "Kids", "rows": [ROW]}, {"rows": [ROW]}),
        posted(
            text="Which?",
            blocks=[
                section("Which?"),
                actions(
                    menu(
                        option_groups=[
                            {"label": plain("Kids"), "options": [OPTION]},
                            {"label": plain("Sizes"), "options": [OPTION]},
                        ]
                    )
                ),
            ],
        ),
    ),
    sent(
        "raw arguments",
        {"type": "raw", "payload": {"channel": "C0OTHER", "text": "*Hi*", "icon_emoji": ":tada:"}},
        call("chat.postMessage", channel="C0SHOP", text="*Hi*", icon_emoji=":tada:"),
    ),
)

REACTIONS = (
    *(
        sent(
            f"a reaction given as {emoji}",
            {"type": "reaction", "to": "C0SHOP:1795341500.000100", "emoji": emoji},
            call("reactions.add", channel="C0SHOP", timestamp="1795341500.000100", name=name),
            answers=(DONE,),
            ids=(REFERENCE,),
        )
        for emoji, name in (("👍", "+1"), ("❤️", "heart"), (":party-parrot:", "party-parrot"))
    ),
    sent(
        "a reaction that was there already",
        {"type": "reaction", "to": "C0SHOP:1795341500.000100", "emoji": "👀"},
        call("reactions.add", channel="C0SHOP", timestamp="1795341500.000100", name="eyes"),
        answers=(answer({"ok": False, "error": "already_reacted"}),),
        ids=(REFERENCE,),
    ),
    SendRow(
        "a reaction to a message that is gone",
        {"type": "reaction", "to": "C0SHOP:1795341500.000100", "emoji": "👀"},
        TO,
        answers=(answer({"ok": False, "error": "message_not_found"}),),
        requests=(call("reactions.add", channel="C0SHOP", timestamp="1795341500.000100", name="eyes"),),
        failed=Failed(PERMANENT, "invalid_message", "message_not_found"),
    ),
)

FAILURES = (
    fails("ratelimited", Failed(THROTTLED, "rate_limited", "ratelimited", 30.0), 429),
    fails("ratelimited", Failed(THROTTLED, "rate_limited", "ratelimited", 3.0)),
    fails("message_limit_exceeded", Failed(THROTTLED, "quota_exceeded", "message_limit_exceeded")),
    fails("invalid_auth", Failed(AUTH, "account_credentials", "invalid_auth")),
    fails("token_revoked", Failed(AUTH, "account_credentials", "token_revoked")),
    fails("account_inactive", Failed(AUTH, "account_suspended", "account_inactive")),
    fails("missing_scope", Failed(AUTH, "account_credentials", "missing_scope")),
    fails("channel_not_found", Failed(PERMANENT, "invalid_recipient", "channel_not_found")),
    fails("not_in_channel", Failed(PERMANENT, "recipient_unreachable", "not_in_channel")),
    fails("is_archived", Failed(PERMANENT, "recipient_gone", "is_archived")),
    fails("restricted_action", Failed(PERMANENT, "policy_rejected", "restricted_action")),
    fails("msg_too_long", Failed(PERMANENT, "content_too_long", "msg_too_long")),
    fails("invalid_blocks", Failed(PERMANENT, "invalid_message", "invalid_blocks")),
    fails("service_unavailable", Failed(TRANSIENT, "provider_unavailable", "service_unavailable")),
    fails("fatal_error", Failed(UNCERTAIN, "provider_error", "fatal_error"), 500),
    fails("something_new", Failed(PERMANENT, "provider_error", "something_new")),
    fails("something_new", Failed(TRANSIENT, "provider_unavailable", "something_new"), 503),
    SendRow(
        "too many requests, in words of somebody else",
        HELLO,
        TO,
        answers=(HttpResponse(429, {"retry-after": "7"}, b"slow down"),),
        requests=(posted(text="Hello", **CLOSED),),
        failed=Failed(THROTTLED, "rate_limited", "http_429", 7.0),
    ),
    SendRow(
        "a success without the message's time",
        HELLO,
        TO,
        answers=(answer({"ok": True, "channel": "C0SHOP"}),),
        requests=(posted(text="Hello", **CLOSED),),
        failed=Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
)

REFUSALS = (
    refused("a number", "invalid_recipient", HELLO, to=Address(kind="msisdn", id="447700900001")),
    refused("an answer to what is no message of Slack", "invalid_message", HELLO, in_reply_to="wamid.X"),
    refused("a document", "unsupported_content", {"type": "document", "media_id": "F0"}),
    refused(
        "a button that calls",
        "unsupported_content",
        {"type": "text", "text": "T", "buttons": [{"type": "call", "title": "C", "phone": "+44"}]},
    ),
    refused(
        "a reaction that is taken back",
        "unsupported_content",
        {"type": "reaction", "to": "C0SHOP:1795341500.000100", "emoji": ""},
    ),
    refused(
        "a reaction whose name is not known",
        "unsupported_content",
        {"type": "reaction", "to": "C0SHOP:1795341500.000100", "emoji": "🦩"},
    ),
    refused("a row with a long id", "content_too_long", listing({"rows": [{"id": "x" * 151, "title": "X"}]})),
)

SENDS = MESSAGES + REACTIONS + FAILURES + REFUSALS
