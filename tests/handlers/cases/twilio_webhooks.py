"""How Twilio's webhooks look and are proved: forms, and JSON whose hash is in the URL."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlencode

from gateway.model.callback import CallbackReply, CallbackRequest
from tests.handlers.cases.twilio_accounts import AUTH_TOKEN

URL = "https://gw.example/callbacks/tw-shop"
TWIML = CallbackReply(body=b"<Response/>", content_type="text/xml")
FORM = "application/x-www-form-urlencoded"
FROM, TO = "+447700900001", "+447700900100"


def signature(said: str, token: str = AUTH_TOKEN) -> str:
    return base64.b64encode(hmac.digest(token.encode(), said.encode(), "sha1")).decode()


def prove(body: bytes) -> CallbackRequest:
    """A webhook in JSON: the hash of its body is in the URL, and the URL is signed."""
    digest = hashlib.sha256(body).hexdigest()
    url = f"{URL}?bodySHA256={digest}"
    headers = {"x-twilio-signature": signature(url), "content-type": "application/json"}
    return CallbackRequest("POST", url, {"bodySHA256": digest}, headers, body)


def form(
    fields: dict[str, str], url: str = URL, signed_url: str = URL, token: str = AUTH_TOKEN
) -> CallbackRequest:
    said = signed_url + "".join(name + fields[name] for name in sorted(fields))
    headers = {"x-twilio-signature": signature(said, token), "content-type": FORM}
    return CallbackRequest("POST", url, {}, headers, urlencode(fields).encode())
