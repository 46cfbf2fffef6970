"""What the rows of web_push share: the accounts, a browser that subscribed, and how it reads what it gets."""

from __future__ import annotations

from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.model.address import Address
from gateway.transports.port import HttpRequest
from handlers.providers.web_push.encryption import encoded, public_bytes
from handlers.shared.jwts import read_jwt
from tests.handlers.cases.push_rows import CALLBACK, ROTATING, lasts
from tests.handlers.rows import Sent

CURVE = ec.SECP256R1()
VAPID_KEY = encoded((4711).to_bytes(32))
VAPID_PUBLIC = ec.derive_private_key(4711, CURVE).public_key()
CONTACT = "mailto:ops@shop.example"
BROWSER, BROWSER_SECRET = ec.derive_private_key(815, CURVE), b"sixteen bytes !!"

MAIN: dict[str, Any] = {
    "account": "push-shop",
    "provider": "web_push",
    "credentials": {"private_key": VAPID_KEY},
    "callback": CALLBACK,
    "parameters": {"contact": CONTACT, "title": "Shop"},
}
SILENT = {name: value for name, value in MAIN.items() if name != "callback"}
ACCOUNTS = {
    "main": MAIN,
    "rotating": {**MAIN, "callback": ROTATING},
    "silent": {
        **SILENT,
        "parameters": {
            "contact": "https://shop.example/contact",
            "title": "Shop",
            "page": "https://shop.example/orders",
            "push_services": ["push.example"],
        },
    },
}

MOZILLA = "https://updates.push.services.mozilla.com"
PLACE = f"{MOZILLA}/wpush/v2/browser-1"


def subscription(endpoint: str = PLACE, **keys: str) -> Address:
    """A recipient, as a browser writes it."""
    given = {"p256dh": encoded(public_bytes(BROWSER.public_key())), "auth": encoded(BROWSER_SECRET), **keys}
    document = {"endpoint": endpoint, "expirationTime": None, "keys": given}
    return Address(kind="subscription", id=orjson.dumps(document).decode())


def read(request: HttpRequest) -> Sent:
    """A request as its push service and its browser see it: who asks, until when, and what it says."""
    headers = dict(request.headers)
    headers["authorization"] = _asking(headers["authorization"])
    headers["ttl"] = lasts(headers["ttl"])
    return Sent(request.method, request.url, headers, orjson.loads(decrypt(request.body)))


def _asking(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    claims = read_jwt(parts["t"], [VAPID_PUBLIC], algorithm="ES256", required=("exp",))
    assert claims is not None
    assert parts["k"] == encoded(public_bytes(VAPID_PUBLIC))
    return f"{scheme} for {claims.get('aud')} by {claims['sub']}"


def decrypt(body: bytes) -> bytes:
    """What the browser reads (RFC 8291)."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    assert len(sealed) <= size
    assert len(body) <= 4_096
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender)
    agreed = BROWSER.exchange(ec.ECDH(), public)
    context = b"WebPush: info\0" + public_bytes(BROWSER.public_key()) + sender
    seed = HKDF(SHA256(), 32, BROWSER_SECRET, context).derive(agreed)
    key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(seed)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(seed)
    plain, mark = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0"), b"\x02"
    assert plain.endswith(mark)
    return plain.removesuffix(mark)
