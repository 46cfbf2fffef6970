"""What the rows of apns share: the accounts, their key, and how Apple reads who asks."""

from __future__ import annotations

import time
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.model.address import Address
from gateway.transports.port import HttpRequest
from handlers.shared.jwts import read_jwt
from tests.handlers.cases.push_rows import CALLBACK, ROTATING
from tests.handlers.rows import Sent

KEY = ec.derive_private_key(4712, ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().strip()
TOPIC = "com.example.shop"

MAIN: dict[str, Any] = {
    "account": "apns-shop",
    "provider": "apns",
    "url": "https://apns.example/",
    "credentials": {"team_id": "TEAM123456", "key_id": "KEY1234567", "private_key": PEM},
    "callback": CALLBACK,
    "parameters": {"topic": TOPIC, "images": True},
}
ACCOUNTS = {
    "main": MAIN,
    "rotating": {**MAIN, "callback": ROTATING},
    "silent": {
        **{name: value for name, value in MAIN.items() if name != "callback"},
        "parameters": {"topic": TOPIC, "sound": None},
    },
}

TO = Address(kind="device_token", id="0123456789ABCDEF" * 4)
MESSAGE_ID = "b087852c-de49-56ec-af75-7a1131482b57"
ASKING = "bearer KEY1234567 of TEAM123456"


def read(request: HttpRequest) -> Sent:
    """A request as Apple sees it: whose provider token it bears, which is a new one."""
    scheme, _, token = request.headers["authorization"].partition(" ")
    claims = read_jwt(token, [KEY.public_key()], algorithm="ES256", required=("iat",))
    assert claims is not None
    assert 0 <= time.time() - claims["iat"] < 60
    asking = f"{scheme} {jwt.get_unverified_header(token)['kid']} of {claims['iss']}"
    headers = {**request.headers, "authorization": asking}
    return Sent(request.method, request.url, headers, orjson.loads(request.body))
