"""What is taken out of texts, and what is left in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import FailureKind, UnavailableError
from gateway.telemetry.clean import clean, clean_text
from gateway.telemetry.redact import holds_message, looks_secret, mask_address, redact_text, redact_url

SECRET = "s3cr3t_ABCdef-0123456789"
UTC_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BOT = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"

LEAKS = [
    f"Authorization: Bearer {SECRET}",
    f"'authorization': '{SECRET}'",
    f"Authorization=Basic {SECRET}==",
    f"sent bearer {SECRET} along",
    f"Bearer\t{SECRET}",
    f"Token {SECRET}",
    f"https://api.telegram.org/bot{BOT}/sendMessage",
    "https://api.telegram.org/bot1:x/getMe".replace("x", SECRET),
    f"token is {BOT}!",
    f"amqp://user:{SECRET}@rabbit:5672/imgw",
    f"amqps://user:pa/{SECRET}@rabbit:5672/imgw",
    f"mongodb+srv://user:{SECRET}@a,b/?replicaSet=x",
    f"https://{SECRET}@host/path",
    f"https://user:@{SECRET}@host/path",
    f"https://graph.example/v1?access_token={SECRET}&a=1",
    f"https://host/callback?a=1&sig={SECRET}",
    f"https://host/callback?key={SECRET}#x",
    f"hub.verify_token={SECRET}",
    f"client_secret={SECRET}&grant_type=x",
    f"password={SECRET}, user=x",
    f'{{"access_token": "{SECRET}"}}',
    f"{{'api_key':'{SECRET}'}}",
    f'{{\\"app_secret\\": \\"{SECRET}\\"}}',
    f"X-Hub-Signature-256=sha256:{SECRET}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
]


@pytest.mark.parametrize("text", LEAKS)
def test_a_secret_in_a_text_is_taken_out_wherever_it_stands(text: str) -> None:
    for wrapped in (text, f"before {text} after", f"({text})", f"[{text}]"):
        cleaned = redact_text(wrapped)
        assert SECRET not in cleaned
        assert BOT not in cleaned
        assert "***" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mt.submitted",
        "account wa-shop refused: 131026",
        "routing_key=imgw.mt code=131026 attempt=3",
        "https://graph.example/v1/messages?limit=10",
        "at 12:30:00, in 5s",
        "2026-11-22T10:00:00.000+00:00",
        "0190a6b0-1c5e-7000-8000-0123456789ab",
        "wamid.HBgLMTIzNDU2Nzg5MAVBAA==",
        "mail@example.com wrote",
        "http://host:8080/path",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_what_stands_around_a_secret_stays_readable() -> None:
    assert (
        redact_text(f"amqp://user:{SECRET}@rabbit:5672/imgw is gone") == "amqp://***@rabbit:5672/imgw is gone"
    )
    assert redact_text(f"GET /bot{BOT}/sendMessage?a=1") == "GET /bot***/sendMessage?a=1"
    assert redact_text(f"/x?access_token={SECRET}&a=1") == "/x?access_token=***&a=1"
    assert redact_text("to +447911123456, now") == "to +447*******56, now"


@given(st.text(max_size=200) | st.sampled_from(LEAKS))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize(
    "unit", ["a", "://", "a://", "+1", "1:", "token", "token=", '"token', "Bearer ", "@", "a:@"]
)
def test_a_long_text_made_to_be_slow_is_not(unit: str) -> None:
    """Time is not measured: a rule that backtracks without bound would not end within the test's time-out."""
    assert isinstance(redact_text(unit * (64_000 // len(unit))), str)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        (f"https://u:{SECRET}@host:8080/a/b?x={SECRET}&y", "https://***@host:8080/a/b?x=***&y"),
        (f"https://api.telegram.org/bot{BOT}/sendMessage", "https://api.telegram.org/bot***/sendMessage"),
        (f"https://host/?a={SECRET}&b=1#frag", "https://host/?a=***&b=***#frag"),
        ("https://host/path", "https://host/path"),
        ("not a url", "not a url"),
    ],
)
def test_of_a_url_the_way_is_kept_and_all_values_are_not(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


@pytest.mark.parametrize(
    ("kind", "address", "masked"),
    [
        ("msisdn", "+447911123456", "+447*******56"),
        ("msisdn", "447911123456", "4479******56"),
        ("msisdn", "12345", "***45"),
        ("email", "jane.doe@example.com", "j***@example.com"),
        ("psid", "24681012141618", "***1618"),
        ("chat_id", "12345678", "***5678"),
        ("user_id", "12345", "***"),
        ("device_token", "abcdef" + "0" * 60 + "wxyz", "abcdef***wxyz"),
        ("device_token", "short-token", "***oken"),
        ("topic", "news/sports", "news/sports"),
        ("email", "not-an-email", "***mail"),
    ],
)
def test_an_address_keeps_enough_to_be_told_from_others(kind: str, address: str, masked: str) -> None:
    assert mask_address(kind, address) == masked


@given(st.sampled_from(["msisdn", "psid", "chat_id", "openid", "email"]), st.text("0123456789+", max_size=20))
def test_at_least_half_of_an_address_is_hidden(kind: str, address: str) -> None:
    shown = mask_address(kind, address).replace("*", "")
    assert len(shown) <= max(2, len(address) * 2 // 3)


SECRET_NAMES = (
    "access_token token Authorization X-Api-Key apikey client_secret password passwd Set-Cookie"
    " x-hub-signature-256 sig private-key credentials fernet_keys key"
)


@pytest.mark.parametrize("key", SECRET_NAMES.split())
def test_a_name_of_a_secret_is_known(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize(
    "key", ["routing_key", "account", "message_id", "author", "keyword", "event", "design"]
)
def test_a_name_of_something_else_is_not_taken_for_a_secret(key: str) -> None:
    assert not looks_secret(key)


def test_what_people_write_is_known_by_its_name() -> None:
    assert [
        key for key in ("text", "Body", "caption", "context", "next", "body_bytes") if holds_message(key)
    ] == [
        "text",
        "Body",
        "caption",
    ]


def test_a_value_for_a_log_line_is_plain_and_short() -> None:
    assert clean({"a": (1, 2.5, None, True), "b": {"c": b"bytes"}, "d": object(), "e": 2**70}) == {
        "a": [1, 2.5, None, True],
        "b": {"c": "<5 bytes>"},
        "d": "<object>",
        "e": str(2**70),
    }
    assert clean([FailureKind.AUTH, Path("a/b"), UnavailableError(f"token={SECRET}"), UTC_NOON]) == [
        "auth",
        "a/b",
        "UnavailableError: token=***",
        "2026-11-22T12:00:00.000Z",
    ]
    assert clean_text("x" * 5_000) == "x" * 2_000 + "… (5000 characters)"
    assert clean(list(range(1_000))) == list(range(50))
    deep: list[object] = []
    deep.append(deep)
    assert clean(deep) == [[[[[["…"]]]]]]


def test_a_value_cannot_forge_a_line_or_move_the_cursor() -> None:
    assert clean_text('a\nb\r\x1b[2J\u2028"') == r'a\x0ab\x0d\x1b[2J\x2028"'


def test_a_secret_in_any_depth_is_taken_out() -> None:
    value = {"a": [{"access_token": SECRET, "text": SECRET, "url": f"https://u:{SECRET}@h/"}], SECRET: 1}
    assert clean(value) == {
        "a": [{"access_token": "***", "text": f"<{len(SECRET)} characters>", "url": "https://***@h/"}],
        SECRET: 1,
    }
