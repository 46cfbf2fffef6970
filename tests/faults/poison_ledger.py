"""What became of poison: refused with a DR, refused over HTTP, or in imgw.dead with its untouched body."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tests.faults.platform import Letter
from tests.faults.poison import POISON

_SHOWN_BYTES = 80


class Posted(Protocol):
    """A request to a callback URL (tests.faults.poisoning.Post)."""

    @property
    def account(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def harmless(self) -> bool: ...

    @property
    def marker(self) -> str: ...


def poison_problems(
    published: Sequence[tuple[str, Letter]],
    posted: Sequence[tuple[Posted, int]],
    refusals: Mapping[str, Mapping[str, Any]],
    dead: Sequence[Letter],
) -> dict[str, list[Any]]:
    """`published` are bad bodies by queue, `posted` bad callbacks with the HTTP status of their answer,
    `refusals` the final DR by application and event id, `dead` what was in imgw.dead."""
    markers = [request.marker for request, _ in posted if request.marker]
    expected = Counter((queue, letter.body) for queue, letter in published if _sender(letter) not in refusals)
    found = Counter((str(letter.headers.get("x-dead-queue")), letter.body) for letter in dead)
    own = Counter({key: n for key, n in found.items() if not _has(key[1], markers)})
    problems = {
        "poison that is neither refused nor dead": [_shown(*key) for key in expected - own],
        "dead letters that nobody poisoned": [_shown(*key) for key in own - expected],
        "dead letters without a reason": [
            _shown(letter.type, letter.body) for letter in dead if not letter.headers.get("x-dead-reason")
        ],
        "refused more than once": [app_id for app_id, told in refusals.items() if len(told) != 1],
        "refused as something else": [
            app_id
            for app_id, told in refusals.items()
            if {dr["status"] for dr in told.values()} != {"rejected"}
        ],
        "callbacks with a wrong answer": _wrong_answers(posted, dead),
    }
    return {name: items for name, items in problems.items() if items}


def _wrong_answers(posted: Sequence[tuple[Posted, int]], dead: Sequence[Letter]) -> list[str]:
    wrong = []
    for request, status in posted:
        refused = status == 0 or 400 <= status < 500
        buried = bool(request.marker) and _has_any(dead, request.marker)
        if not (refused or (status == 200 and (request.harmless or buried))):
            wrong.append(f"{status}: {request!r}, {_shown(request.account, request.body)}")
    return wrong


def _sender(letter: Letter) -> str:
    """The application that a bad MT names; "" when it cannot be told."""
    try:
        document = json.loads(letter.body)
    except (ValueError, RecursionError):
        return ""
    app_id = document.get("app_id") if isinstance(document, dict) else None
    return app_id if isinstance(app_id, str) and app_id.startswith(POISON) else ""


def _has(body: bytes, markers: Sequence[str]) -> bool:
    return any(marker.encode() in body for marker in markers)


def _has_any(dead: Sequence[Letter], marker: str) -> bool:
    return any(marker.encode() in letter.body for letter in dead)


def _shown(where: str, body: bytes) -> str:
    return f"{where}: {body[:_SHOWN_BYTES]!r}, {len(body)} bytes"
