"""The type of a secret setting: hidden wherever it is shown, and never empty."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _usable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value:
        raise ValueError("is empty")
    if value != value.strip():  # the line break at the end of a file, most often
        raise ValueError("begins or ends with white space")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_usable)]
