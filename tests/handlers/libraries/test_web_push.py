"""http-ece and py-vapid as the other side: they read what a browser and its push service would get."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import http_ece  # type: ignore[import-untyped]
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02  # type: ignore[import-untyped]

from gateway.model.content import TextContent
from gateway.transports.port import HttpRequest
from handlers.contract import Submission
from handlers.providers.web_push.encryption import MOST_BYTES, encrypt
from tests.handlers.cases.push_rows import RECEIPT
from tests.handlers.cases.web_push import TABLE
from tests.handlers.cases.web_push_accounts import BROWSER, BROWSER_SECRET, CONTACT, MOZILLA, subscription
from tests.handlers.cases.web_push_sends import TAKEN
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import REFERENCE
from tests.handlers.tables import build


def sent() -> HttpRequest:
    """A request that the handler makes."""
    http = FakeHttp(TAKEN)
    submission = Submission(
        reference=REFERENCE, to=subscription(), sender=None, content=TextContent(text="Grüße 👋")
    )
    asyncio.run(build(TABLE).send(submission, http.transports))
    return http.requests[0]


def decrypted(body: bytes) -> bytes:
    plain: bytes = http_ece.decrypt(
        body, private_key=BROWSER, auth_secret=BROWSER_SECRET, version="aes128gcm"
    )
    return plain


def test_http_ece_decrypts_what_a_browser_gets() -> None:
    assert json.loads(decrypted(sent().body)) == {
        "web_push": 8030,
        "notification": {
            "title": "Shop",
            "body": "Grüße 👋",
            "data": {"reference": REFERENCE, "receipt": RECEIPT},
        },
        "mutable": True,
    }


@pytest.mark.parametrize("size", [0, 1, 100, MOST_BYTES])
def test_http_ece_decrypts_payloads_of_any_size_and_none_is_larger_than_services_take(size: int) -> None:
    body = encrypt(b"x" * size, BROWSER.public_key(), BROWSER_SECRET)
    assert decrypted(body) == b"x" * size
    assert len(body) == size + 103
    assert len(body) <= 4_096


def test_two_messages_share_neither_key_nor_salt() -> None:
    first, second = (encrypt(b"same", BROWSER.public_key(), BROWSER_SECRET) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_another_browser_cannot_read_it() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    body = encrypt(b"secret", BROWSER.public_key(), BROWSER_SECRET)
    with pytest.raises(http_ece.ECEException):
        http_ece.decrypt(body, private_key=stranger, auth_secret=BROWSER_SECRET, version="aes128gcm")


def test_py_vapid_accepts_the_proof_of_who_asks() -> None:
    authorization = sent().headers["authorization"]
    assert Vapid02.verify(authorization)
    forged = authorization.replace("t=", "t=x", 1)
    assert not _accepted(forged)


def test_py_vapid_makes_the_same_claims_of_the_same_key() -> None:
    theirs = Vapid02(private_key=ec.derive_private_key(4711, ec.SECP256R1()))
    made = _parts(theirs.sign({"aud": MOZILLA, "sub": CONTACT})["Authorization"])
    ours = _parts(sent().headers["authorization"])
    assert made["k"] == ours["k"]
    assert _claims(made["t"]) | {"exp": None} == _claims(ours["t"]) | {"exp": None}
    assert jwt.get_unverified_header(made["t"]) == jwt.get_unverified_header(ours["t"])


def _accepted(authorization: str) -> bool:
    try:
        return bool(Vapid02.verify(authorization))
    except Exception:  # noqa: BLE001 - whatever it says no with
        return False


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _parts(authorization: str) -> dict[str, str]:
    return dict(part.strip().split("=", 1) for part in authorization.partition(" ")[2].split(","))
