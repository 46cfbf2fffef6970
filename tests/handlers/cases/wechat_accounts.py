"""What the rows of wechat share: the accounts, how a push is signed and sealed, and how its calls look."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.model.address import Address
from gateway.model.callback import CallbackRequest
from gateway.transports.port import HttpResponse
from tests.handlers.rows import Sent, answer

APP_ID, APP_SECRET, TOKEN, OLD_TOKEN = (
    "wx0123456789abcdef",
    "app-secret-of-wx",
    "chosen-token",
    "former-token",
)
AES_KEY, OLD_AES_KEY = (
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba",
)
ACCESS_TOKEN, NEXT_TOKEN = "access-token-1", "access-token-2"
ACCOUNT: dict[str, Any] = {
    "account": "wx-shop",
    "provider": "wechat",
    "url": "https://wx.example/",
    "credentials": {"app_secret": APP_SECRET},
    "callback": {"token": TOKEN},
    "parameters": {
        "app_id": APP_ID,
        "templates": {"shipped": {"id": "TM-1", "fields": ["thing1", "time2"]}},
    },
}
SECURE: dict[str, Any] = ACCOUNT | {
    "account": "wx-secure",
    "callback": {"token": [TOKEN, OLD_TOKEN], "encoding_aes_key": [AES_KEY, OLD_AES_KEY]},
}
TO = Address(kind="openid", id="oABCD-ann")
STAMP, NONCE = "1795341600", "n0nce"

JSON_HEADERS = {"content-type": "application/json; charset=utf-8"}
FRESH = answer({"access_token": ACCESS_TOKEN, "expires_in": 7200})
NEXT = answer({"access_token": NEXT_TOKEN, "expires_in": 300})
DONE = answer({"errcode": 0, "errmsg": "ok"})


def token_asked(*, force: bool = False) -> Sent:
    asked = {
        "grant_type": "client_credential",
        "appid": APP_ID,
        "secret": APP_SECRET,
        "force_refresh": force,
    }
    return Sent("POST", "https://wx.example/cgi-bin/stable_token", JSON_HEADERS, asked)


def called(path: str, token: str = ACCESS_TOKEN, **body: Any) -> Sent:
    url = f"https://wx.example/cgi-bin/{path}?access_token={token}"
    return Sent("POST", url, JSON_HEADERS, {"touser": "oABCD-ann", **body})


def said(kind: str, part: Any, token: str = ACCESS_TOKEN) -> Sent:
    return called("message/custom/send", token, msgtype=kind, **{kind: part})


HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}
LINK = "https://cdn.example/picture"
PICTURE = b"\x89PNG\r\n--not a boundary\r\n"
FETCHED = Sent("GET", LINK, {}, "")


def upload(kind: str, ending: str, mime_type: str, token: str = ACCESS_TOKEN) -> Sent:
    boundary = hashlib.sha256(PICTURE).hexdigest()
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="media.{ending}"\r\n'
        f"Content-Type: {mime_type}\r\n\r\n"
    ).encode() + (PICTURE + f"\r\n--{boundary}--\r\n".encode())
    url = f"https://wx.example/cgi-bin/media/upload?access_token={token}&type={kind}"
    return Sent("POST", url, {"content-type": f"multipart/form-data; boundary={boundary}"}, body)


def found(mime_type: str) -> HttpResponse:
    return HttpResponse(200, {"content-type": mime_type}, PICTURE)


def uploaded(media_id: str) -> HttpResponse:
    return answer({"type": "image", "media_id": media_id, "created_at": 1795341600})


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - WeChat's choice


def pushed(body: bytes, token: str = TOKEN) -> CallbackRequest:
    """As in plain mode."""
    query = {
        "signature": signature(token, STAMP, NONCE),
        "timestamp": STAMP,
        "nonce": NONCE,
        "openid": "oABCD-ann",
    }
    return CallbackRequest("POST", "https://gw.example/callbacks/wx-shop", query, {}, body)


def sealed(body: bytes, *, token: str = TOKEN, key: str = AES_KEY, app_id: str = APP_ID) -> CallbackRequest:
    """As in secure mode."""
    plain = b"0123456789abcdef" + len(body).to_bytes(4, "big") + body + app_id.encode()
    fill = 32 - len(plain) % 32
    raw_key = base64.b64decode(key + "=")
    encryptor = Cipher(algorithms.AES(raw_key), modes.CBC(raw_key[:16])).encryptor()
    hidden = base64.b64encode(encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()).decode()
    return enveloped(hidden, token)


def enveloped(hidden: str, token: str = TOKEN) -> CallbackRequest:
    query = {
        "signature": signature(token, STAMP, NONCE),
        "timestamp": STAMP,
        "nonce": NONCE,
        "encrypt_type": "aes",
        "msg_signature": signature(token, STAMP, NONCE, hidden),
    }
    envelope = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{hidden}]]></Encrypt></xml>"
    return CallbackRequest("POST", "https://gw.example/callbacks/wx-secure", query, {}, envelope.encode())


def asked(token: str = TOKEN, **query: str) -> CallbackRequest:
    """The request that WeChat makes when the URL is entered."""
    given = {"signature": signature(token, STAMP, NONCE), "timestamp": STAMP, "nonce": NONCE, **query}
    return CallbackRequest("GET", "https://gw.example/callbacks/wx-shop", given, {}, b"")


def as_xml(fields: dict[str, Any]) -> bytes:
    parts = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    return f"<xml>{parts}</xml>".encode()


def as_json(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields)
