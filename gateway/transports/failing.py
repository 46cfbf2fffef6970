"""The failures that every transport tells alike. None of them holds more of a URL than its host."""

from __future__ import annotations

from gateway.errors import FailureKind, ProviderError

TOO_LARGE = "too_large"


def not_taken(code: str, text: str) -> ProviderError:
    """The provider cannot have taken it."""
    return ProviderError(FailureKind.TRANSIENT, reason="provider_unavailable", code=code, text=text)


def lost(code: str, text: str) -> ProviderError:
    """It may have been taken: only the answer is missing."""
    return ProviderError(FailureKind.UNCERTAIN, reason="provider_unavailable", code=code, text=text)


def garbled(code: str, text: str) -> ProviderError:
    """It may have been taken: the answer is none that can be read."""
    return ProviderError(FailureKind.UNCERTAIN, reason="provider_error", code=code, text=text)


def too_large(most_bytes: int) -> ProviderError:
    return garbled(TOO_LARGE, f"the answer is larger than {most_bytes} bytes")


def refused_to_some(error: ProviderError) -> ProviderError:
    """Of a message to several recipients, which others took: the login is good, and what is refused to some
    is not sent to all again."""
    if error.kind is not FailureKind.AUTH:
        return error
    return ProviderError(FailureKind.PERMANENT, reason="provider_error", code=error.code, text=error.text)


def address_refused(host: str) -> ProviderError:
    return ProviderError(
        FailureKind.PERMANENT,
        reason="provider_error",
        code="address_refused",
        text=f"{host} is not on the public internet;"
        " IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS can allow its network",
    )


def request_invalid() -> ProviderError:
    return ProviderError(
        FailureKind.PERMANENT,
        reason="provider_error",
        code="request_invalid",
        text="the URL, or one of the headers, is not one that HTTP can carry",
    )
