"""The base of every model that the simulator reads from a file or over its control API."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError


class Model(BaseModel):
    """Immutable and strict: no unknown keys, no silent conversions; what was read never shows in an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def problems(error: ValidationError) -> Iterable[tuple[str, str]]:
    """Where and what, for everything that is wrong; never the value itself, which may be a secret."""
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        yield ".".join(str(part) for part in entry["loc"]), entry["msg"].removeprefix("Value error, ")
