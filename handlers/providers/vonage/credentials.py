"""How the gateway proves itself to Vonage: by key and secret, or by a token that an application signs."""

from __future__ import annotations

import time
import uuid

from handlers.providers.vonage.settings import VonageApplication, VonageKey, read_key
from handlers.shared.basic import basic
from handlers.shared.jwts import make_jwt

_TOKEN_SECONDS = 300


def authorization(credentials: VonageKey | VonageApplication) -> str:
    """The value of the Authorization header. A token is made for each request, which takes half a
    millisecond."""
    if isinstance(credentials, VonageKey):
        return basic(credentials.api_key, credentials.api_secret.get_secret_value())
    issued = int(time.time())
    claims = {
        "application_id": credentials.application_id,
        "iat": issued,
        "exp": issued + _TOKEN_SECONDS,
        "jti": str(uuid.uuid4()),
    }
    return f"Bearer {make_jwt(claims, read_key(credentials.private_key), algorithm='RS256')}"


def credentials_form(credentials: VonageKey | VonageApplication) -> dict[str, str]:
    """The fields of the SMS API, which knows no header. Its accounts have a key: settings are checked for
    that."""
    if isinstance(credentials, VonageApplication):
        return {}
    return {"api_key": credentials.api_key, "api_secret": credentials.api_secret.get_secret_value()}
