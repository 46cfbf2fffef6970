"""Files in messages: Apple keeps them enciphered, and only the message holds the key.

AES-256 in counter mode, which starts from zero: so each file has a key of its own. The same opens and closes.
"""

from __future__ import annotations

import base64
import os

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.transports.port import Opener
from handlers.providers.apple_messages.wire import Attachment

MOST_BYTES = 25 * 1024 * 1024  # Apple takes 100 MB; but a file is in memory three times while it is sent
_MARK = "00"  # before the key, in hex
_START = modes.CTR(bytes(16))


def fresh_key() -> str:
    """A key as Apple writes it."""
    return _MARK + os.urandom(32).hex()


def ciphered(key: str, body: bytes) -> bytes:
    """The file closed, or opened again. Raises ValueError for what is no key."""
    return opener(key)(body)


def opener(key: str) -> Opener:
    """The same for a file that comes in pieces, which keep their lengths. Raises ValueError likewise."""
    return Cipher(algorithms.AES256(bytes.fromhex(key.removeprefix(_MARK))), _START).encryptor().update


def media_id_of(attachment: Attachment) -> str:
    """All that it takes to fetch a file and to open it, as one word."""
    signature = attachment.signature_base64
    if signature is None:
        signature = base64.b64encode(bytes.fromhex(attachment.signature or "")).decode()
    named = {"url": attachment.url, "owner": attachment.owner, "signature-base64": signature}
    return base64.urlsafe_b64encode(orjson.dumps({**named, "key": attachment.key})).decode().rstrip("=")


def attachment_of(media_id: str) -> Attachment:
    """Back again. Raises ValueError for an id that is none of ours."""
    padded = media_id + "=" * (-len(media_id) % 4)
    return Attachment.model_validate_json(base64.urlsafe_b64decode(padded.encode()))


def download_headers(attachment: Attachment) -> dict[str, str]:
    """How preDownload is asked for a file."""
    return {
        "mmcs-url": attachment.url,
        "mmcs-owner": attachment.owner,
        "mmcs-signature": attachment.signature_base64 or "",
    }
