"""The types of all secret settings: hidden wherever they are shown, and never empty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from gateway.model.secret import Secret

__all__ = ["Secret", "Secrets", "revealed"]


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str | SecretStr) else value


# For what a provider proves itself with: while it is being changed, the new one and the old one both count.
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_several), Field(min_length=1, max_length=4)]


def revealed(secrets: Iterable[SecretStr]) -> tuple[str, ...]:
    """All of them in the clear."""
    return tuple(secret.get_secret_value() for secret in secrets)
