"""Twilio's own library as the other side: what it signs is verified, and what it would refuse is refused."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from gateway.errors import CallbackRefused
from gateway.model.callback import CallbackRequest
from tests.handlers.cases.twilio import TABLE
from tests.handlers.cases.twilio_accounts import AUTH_TOKEN
from tests.handlers.tables import build

URL = "https://gw.example/callbacks/tw-shop?x=1"
VALIDATOR = RequestValidator(AUTH_TOKEN)
SEARCH = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["MessageSid", "MessageStatus", "From", "To", "Body", "MediaUrl0", "Latitude", "ErrorCode"]
    )
    | WORDS.filter(bool),
    WORDS,
    min_size=1,
    max_size=8,
)


def signed(fields: dict[str, str], url: str = URL) -> CallbackRequest:
    headers = {"x-twilio-signature": VALIDATOR.compute_signature(url, fields)}
    return CallbackRequest("POST", URL, {"x": "1"}, headers, urlencode(fields).encode())


@SEARCH
@given(fields=FIELDS)
def test_any_form_that_the_library_signs_is_verified_and_read_or_refused(fields: dict[str, str]) -> None:
    handler, request = build(TABLE, "number"), signed(fields)
    handler.verify(request)
    for item in handler.split(request):
        for parse in (handler.parse_mo, handler.parse_dr):
            try:
                parse(item)
            except ValueError:
                continue


@SEARCH
@given(fields=FIELDS, others=FIELDS)
def test_a_form_that_the_library_would_refuse_is_refused(
    fields: dict[str, str], others: dict[str, str]
) -> None:
    given_proof = signed(fields).headers
    request = CallbackRequest("POST", URL, {"x": "1"}, given_proof, urlencode(others).encode())
    taken = VALIDATOR.validate(URL, others, given_proof["x-twilio-signature"])
    try:
        build(TABLE, "number").verify(request)
    except CallbackRefused:
        assert not taken
    else:
        assert taken


@pytest.mark.parametrize("url", [URL.replace("gw.example", "gw.example:443"), URL])
def test_a_url_counts_with_and_without_its_port_as_it_does_for_the_library(url: str) -> None:
    request = signed({"Body": "Hi"}, url)
    assert VALIDATOR.validate(URL, {"Body": "Hi"}, request.headers["x-twilio-signature"])
    build(TABLE, "number").verify(request)


def test_a_body_in_json_is_covered_by_its_hash_as_it_is_for_the_library() -> None:
    body = '{"EventType":"onMessageAdded"}'
    digest = hashlib.sha256(body.encode()).hexdigest()
    url = f"{URL}&bodySHA256={digest}"
    signature = VALIDATOR.compute_signature(url, {})
    assert VALIDATOR.validate(url, body, signature)
    query, headers = {"x": "1", "bodySHA256": digest}, {"x-twilio-signature": signature}
    build(TABLE).verify(CallbackRequest("POST", url, query, headers, body.encode()))
