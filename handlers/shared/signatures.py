"""Compares what a callback proves itself with, in constant time."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Literal

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]


def same(given: str, *expected: str) -> bool:
    """Whether it is one of those expected; how long it takes says nothing about where they differ."""
    # A header may hold lone surrogates (bytes that are not UTF-8), which the default encoding would refuse.
    told = given.encode(errors="surrogatepass")
    return any(hmac.compare_digest(told, each.encode()) for each in expected)


def signed(
    given: str,
    secrets: Iterable[str],
    body: bytes,
    *,
    algorithm: Algorithm = "sha256",
    encoding: Encoding = "hex",
) -> bool:
    """Whether `given` is the HMAC of the untouched `body` under one of the secrets. Hex digits count in
    either case."""
    digests = [hmac.digest(secret.encode(), body, algorithm) for secret in secrets]
    if encoding == "base64":
        return same(given, *(base64.b64encode(digest).decode() for digest in digests))
    return same(given.lower(), *(digest.hex() for digest in digests))
