"""Encrypts a push message for one browser (RFC 8291: aes128gcm of RFC 8188, with a key agreed on by ECDH)."""

from __future__ import annotations

import base64
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MOST_BYTES = 3_993  # with 86 of header, 16 of tag and 1 of padding: the 4,096 that every service takes

_RECORD_BYTES = 4_096
_LAST_RECORD = b"\x02"


def encrypt(plain: bytes, receiver: ec.EllipticCurvePublicKey, auth_secret: bytes) -> bytes:
    """The body of a push request, in one record."""
    own, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    own_public = public_bytes(own.public_key())
    shared = own.exchange(ec.ECDH(), receiver)
    seed = _derived(shared, auth_secret, b"WebPush: info\0" + public_bytes(receiver) + own_public, 32)
    key = _derived(seed, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(seed, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD_BYTES.to_bytes(4) + len(own_public).to_bytes(1) + own_public
    return header + AESGCM(key).encrypt(nonce, plain + _LAST_RECORD, None)


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """The 65 bytes that a public key is passed on as."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encoded(value: bytes) -> str:
    """In base64url, without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """From base64url, with padding or without. Raises ValueError."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
