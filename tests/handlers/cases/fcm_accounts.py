"""What the rows of fcm share: the accounts, their key, and how Google reads what is asked with it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.model.address import Address
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.shared.jwts import read_jwt
from tests.handlers.cases.push_rows import CALLBACK, ROTATING, UNTIL_THEN, lasts
from tests.handlers.rows import Sent, answer, seen

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
TOKEN_URL = "https://oauth2.example/token"
SERVICE_ACCOUNT = orjson.dumps(
    {
        "type": "service_account",
        "project_id": "shop-1",
        "private_key_id": "key-1",
        "private_key": PEM,
        "client_email": "push@shop-1.example",
        "token_uri": TOKEN_URL,
    }
).decode()

MAIN: dict[str, Any] = {
    "account": "fcm-shop",
    "provider": "fcm",
    "url": "https://fcm.example/",
    "credentials": {"service_account": SERVICE_ACCOUNT},
    "callback": CALLBACK,
}
ACCOUNTS = {
    "main": MAIN,
    "rotating": {**MAIN, "callback": ROTATING},
    "silent": {name: value for name, value in MAIN.items() if name != "callback"},
}

TO = Address(kind="device_token", id="device-token:APA91b")
ACCESS_TOKEN, NEXT_ACCESS_TOKEN = "ya29.first", "ya29.second"
GRANTED = answer({"access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer"})
GRANTED_AGAIN = answer({"access_token": NEXT_ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer"})
TOKEN_REQUEST = Sent(
    "POST",
    TOKEN_URL,
    {"content-type": "application/x-www-form-urlencoded"},
    {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": {
            "iss": "push@shop-1.example",
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": TOKEN_URL,
            "seconds": 3600,
        },
    },
)

TOKEN_EXPIRED = answer(
    {"error": {"code": 401, "message": "Request had invalid credentials.", "status": "UNAUTHENTICATED"}},
    401,
)


def read(request: HttpRequest) -> Sent:
    """A request as Google sees it: whose grant it is, and until when a notification is tried."""
    if request.url == TOKEN_URL:
        form: dict[str, Any] = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        claims = read_jwt(
            form["assertion"],
            [KEY.public_key()],
            algorithm="RS256",
            audience=TOKEN_URL,
            required=("iat", "exp"),
        )
        assert claims is not None
        seconds = claims.pop("exp") - claims.pop("iat")
        return Sent(
            request.method,
            request.url,
            dict(request.headers),
            {**form, "assertion": {**claims, "seconds": seconds}},
        )
    sent = seen(request)
    message = sent.body["message"]
    if "ttl" in message.get("android", {}):
        message["android"]["ttl"] = lasts(message["android"]["ttl"].removesuffix("s"))
        message["webpush"]["headers"]["TTL"] = lasts(message["webpush"]["headers"]["TTL"])
    return sent


def platforms(
    urgency: str = "high", *, until: int | None = None, replacing: str | None = None
) -> dict[str, Any]:
    """How urgent a notification is, how long it is tried and what it replaces."""
    high = urgency == "high"
    android = {"priority": "HIGH" if high else "NORMAL"}
    apns = {"apns-priority": "10" if high else "5"}
    webpush = {"Urgency": urgency}
    if until is not None:
        android["ttl"] = webpush["TTL"] = UNTIL_THEN
        apns["apns-expiration"] = str(until)
    if replacing is not None:
        android["collapse_key"] = apns["apns-collapse-id"] = replacing
    return {"android": android, "apns": {"headers": apns}, "webpush": {"headers": webpush}}


def error(
    status: int, code: str, text: str = "No.", *details: dict[str, Any], **headers: str
) -> HttpResponse:
    """What FCM answers to what it refuses."""
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    told = {
        "code": status,
        "message": text,
        "status": "WHATEVER",
        "details": [*details, {"@type": kind, "errorCode": code}],
    }
    return answer({"error": told}, status, **headers)
