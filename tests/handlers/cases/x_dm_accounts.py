"""What the rows of x_dm share: the accounts, the recipient, and how its requests look."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any
from urllib.parse import quote, unquote

from gateway.model.address import Address
from gateway.transports.port import HttpRequest
from tests.handlers.rows import Sent, answer, seen

CONSUMER_KEY, CONSUMER_SECRET = "app-consumer-key", "app-consumer-secret"
TOKEN, TOKEN_SECRET, BEARER = "77001-user-token", "user-token-secret", "oauth2-user-token"
OUR_ID = "77001"
ACCOUNT = {
    "account": "x-shop",
    "provider": "x_dm",
    "url": "https://x.example/",
    "credentials": {
        "scheme": "oauth1",
        "consumer_key": CONSUMER_KEY,
        "consumer_secret": CONSUMER_SECRET,
        "access_token": TOKEN,
        "access_token_secret": TOKEN_SECRET,
    },
    "callback": {"consumer_secret": CONSUMER_SECRET},
    "parameters": {"user_id": OUR_ID},
}
OF_OAUTH2 = {**ACCOUNT, "account": "x-two", "credentials": {"scheme": "oauth2", "access_token": BEARER}}
TO = Address(kind="user_id", id="4242424242")
URL = f"https://x.example/2/dm_conversations/with/{TO.id}/messages"
UPLOAD = "https://x.example/2/media/upload"
SIGNED = {"authorization": "OAuth of app-consumer-key for 77001-user-token"}
EVENT_ID = "1582103724607971332"
TAKEN = answer({"data": {"dm_conversation_id": "77001-4242424242", "dm_event_id": EVENT_ID}}, 201)


def said(**body: Any) -> Sent:
    return Sent("POST", URL, {**SIGNED, "content-type": "application/json"}, body)


def read(request: HttpRequest) -> Sent:
    """A request as a row shows it: in place of the signature, whose it is, once that is proved."""
    sent = seen(request)
    told = sent.headers.get("authorization", "")
    if not told.startswith("OAuth "):
        return sent
    fields = {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', told)}
    assert sorted(fields) == [
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_signature",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_token",
        "oauth_version",
    ]
    assert fields.pop("oauth_signature") == _signature(request, fields)
    whose = f"OAuth of {fields['oauth_consumer_key']} for {fields['oauth_token']}"
    return Sent(sent.method, sent.url, {**sent.headers, "authorization": whose}, sent.body)


def _signature(request: HttpRequest, fields: dict[str, str]) -> str:
    """RFC 5849, section 3.4, for a URL without a query."""
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(fields.items()))
    base = f"{request.method}&{quote(request.url, safe='')}&{quote(pairs, safe='')}"
    key = f"{CONSUMER_SECRET}&{TOKEN_SECRET}".encode()
    return base64.b64encode(hmac.new(key, base.encode(), hashlib.sha1).digest()).decode()
