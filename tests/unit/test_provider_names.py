"""Only a provider's own files know its name: the rest of the source goes by capabilities and the registry."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.registry import Registry

ROOT = Path(__file__).parents[2]
# The gateway's own channel, which is known throughout.
OWN = frozenset({"rtm"})
NAMES = tuple(sorted(set(Registry.discover().providers()) - OWN))

# Names that are ordinary words, too. They count where they are a literal or a module, and in capitals.
WORDS = frozenset({"line", "messenger", "slack", "signal", "email", "teams", "push", "custom"})

# Where a name stands all the same, and why. Channels, whose names providers may share, are the gateway's own.
EXEMPT = {
    "gateway/model/address.py": "which kind of address a channel has",
    "gateway/model/message.py": "examples of channels",
    "gateway/telemetry/redact.py": "whose tokens stand in paths, where no name tells that they are secrets",
}


def sources() -> list[Path]:
    return [
        path
        for folder in ("gateway", "processors", "handlers")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not {"providers", "simulator"} & set(path.relative_to(ROOT / folder).parts[:1])
    ]


def named(text: str, name: str) -> list[int]:
    """The lines of a source that name a provider."""
    lines = {at for at, literal in _literals(text) if literal == name}
    for at, line in enumerate(text.splitlines(), start=1):
        if _pattern(name).search(line):
            lines.add(at)
    return sorted(lines)


def _literals(text: str) -> Iterator[tuple[int, str]]:
    """Strings, and the last parts of imported modules."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, part) for part in (node.module or "").split("."))


def _pattern(name: str) -> re.Pattern[str]:
    if name in WORDS:
        return re.compile(rf"\b{name.upper()}\b")
    # Also as TelegramToken or _telegram, but not within another word.
    parts = "[_ -]?".join(map(re.escape, name.split("_")))
    return re.compile(rf"(?<![A-Za-z0-9])(?i:{parts})(?![a-z0-9])")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_provider_is_named_outside_its_own_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = {name: lines for name in NAMES if (lines := named(text, name))}
    exempt = str(path.relative_to(ROOT)) in EXEMPT
    assert bool(found) is exempt, f"{path.relative_to(ROOT)} names providers in these lines: {found}"


@pytest.mark.parametrize(
    ("text", "name", "lines"),
    [
        ('a = 1\nif provider == "telegram":\n    pass\n', "telegram", [2]),
        ("# as Telegram does\n", "telegram", [1]),
        ("class TelegramToken: ...\n", "telegram", [1]),
        ("_telegram = 1\n", "telegram", [1]),
        ("telegrams = telegraph = 1\n", "telegram", []),
        ("WhatsAppCloud = 1\n", "whatsapp_cloud", [1]),
        ('kind = "line"\n', "line", [1]),
        ("from handlers.providers.line import codes\n", "line", [1]),
        ("# LINE waits 2 s\n", "line", [1]),
        ("line = 'a line'  # of a file\n", "line", []),
    ],
)
def test_a_name_is_found_in_whatever_form_it_stands(text: str, name: str, lines: list[int]) -> None:
    assert named(text, name) == lines
