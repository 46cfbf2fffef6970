"""Vonage's own libraries as the other side: they take the requests we make, and sign the webhooks we read."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vonage_http_client.auth import Auth  # type: ignore[import-untyped]
from vonage_jwt.verify_jwt import verify_signature  # type: ignore[import-untyped]
from vonage_messages.models import (  # type: ignore[import-untyped]
    MessengerText,
    MmsImage,
    Sms,
    ViberImage,
    ViberText,
    WhatsappAudio,
    WhatsappCustom,
    WhatsappFile,
    WhatsappImage,
    WhatsappSticker,
    WhatsappText,
    WhatsappVideo,
)
from vonage_sms.requests import SmsMessage  # type: ignore[import-untyped]

from gateway.errors import CallbackRefused
from gateway.model.callback import CallbackRequest
from tests.handlers.cases.vonage import HI, TABLE, URL, proof
from tests.handlers.cases.vonage_accounts import ACCOUNTS, SIGNATURE_SECRET, read
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import SendRow
from tests.handlers.tables import REGISTRY, build

MODELS = {
    ("whatsapp", "text"): WhatsappText,
    ("whatsapp", "image"): WhatsappImage,
    ("whatsapp", "video"): WhatsappVideo,
    ("whatsapp", "audio"): WhatsappAudio,
    ("whatsapp", "file"): WhatsappFile,
    ("whatsapp", "sticker"): WhatsappSticker,
    ("whatsapp", "custom"): WhatsappCustom,
    ("sms", "text"): Sms,
    ("mms", "image"): MmsImage,
    ("viber_service", "text"): ViberText,
    ("viber_service", "image"): ViberImage,
    ("messenger", "text"): MessengerText,
}
NOT_IN_THE_LIBRARY = {"reaction"}
TAKEN = [row for row in TABLE.sends if row.ids]
SEARCH = settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FIELDS = st.dictionaries(
    st.sampled_from(["messageId", "msisdn", "to", "status", "text", "nonce"]), WORDS, min_size=1
).map(lambda fields: {**fields, "timestamp": "1795341600"})


async def asked(row: SendRow) -> dict[str, object]:
    http = FakeHttp(*row.answers)
    await build(TABLE, row.account).send(row.submission, http.transports)
    body: dict[str, object] = read(http.requests[0]).body
    return body


@pytest.mark.parametrize(
    "row", [row for row in TAKEN if row.account not in ("sms", "hmac")], ids=lambda r: r.name
)
async def test_the_library_would_send_the_same_message(row: SendRow) -> None:
    body = await asked(row)
    if body["message_type"] in NOT_IN_THE_LIBRARY:
        return
    model = MODELS[str(body["channel"]), str(body["message_type"])]
    message = model.model_validate({**body, "from_": body["from"]})
    assert message.model_dump(by_alias=True, exclude_none=True, mode="json") == body


@pytest.mark.parametrize("row", [row for row in TAKEN if row.account == "sms"], ids=lambda row: row.name)
async def test_the_library_would_send_the_same_sms(row: SendRow) -> None:
    form = await asked(row)
    credentials = {name: form.pop(name) for name in ("api_key", "api_secret")}
    assert credentials == {"api_key": "abcd1234", "api_secret": "a-secret-of-the-api"}
    named = {name.replace("-", "_"): value for name, value in form.items()}
    message = SmsMessage.model_validate({**named, "from_": form["from"]})
    written = message.model_dump(by_alias=True, exclude_none=True)
    assert {name: str(value) for name, value in written.items()} == {**form, "status-report-req": "True"}


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@SEARCH
@given(fields=FIELDS, others=FIELDS)
def test_an_sms_webhook_counts_as_signed_where_the_library_says_so(
    algorithm: str, fields: dict[str, str], others: dict[str, str]
) -> None:
    raw = ACCOUNTS["sms"] | {"callback": {"signature_secret": SIGNATURE_SECRET, "algorithm": algorithm}}
    handler = REGISTRY.handler(REGISTRY.account(raw, "test"))
    auth = Auth(
        api_key="abcd1234",
        signature_secret=SIGNATURE_SECRET,
        signature_method=algorithm,
    )
    signature = auth.sign_params(dict(fields))
    handler.verify(_form({**fields, "sig": signature}))
    taken = auth.check_signature({**others, "sig": signature})
    try:
        handler.verify(_form({**others, "sig": signature}))
    except CallbackRefused:
        assert not taken
    else:
        assert taken


def _form(fields: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("POST", URL, {}, {}, urlencode(fields).encode())


def test_a_token_that_the_library_takes_is_verified_where_it_covers_the_body() -> None:
    handler, headers = build(TABLE, "application"), {"authorization": proof(HI)}
    assert verify_signature(headers["authorization"].removeprefix("Bearer "), SIGNATURE_SECRET)
    handler.verify(CallbackRequest("POST", URL, {}, headers, HI))
    with pytest.raises(CallbackRefused):
        handler.verify(CallbackRequest("POST", URL, {}, headers, HI + b" "))


def test_a_hash_of_md5_is_over_the_parameters_and_then_the_secret() -> None:
    # The library knows the HMAC only; this is the example of Vonage's guide to signing, with our secret.
    plain = f"&message=text&timestamp=1461605396&to=447700900000{SIGNATURE_SECRET}"
    signature = hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()
    fields = {"to": "447700900000", "timestamp": "1461605396", "message": "text"}
    build(TABLE, "sms").verify(_form({**fields, "sig": signature}))
