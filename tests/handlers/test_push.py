"""What the push services share, and what a table cannot show: old tokens, checks, titles of threads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import CallbackRefused, ConfigurationError, FailureKind, MessageRefused, ProviderError
from gateway.model.address import Thread
from gateway.model.base import now
from gateway.model.callback import CallbackItem
from gateway.model.content import TextContent
from gateway.transports.port import HttpResponse, Token, Transports
from handlers.contract import Handler, Submission, Submitted
from handlers.shared.jwts import make_jwt
from handlers.shared.push import (
    LONGEST_SECONDS,
    collapse_key,
    fitting,
    seconds_left,
    title_of,
    urgency_of,
)
from handlers.shared.push_receipts import PushCallback, receipt_data, receipt_token, reference_of
from tests.handlers.cases import apns, fcm, web_push
from tests.handlers.cases.apns_accounts import KEY, MESSAGE_ID, PEM
from tests.handlers.cases.apns_accounts import MAIN as APPLE
from tests.handlers.cases.apns_accounts import TO as PHONE
from tests.handlers.cases.apns_accounts import read as read_as_apple
from tests.handlers.cases.apns_sends import TAKEN as TAKEN_BY_APPLE
from tests.handlers.cases.fcm_accounts import GRANTED, SERVICE_ACCOUNT, TOKEN_REQUEST
from tests.handlers.cases.fcm_accounts import MAIN as FIREBASE
from tests.handlers.cases.fcm_accounts import read as read_as_google
from tests.handlers.cases.push_rows import prove, report
from tests.handlers.cases.web_push_accounts import MAIN as BROWSERS
from tests.handlers.fake_http import Answer, FakeHttp, FakeTokens
from tests.handlers.fake_mqtt import FakeMqtt
from tests.handlers.rows import REFERENCE, Sent, answer
from tests.handlers.tables import REGISTRY, build

OF_ANOTHER_KIND = json.dumps({**json.loads(SERVICE_ACCOUNT), "private_key": PEM})
TO_APPLE = "apns-shop KEY1234567"


def message(**more: Any) -> Submission:
    return Submission(reference=REFERENCE, to=PHONE, sender=None, content=TextContent(text="Hello"), **more)


def titled(**more: Any) -> Thread:
    return Thread(id="order-4711", type="conversation", **more)


def test_a_title_is_the_attribute_else_that_of_the_thread() -> None:
    assert title_of(message()) is None
    assert title_of(message(thread=titled())) is None
    assert title_of(message(thread=titled(title="Order"))) == "Order"
    assert title_of(message(thread=titled(title="Order"), attributes={"title": "Sale"})) == "Sale"


def test_a_long_title_is_cut() -> None:
    assert title_of(message(thread=titled(title="é" * 1_000))) == "é" * 126 + "…"


def test_a_message_is_urgent_unless_it_says_otherwise() -> None:
    assert urgency_of(message()) == "high"
    assert urgency_of(message(attributes={"urgency": "very-low"})) == "very-low"


def test_an_unknown_urgency_is_refused() -> None:
    with pytest.raises(MessageRefused, match="urgency is one of very-low, low, normal, high") as refusal:
        urgency_of(message(attributes={"urgency": "HIGH"}))
    assert refusal.value.code == "invalid_message"


@pytest.mark.parametrize(
    ("given", "most", "used"),
    [
        ("order-4711", 32, "order-4711"),
        ("a" * 32, 32, "a" * 32),
        ("a" * 33, 32, "852785c805c77e71a22340a54e9d9593"),
        ("a b", 32, "c8687a08aa5d6ed2044328fa6a697ab8"),
        ("a b", 64, "c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65"),
    ],
)
def test_a_collapse_key_is_a_word_or_becomes_one(given: str, most: int, used: str) -> None:
    assert collapse_key(message(attributes={"collapse_key": given}), most) == used


def test_the_parts_of_a_message_do_not_replace_each_other() -> None:
    attributes = {"collapse_key": "order-4711"}
    keys = {collapse_key(message(attributes=attributes, part=part), 64) for part in (1, 2, 3)}
    assert len(keys) == 3
    assert collapse_key(message(), 64) is None


@pytest.mark.parametrize(
    ("left", "seconds"),
    [(timedelta(hours=1), 3_600), (timedelta(days=90), LONGEST_SECONDS), (timedelta(hours=-1), 0)],
)
def test_a_notification_is_tried_while_it_is_worth_it_and_the_service_allows(
    left: timedelta, seconds: int
) -> None:
    assert abs(seconds_left(message(expires_at=now() + left)) - seconds) <= 1


def test_without_an_end_a_notification_is_tried_as_long_as_possible() -> None:
    assert seconds_left(message()) == LONGEST_SECONDS


def test_a_payload_may_be_as_large_as_the_service_takes() -> None:
    assert fitting(b"1234", 4) == b"1234"
    with pytest.raises(MessageRefused, match="the notification has 5 bytes; 4 are taken") as refusal:
        fitting(b"12345", 4)
    assert refusal.value.code == "content_too_long"


def test_a_receipt_without_a_reference_is_as_one_for_no_message() -> None:
    found = {reference_of(body) for body in (b"", b"[]", b"{}", b'{"reference":1}', b"\xff", b"[" * 9_999)}
    assert found == {""}


@pytest.mark.parametrize("handler", [build(web_push.TABLE), build(fcm.TABLE), build(apns.TABLE)])
@pytest.mark.parametrize("scheme", ["Basic", "bearerx", ""])
def test_a_token_counts_as_a_bearer_token_only(handler: Handler, scheme: str) -> None:
    request = prove(report(status="read"))
    token = receipt_token("receipt-secret", REFERENCE)
    handler.verify(replace(request, headers={"authorization": f"bearer {token}"}))
    with pytest.raises(CallbackRefused):
        handler.verify(replace(request, headers={"authorization": f"{scheme} {token}"}))


def test_the_receipt_of_a_part_is_found_by_the_ids_of_that_part() -> None:
    item = CallbackItem("dr", b'{"reference":"shop/order-4711#2","status":"read"}')
    (receipt,) = build(apns.TABLE).parse_dr(item)
    assert receipt.reference == "shop/order-4711#2"
    assert receipt.provider_message_id not in (None, MESSAGE_ID)


def test_a_receipt_tells_where_to_post_it_only_where_that_is_configured() -> None:
    bare = PushCallback.model_validate({"receipt_secret": ["new", "old"]})
    placed = PushCallback.model_validate({"receipt_secret": "new", "receipt_url": "https://gw.example/r"})
    token = receipt_token("new", REFERENCE)
    assert receipt_data(None, message()) == {"reference": REFERENCE}
    assert receipt_data(bare, message()) == {"reference": REFERENCE, "receipt": {"token": token}}
    assert receipt_data(placed, message()) == {
        "reference": REFERENCE,
        "receipt": {"token": token, "url": "https://gw.example/r"},
    }


async def test_push_services_have_no_media_and_web_push_nobody_to_check_with() -> None:
    out = FakeHttp().transports
    for table in (web_push.TABLE, fcm.TABLE, apns.TABLE):
        assert await build(table).media("1", out) is None
    assert await build(web_push.TABLE).check(out) is None


def test_receipts_are_as_the_account_is_configured() -> None:
    for table in (web_push.TABLE, fcm.TABLE, apns.TABLE):
        can, cannot = build(table).capabilities, build(table, "silent").capabilities
        assert (can.receipts, can.read_receipts) == (True, True)
        assert (cannot.receipts, cannot.read_receipts) == (False, False)


def apple_token(age: timedelta) -> str:
    claims = {"iss": "TEAM123456", "iat": int((now() - age).timestamp())}
    return make_jwt(claims, KEY, algorithm="ES256", headers={"kid": "KEY1234567"})


async def to_apple(kept: str, *answers: Answer) -> tuple[Submitted | ProviderError, list[str]]:
    """What becomes of a message when this token is kept, and the tokens that Apple was shown."""
    http, tokens = FakeHttp(*answers), FakeTokens()
    tokens.kept[TO_APPLE] = Token(kept, now() + timedelta(minutes=5))
    out = Transports(http=FakeHttp(), http2=http, mqtt=FakeMqtt(), tokens=tokens)
    try:
        result: Submitted | ProviderError = await build(apns.TABLE).send(message(), out)
    except ProviderError as error:
        result = error
    assert not http.unused
    return result, [request.headers["authorization"].partition(" ")[2] for request in http.requests]


TOO_OLD = answer({"reason": "ExpiredProviderToken"}, 403)


async def test_apple_is_shown_the_token_that_is_kept() -> None:
    kept = apple_token(timedelta(minutes=40))
    assert await to_apple(kept, TAKEN_BY_APPLE) == (Submitted((MESSAGE_ID,)), [kept])


async def test_a_token_that_apple_finds_too_old_is_renewed_once() -> None:
    kept = apple_token(timedelta(minutes=21))
    result, shown = await to_apple(kept, TOO_OLD, TAKEN_BY_APPLE)
    assert result == Submitted((MESSAGE_ID,))
    assert shown[0] == kept != shown[1]
    result, shown = await to_apple(kept, TOO_OLD, TOO_OLD)
    assert isinstance(result, ProviderError)
    assert (result.kind, result.code, len(shown)) == (FailureKind.AUTH, "ExpiredProviderToken", 2)


async def test_a_token_is_not_renewed_within_twenty_minutes() -> None:
    kept = apple_token(timedelta(minutes=19))
    result, shown = await to_apple(kept, TOO_OLD)
    assert isinstance(result, ProviderError)
    assert (result.kind, result.code, shown) == (FailureKind.AUTH, "ExpiredProviderToken", [kept])


@pytest.mark.parametrize("response", [answer({"reason": "BadDeviceToken"}, 400), TAKEN_BY_APPLE])
async def test_apple_takes_the_credentials_when_it_looks_at_the_device(response: HttpResponse) -> None:
    http = FakeHttp(response)
    assert await build(apns.TABLE).check(http.transports) == "topic com.example.shop"
    sent = read_as_apple(http.requests[0])
    assert sent == Sent(
        "POST",
        f"https://apns.example/3/device/{'0' * 64}",
        {
            "authorization": "bearer KEY1234567 of TEAM123456",
            "apns-topic": "com.example.shop",
            "apns-push-type": "background",
            "apns-priority": "5",
        },
        {"aps": {"content-available": 1}},
    )


async def test_apple_refuses_the_credentials() -> None:
    http = FakeHttp(answer({"reason": "InvalidProviderToken"}, 403))
    with pytest.raises(ProviderError) as error:
        await build(apns.TABLE).check(http.transports)
    assert (error.value.kind, error.value.code) == (FailureKind.AUTH, "InvalidProviderToken")


async def test_firebase_takes_the_credentials_without_sending_anything() -> None:
    http = FakeHttp(GRANTED, answer({"name": "projects/shop-1/messages/fake_message_id"}))
    assert await build(fcm.TABLE).check(http.transports) == "project shop-1"
    assert [read_as_google(request) for request in http.requests] == [
        TOKEN_REQUEST,
        Sent(
            "POST",
            "https://fcm.example/v1/projects/shop-1/messages:send",
            {"authorization": "Bearer ya29.first", "content-type": "application/json"},
            {"validate_only": True, "message": {"topic": "im-gateway-credentials-check"}},
        ),
    ]


async def test_firebase_refuses_the_credentials() -> None:
    http = FakeHttp(GRANTED, answer({"error": {"status": "PERMISSION_DENIED"}}, 403))
    with pytest.raises(ProviderError) as error:
        await build(fcm.TABLE).check(http.transports)
    assert (error.value.kind, error.value.code) == (FailureKind.AUTH, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("raw", "field", "what"),
    [
        (FIREBASE, "service_account", "is not the key of a service account in JSON"),
        (
            APPLE,
            "private_key",
            "is not a key on the curve P-256 in PEM, as in the .p8 files of Apple",
        ),
        (
            BROWSERS,
            "private_key",
            "is not a private VAPID key: 32 bytes in base64url",
        ),
    ],
)
@pytest.mark.parametrize("wrong", ["nothing", "{}", "_" * 43, "A" * 43, OF_ANOTHER_KIND])
def test_a_key_of_another_form_is_refused(raw: dict[str, Any], field: str, what: str, wrong: str) -> None:
    account = {**raw, "credentials": {**raw["credentials"], field: wrong}}
    with pytest.raises(ConfigurationError) as error:
        REGISTRY.account(account, "a.yaml")
    assert str(error.value) == f"a.yaml: credentials.{field}: {what}"


async def test_notifications_of_a_thread_are_one_group_at_apple() -> None:
    http = FakeHttp(TAKEN_BY_APPLE)
    await build(apns.TABLE, "silent").send(message(thread=titled(title="Order")), http.transports)
    assert read_as_apple(http.requests[0]).body == {
        "aps": {"alert": {"title": "Order", "body": "Hello"}, "thread-id": "order-4711"},
        "data": {"reference": REFERENCE},
    }
