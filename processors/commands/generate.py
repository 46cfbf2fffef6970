"""`imgw generate`: the files that follow from the code, written anew or checked for drift."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import ConfigurationError, Problem
from processors.commands.session import out
from processors.generated import generated_files


def generate(root: Path, *, check: bool) -> None:
    """Raises ConfigurationError when something is out of date and it was only to be checked."""
    stale = [(path, text) for path, text in generated_files(root).items() if _differs(path, text)]
    if check and stale:
        what = "is out of date; write it anew with: make schemas"
        raise ConfigurationError([Problem(str(path), what) for path, _ in stale])
    for path, text in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        out.print(f"{path} written")
    if not stale:
        out.print("everything generated is up to date")


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text() != text
