"""What cannot be sent through wechat: what WeChat refuses, what goes wrong, and what we refuse."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.model.base import event_id
from gateway.transports.port import HttpResponse
from tests.handlers.cases.wechat_accounts import (
    DONE,
    FETCHED,
    FRESH,
    HELLO,
    LINK,
    NEXT,
    NEXT_TOKEN,
    TO,
    called,
    found,
    said,
    token_asked,
    upload,
)
from tests.handlers.rows import REFERENCE, Failed, SendRow, answer

AUTH, PERMANENT, THROTTLED = FailureKind.AUTH, FailureKind.PERMANENT, FailureKind.THROTTLED
TRANSIENT, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.UNCERTAIN


def fails(errcode: int, failed: Failed) -> SendRow:
    waits: dict[str, Any] = (
        {} if failed.retry_after_seconds is None else {"retry_after": f"{failed.retry_after_seconds:g}"}
    )
    return SendRow(
        f"errcode {errcode}",
        HELLO,
        TO,
        answers=(FRESH, answer({"errcode": errcode, "errmsg": "no rid: 1"}, **waits)),
        requests=(token_asked(), said("text", {"content": "Hello"})),
        failed=failed,
    )


def refused(name: str, reason: str, content: dict[str, Any], **more: Any) -> SendRow:
    return SendRow(name, content, refused=reason, **{"to": TO, **more})


def unfetched(name: str, content: dict[str, Any], got: HttpResponse | ProviderError, **more: Any) -> SendRow:
    return SendRow(name, content, TO, answers=(got,), requests=(FETCHED,), **more)


FAILURES = (
    SendRow(
        "a second token that is refused as well",
        HELLO,
        TO,
        answers=(FRESH, answer({"errcode": 40001}), NEXT, answer({"errcode": 40001})),
        requests=(
            token_asked(),
            said("text", {"content": "Hello"}),
            token_asked(force=True),
            said("text", {"content": "Hello"}, NEXT_TOKEN),
        ),
        failed=Failed(AUTH, "account_credentials", "40001"),
    ),
    SendRow(
        "a secret that is refused",
        HELLO,
        TO,
        answers=(answer({"errcode": 40125, "errmsg": "invalid appsecret"}),),
        requests=(token_asked(),),
        failed=Failed(AUTH, "account_credentials", "40125"),
    ),
    SendRow(
        "a token that cannot be read",
        HELLO,
        TO,
        answers=(answer({"access_token": ""}),),
        requests=(token_asked(),),
        failed=Failed(TRANSIENT, "provider_error", "http_200"),
    ),
    SendRow(
        "a template without an id of the message",
        {
            "type": "template",
            "name": "shipped",
            "language": "en",
            "parameters": {"body": ["a", "b"]},
        },
        TO,
        answers=(FRESH, DONE),
        requests=(
            token_asked(),
            called(
                "message/template/send",
                template_id="TM-1",
                data={"thing1": {"value": "a"}, "time2": {"value": "b"}},
                client_msg_id=event_id(REFERENCE),
            ),
        ),
        failed=Failed(UNCERTAIN, "provider_error", "http_200"),
    ),
    SendRow(
        "an upload that WeChat refuses",
        {"type": "image", "url": LINK},
        TO,
        answers=(found("image/gif"), FRESH, answer({"errcode": 40009, "errmsg": "invalid image size"})),
        requests=(FETCHED, token_asked(), upload("image", "gif", "image/gif")),
        failed=Failed(PERMANENT, "media_too_large", "40009"),
    ),
    SendRow(
        "an upload that may have come through, and is made again: nothing was sent",
        {"type": "image", "url": LINK},
        TO,
        answers=(found("image/gif"), FRESH, ProviderError(UNCERTAIN, reason="provider_error", code="reset")),
        requests=(FETCHED, token_asked(), upload("image", "gif", "image/gif")),
        failed=Failed(TRANSIENT, "provider_error", "reset"),
    ),
    SendRow(
        "a token that may have been given",
        HELLO,
        TO,
        answers=(HttpResponse(500),),
        requests=(token_asked(),),
        failed=Failed(TRANSIENT, "provider_error", "http_500"),
    ),
    SendRow(
        "an upload whose id cannot be read",
        {"type": "image", "url": LINK},
        TO,
        answers=(found("image/jpeg"), FRESH, DONE),
        requests=(FETCHED, token_asked(), upload("image", "jpg", "image/jpeg")),
        failed=Failed(TRANSIENT, "provider_error", "http_200"),
    ),
    unfetched(
        "media that are not there",
        {"type": "image", "url": LINK},
        HttpResponse(404),
        failed=Failed(PERMANENT, "media_unreachable", "http_404"),
    ),
    unfetched(
        "media whose server is away",
        {"type": "image", "url": LINK},
        HttpResponse(503),
        failed=Failed(TRANSIENT, "media_unreachable", "http_503"),
    ),
    unfetched(
        "media that come too slowly: nothing was sent",
        {"type": "image", "url": LINK},
        ProviderError(UNCERTAIN, reason="provider_unavailable", code="timeout"),
        failed=Failed(TRANSIENT, "media_unreachable", "timeout"),
    ),
    unfetched(
        "media whose server cannot be reached",
        {"type": "image", "url": LINK},
        ProviderError(TRANSIENT, reason="provider_unavailable", code="dns"),
        failed=Failed(TRANSIENT, "media_unreachable", "dns"),
    ),
    unfetched(
        "media of a type that WeChat does not take",
        {"type": "video", "url": LINK},
        found("video/webm"),
        failed=Failed(PERMANENT, "media_unsupported", None),
    ),
    fails(-1, Failed(TRANSIENT, "provider_unavailable", "-1")),
    fails(45009, Failed(THROTTLED, "quota_exceeded", "45009")),
    fails(45011, Failed(THROTTLED, "rate_limited", "45011", 30.0)),
    fails(45015, Failed(PERMANENT, "outside_session_window", "45015")),
    fails(45047, Failed(PERMANENT, "outside_session_window", "45047")),
    fails(40003, Failed(PERMANENT, "invalid_recipient", "40003")),
    fails(43004, Failed(PERMANENT, "recipient_unreachable", "43004")),
    fails(48002, Failed(PERMANENT, "recipient_opted_out", "48002")),
    fails(40007, Failed(PERMANENT, "media_unreachable", "40007")),
    fails(45002, Failed(PERMANENT, "content_too_long", "45002")),
    fails(40037, Failed(PERMANENT, "template_unknown", "40037")),
    fails(47003, Failed(PERMANENT, "template_parameters", "47003")),
    fails(40164, Failed(AUTH, "account_credentials", "40164")),
    fails(50002, Failed(AUTH, "account_suspended", "50002")),
    fails(99999, Failed(PERMANENT, "provider_error", "99999")),
    SendRow(
        "an unknown errcode under an HTTP status that says more",
        HELLO,
        TO,
        answers=(FRESH, answer({"errcode": 99999}, 503)),
        requests=(token_asked(), said("text", {"content": "Hello"})),
        failed=Failed(TRANSIENT, "provider_unavailable", "99999"),
    ),
)

REFUSALS = (
    refused("a number", "invalid_recipient", HELLO, to=Address(kind="msisdn", id="447700900001")),
    refused("a document", "unsupported_content", {"type": "document", "media_id": "M"}),
    refused("a caption", "unsupported_content", {"type": "image", "url": LINK, "caption": "This"}),
    refused(
        "two kinds of buttons",
        "unsupported_content",
        {
            "type": "text",
            "text": "Well?",
            "buttons": [
                {"type": "reply", "id": "y", "title": "Y"},
                {"type": "url", "title": "S", "url": "https://s.example"},
            ],
        },
    ),
    refused("a raw body of neither call", "unsupported_content", {"type": "raw", "payload": {"touser": "o"}}),
    refused(
        "a template that is not configured",
        "template_unknown",
        {"type": "template", "name": "paid", "language": "en"},
    ),
    *(
        refused(
            f"a template with {name}",
            "template_parameters",
            {"type": "template", "name": "shipped", "language": "en", "parameters": parameters},
        )
        for name, parameters in (
            ("a value too few", {"body": ["a"]}),
            ("a header", {"header": ["h"], "body": ["a", "b"]}),
            ("two buttons", {"body": ["a", "b"], "buttons": ["https://a.example", "https://b.example"]}),
        )
    ),
)
