"""Compares what a callback proves itself with, in constant time."""

from __future__ import annotations

import base64
import hmac
from typing import Literal

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]


def same(given: str, expected: str) -> bool:
    """Whether both are the same; how long it takes says nothing about where they differ."""
    # A header may hold lone surrogates (bytes that are not UTF-8), which the default encoding would refuse.
    return hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode())


def signed(
    given: str, secret: str, body: bytes, *, algorithm: Algorithm = "sha256", encoding: Encoding = "hex"
) -> bool:
    """Whether `given` is the HMAC of the untouched `body`. Hex digits count in either case."""
    digest = hmac.digest(secret.encode(), body, algorithm)
    if encoding == "base64":
        return same(given, base64.b64encode(digest).decode())
    return same(given.lower(), digest.hex())
