"""The types that the settings of a generic HTTP provider share."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints


def _words(value: Any) -> Any:
    """YAML reads 200 and true as a number and a boolean; as words of a provider they are texts."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


IdForm = Literal["text", "hex", "decimal"]
_LONGEST = 32  # digits


def same_id(told: str, form: IdForm) -> str:
    """The id in the form in which it is kept. SMSCs that give a message's id in hexadecimal name it in
    decimal in its receipt, or the other way round, and bridges pass both on as they are."""
    digits = r"(0[xX])?[0-9A-Fa-f]+" if form == "hex" else r"[0-9]+"
    if form == "text" or len(told) > _LONGEST or not re.fullmatch(digits, told):
        return told
    return str(int(told, 16 if form == "hex" else 10))


Word = Annotated[str, BeforeValidator(_words)]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")]
