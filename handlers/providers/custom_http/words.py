"""The types that the settings of a generic HTTP provider share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints


def _words(value: Any) -> Any:
    """YAML reads 200 and true as a number and a boolean; as words of a provider they are texts."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


Word = Annotated[str, BeforeValidator(_words)]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")]
