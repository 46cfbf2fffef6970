"""Lists in pages: how many at once, and the cursor that leads to those that follow."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints

from gateway.model.base import Contract
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import Limit

Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
Row = TypeVar("Row")


class PageQuery(Contract):
    """Which part of a list."""

    cursor: Cursor | None = None
    """What `next` of the page before says; without it, the first page."""
    limit: Limit = 50
    """How many at most."""

    @property
    def after(self) -> str | None:
        """The id that this page begins behind. Raises RtmRefused for a cursor that is none of ours."""
        if self.cursor is None:
            return None
        try:
            after = base64.urlsafe_b64decode(self.cursor.encode()).decode()
        except (binascii.Error, ValueError) as error:
            raise RtmRefused("invalid_payload", "the cursor is none of ours") from error
        if _cursor(after) != self.cursor:  # what is no base64 would only be left out
            raise RtmRefused("invalid_payload", "the cursor is none of ours")
        return after

    @property
    def one_more(self) -> int:
        """How many to look for, so as to know whether a page follows."""
        return self.limit + 1


def page(
    query: PageQuery,
    rows: Sequence[Row],
    id_of: Callable[[Row], str],
    shown: Callable[[Row], Mapping[str, Any]],
) -> dict[str, Any]:
    """The answer with these rows, of which there are `query.one_more` where another page follows."""
    kept = rows[: query.limit]
    answer: dict[str, Any] = {"items": [shown(row) for row in kept]}
    if len(rows) > len(kept):
        answer["next"] = _cursor(id_of(kept[-1]))
    return answer


def _cursor(id: str) -> str:
    return base64.urlsafe_b64encode(id.encode()).decode()
