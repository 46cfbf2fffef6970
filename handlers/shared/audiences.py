"""What is for many people goes to them in pages: each is built when it is its turn, and has the account's
`timeout_seconds` for itself. What goes to one recipient is one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

PAGE = 1_000


def pages(audience: Sequence[str]) -> Iterator[Sequence[str]]:
    return (audience[start : start + PAGE] for start in range(0, len(audience), PAGE))


def page_count(audience: Sequence[str]) -> int:
    return max(1, -(-len(audience) // PAGE))
