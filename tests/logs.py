"""Everything that was logged in a test run, and everything that must not be in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Settings of the demonstration that are no secrets, though they come with them.
_PUBLIC = (
    "_URL",
    "_DIR",
    "_HOST",
    "_PORT",
    "_SECONDS",
    "_NETWORKS",
    "_LEVEL",
    "_FORMAT",
    "_DATABASE",
    "_DRIVER",
)
_SHORTEST = 8  # shorter strings occur by chance


class Evidence:
    """Collects log files, and the secrets and message texts that were used, while the tests run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.forbidden: dict[str, str] = {}  # what must not be logged: what it is
        self._files = 0

    def log_file(self, name: str) -> Path:
        """A new file for the output of a process."""
        self._files += 1
        return self.folder / f"{self._files:03}-{name}.log"

    def add_secrets(self, environment: Mapping[str, str]) -> None:
        """Every value of these settings that is a secret."""
        for name, value in environment.items():
            if name.startswith("IMGW_") and not name.endswith(_PUBLIC) and len(value) >= _SHORTEST:
                self.forbidden[value] = f"the value of {name}"

    def add_texts(self, message: Mapping[str, Any]) -> None:
        """Every text that a person would read in this MT."""
        content = message.get("content")
        if isinstance(content, Mapping):
            for field in ("text", "caption"):
                text = content.get(field)
                if isinstance(text, str) and len(text) >= _SHORTEST:
                    self.forbidden[text] = f"the {field} of message {message.get('message_id')}"

    def found(self) -> list[str]:
        """Where something is in a log that must not be: which file, which line, what."""
        hits = []
        for path in sorted(self.folder.glob("*.log")):
            content = path.read_text(errors="replace")
            for value, what in self.forbidden.items():
                if value in content:
                    line = content[: content.index(value)].count("\n") + 1
                    hits.append(f"{path.name}:{line}: {what}")
        return hits

    def lines(self) -> int:
        """How many lines were logged at all."""
        return sum(path.read_bytes().count(b"\n") for path in self.folder.glob("*.log"))
