"""Opens what WeChat pushes: proves whose it is, decrypts it in secure mode, and reads XML or JSON.

The signature of plain mode covers a time and a random word, not the body; that of secure mode covers the
encrypted body, too. Source: the documentation of message encryption, read in November 2026.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring
from pydantic import ValidationError

from gateway.errors import CallbackRefused
from handlers.providers.wechat import wire
from handlers.shared.json_bodies import read_callback
from handlers.shared.signatures import same

_LEVELS = 4  # menu events list pictures three levels deep; nothing is deeper
_BLOCK_BYTES, _PADDED_TO = 16, 32
_RANDOM_BYTES, _LENGTH_BYTES = 16, 4


def signed(query: Mapping[str, str], name: str, tokens: Iterable[str], *more: str) -> bool:
    """Whether the query's parameter `name` is the SHA-1 over token, time, random word and `more`, sorted."""
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    expected = (_digest(token, stamp, nonce, *more) for token in tokens)
    return same(query.get(name, ""), *expected)


def _digest(*parts: str) -> str:
    text = "".join(sorted(parts))
    return hashlib.sha1(text.encode(errors="surrogatepass")).hexdigest()  # noqa: S324 - WeChat's choice


def read_push(body: bytes) -> dict[str, Any]:
    """The elements by their names. Official accounts get XML; mini programs may choose JSON. Raises
    CallbackRefused with status 400."""
    if body[:1] == b"{":
        document: dict[str, Any] = read_callback(body)
        return document
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        raise CallbackRefused("the body is not XML without a DTD", status=400) from error
    found = _value(root, _LEVELS)
    if not isinstance(found, dict):
        raise CallbackRefused("not a message of WeChat", status=400)
    return found


def _value(element: Element, levels: int) -> Any:
    if len(element) == 0 or levels == 0:
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _value(child, levels - 1)
        if child.tag in found:  # pictures are a row of elements of one name
            before = found[child.tag]
            value = [*before, value] if isinstance(before, list) else [before, value]
        found[child.tag] = value
    return found


def encrypted_part(body: bytes) -> str:
    """What is encrypted in a push of secure mode. Raises CallbackRefused with status 400."""
    try:
        return wire.Envelope.model_validate(read_push(body)).encrypted
    except ValidationError as error:
        raise CallbackRefused("nothing in the body is encrypted", status=400) from error


def decrypted(encrypted: str, keys: Sequence[str], app_id: str) -> bytes:
    """The push itself, under the first of the keys that opens it. Raises CallbackRefused with status 400
    where none does, and where it is meant for another account."""
    for key in keys:
        message = _opened(encrypted, base64.b64decode(key + "="), app_id)
        if message is not None:
            return message
    raise CallbackRefused("none of the keys opens the message for this account", status=400)


def _opened(encrypted: str, key: bytes, app_id: str) -> bytes | None:
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not sealed or len(sealed) % _BLOCK_BYTES:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:_BLOCK_BYTES])).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    if not 1 <= padded[-1] <= _PADDED_TO:
        return None
    plain = padded[: -padded[-1]][_RANDOM_BYTES:]
    length = int.from_bytes(plain[:_LENGTH_BYTES], "big")
    message, meant_for = plain[_LENGTH_BYTES:][:length], plain[_LENGTH_BYTES:][length:]
    return message if meant_for == app_id.encode() else None
