"""PyJWT as the other side: it reads the provider token that Apple gets."""

from __future__ import annotations

import asyncio
import time

import jwt

from gateway.model.content import TextContent
from handlers.contract import Submission
from tests.handlers.cases.apns import TABLE
from tests.handlers.cases.apns_accounts import KEY, TO
from tests.handlers.cases.apns_sends import TAKEN
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import REFERENCE
from tests.handlers.tables import build


def test_pyjwt_reads_the_provider_token() -> None:
    http = FakeHttp(TAKEN)
    submission = Submission(reference=REFERENCE, to=TO, sender=None, content=TextContent(text="Hello"))
    asyncio.run(build(TABLE).send(submission, http.transports))
    scheme, _, token = http.requests[0].headers["authorization"].partition(" ")
    assert scheme == "bearer"
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}
    claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"], options={"require": ["iss", "iat"]})
    assert claims.keys() == {"iss", "iat"}
    assert claims["iss"] == "TEAM123456"
    assert 0 <= time.time() - claims["iat"] < 60
