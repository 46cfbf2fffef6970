"""What the rows of vonage share: an account of each kind, the recipient, and how its requests look."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.model.address import Address
from gateway.transports.port import HttpRequest
from handlers.shared.basic import basic
from tests.handlers.rows import REFERENCE, Sent, answer, seen

API_KEY, API_SECRET, APPLICATION_ID = (
    "abcd1234",
    "a-secret-of-the-api",
    "aaaaaaaa-0000-4000-8000-bbbbbbbbbbbb",
)
SIGNATURE_SECRET, OLD_SECRET = "a-signature-secret-of-32-letters", "its-former-secret-of-32-letters."
STATUS_CALLBACK = "https://gw.example/callbacks/vo-shop"

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
PRIVATE_KEY = (
    KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
    .strip()
)

ACCOUNT: dict[str, Any] = {
    "account": "vo-shop",
    "provider": "vonage",
    "channel": "whatsapp",
    "from": ["447700900100"],
    "url": "https://vonage.example",
    "credentials": {"scheme": "key", "api_key": API_KEY, "api_secret": API_SECRET},
    "callback": {"signature_secret": [SIGNATURE_SECRET, OLD_SECRET]},
}
APPLICATION = ACCOUNT | {
    "channel": "sms",
    "credentials": {
        "scheme": "application",
        "application_id": APPLICATION_ID,
        "private_key": PRIVATE_KEY,
    },
    "callback": {"signature_secret": SIGNATURE_SECRET},
    "parameters": {"status_callback": STATUS_CALLBACK},
}
MMS, MESSENGER = ACCOUNT | {"channel": "mms"}, ACCOUNT | {"channel": "messenger", "from": ["1234500000"]}
VIBER = ACCOUNT | {
    "channel": "viber",
    "from": ["Shop"],
    "parameters": {"viber_category": "promotion"},
}
SMS = ACCOUNT | {
    "channel": "sms",
    "from": ["Shop"],
    "callback": {"signature_secret": SIGNATURE_SECRET},
    "parameters": {"api": "sms", "status_callback": STATUS_CALLBACK},
}
HMAC = SMS | {"callback": {"signature_secret": [SIGNATURE_SECRET, OLD_SECRET], "algorithm": "sha256"}}
ACCOUNTS = {
    "main": ACCOUNT,
    "application": APPLICATION,
    "mms": MMS,
    "viber": VIBER,
    "messenger": MESSENGER,
    "sms": SMS,
    "hmac": HMAC,
}

TO = Address(kind="msisdn", id="+447700900001")
PSID = Address(kind="psid", id="1234567890")
TAKEN = answer({"message_uuid": "uuid-1"}, 202)
SMS_TAKEN = answer(
    {"message-count": "1", "messages": [{"to": "447700900001", "message-id": "0A01", "status": "0"}]}
)


def read(request: HttpRequest) -> Sent:
    """A request with its form as a mapping, and in place of a token whose it is and how long it lasts."""
    if request.headers["content-type"] == "application/x-www-form-urlencoded":
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        return Sent(request.method, request.url, dict(request.headers), form)
    sent = seen(request)
    scheme, _, token = sent.headers["authorization"].partition(" ")
    if scheme != "Bearer":
        return sent
    claims = jwt.decode(token, KEY.public_key(), algorithms=["RS256"])
    whose = f"Bearer of {claims['application_id']} for {claims['exp'] - claims['iat']} s"
    return Sent(sent.method, sent.url, {**sent.headers, "authorization": whose}, sent.body)


def message(authorization: str = basic(API_KEY, API_SECRET), **part: Any) -> Sent:
    """A request to the Messages API: of the WhatsApp account, unless the parts say otherwise."""
    body = {
        "channel": "whatsapp",
        "to": "447700900001",
        "from": "447700900100",
        "client_ref": REFERENCE,
        **part,
    }
    headers = {"authorization": authorization, "content-type": "application/json"}
    return Sent("POST", "https://vonage.example/v1/messages", headers, body)


def sms(**fields: str) -> Sent:
    """A request to the SMS API."""
    form = {
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "to": "447700900001",
        "from": "Shop",
        "status-report-req": "1",
        "client-ref": REFERENCE,
        "callback": STATUS_CALLBACK,
        **fields,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Sent("POST", "https://vonage.example/sms/json", headers, form)
