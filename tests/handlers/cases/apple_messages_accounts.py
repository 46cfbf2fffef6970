"""What the rows of apple_messages share: the account, the recipient, and how its requests look."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import uuid
from typing import Any

import jwt

from gateway.model.address import Address
from gateway.transports.port import HttpRequest, HttpResponse
from tests.handlers.rows import REFERENCE, Sent

KEY = b"the secret that Apple gave to us"
SECRET = base64.b64encode(KEY).decode()
OLD_KEY = b"the secret that Apple gave before"
OLD_SECRET = base64.b64encode(OLD_KEY).decode()
MSP, BUSINESS = "msp-4711", "urn:biz:0a1b2c3d-0000-4000-8000-000000000001"
ACCOUNT = {
    "account": "apple-shop",
    "provider": "apple_messages",
    "url": "https://apple.example/",
    "credentials": {"msp_id": MSP, "secret": SECRET},
    "callback": {"secret": SECRET},
    "parameters": {"business_id": BUSINESS},
}
CHANGING = {**ACCOUNT, "account": "apple-two", "callback": {"secret": [SECRET, OLD_SECRET]}}
TO = Address(kind="user_id", id="urn:mbid:AQAAY3O7zkQ")
URL = "https://apple.example/v1/message"
SIGNED = {"authorization": f"Bearer of {MSP}", "source-id": BUSINESS}
TAKEN = HttpResponse(200, {"content-length": "0"})

_IDS = {
    str(uuid.uuid5(uuid.NAMESPACE_URL, key)): f"uuid5 of {key}"
    for key in (REFERENCE, f"{REFERENCE}:2", f"{REFERENCE}#2")
}
# What Apple sees is the plain UUID: this only makes the rows readable.
ID, SECOND, OF_PART_2 = (f"uuid5 of {key}" for key in (REFERENCE, f"{REFERENCE}:2", f"{REFERENCE}#2"))
IDS = {name: message_id for message_id, name in _IDS.items()}


def said(message_id: str = ID, **body: Any) -> Sent:
    headers = {
        **SIGNED,
        "id": message_id,
        "destination-id": TO.id,
        "content-type": "application/json",
        "content-encoding": "gzip",
    }
    around = {"v": 1, "id": message_id, "sourceId": BUSINESS, "destinationId": TO.id}
    return Sent("POST", URL, headers, {**around, **body})


def asked(what: str, **headers: str) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent("GET", f"https://apple.example/v1/{what}", {**SIGNED, **named}, "")


def read(request: HttpRequest) -> Sent:
    """A request as a row shows it: whose its token is, once that is proved, and what its ids are made of."""
    headers = dict(request.headers)
    if "authorization" in headers:
        scheme, token = headers["authorization"].split(" ")
        claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["iss", "iat"]})
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
        assert abs(claims["iat"] - time.time()) < 60
        headers["authorization"] = f"{scheme} of {claims['iss']}"
    if headers.get("content-type") == "application/octet-stream":
        return Sent(
            request.method, request.url, headers, f"{len(request.body)} bytes that only the key opens"
        )
    if "id" not in headers:
        return Sent(request.method, request.url, headers, request.body.decode())
    body = gzip.decompress(request.body).decode()
    for message_id, name in _IDS.items():
        body = body.replace(message_id, name)
        headers["id"] = headers["id"].replace(message_id, name)
    return Sent(request.method, request.url, headers, json.loads(re.sub('"00[0-9a-f]{64}"', '"fresh"', body)))
