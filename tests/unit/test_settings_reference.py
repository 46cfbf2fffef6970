"""The example file and the reference of the settings are in step with the settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gateway.settings import Settings, describe, load_settings

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.example.toml"


def flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def test_the_example_file_shows_every_setting_with_its_default() -> None:
    text = re.sub(r"^#(?=[a-z_]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = flat(tomllib.loads(text))
    names = {"IMGW_" + name.replace(".", "__").upper().removesuffix("_FILE") for name in shown}
    assert names == {line.name for line in describe()}
    defaults = flat(Settings().model_dump(mode="json"))
    unset = {name for name, value in defaults.items() if value in (None, [])}
    assert {name: value for name, value in shown.items() if name in defaults and name not in unset} == {
        name: value for name, value in defaults.items() if name not in unset
    }


def test_the_example_file_can_be_used_as_it_is() -> None:
    assert load_settings({"IMGW_CONFIG_FILE": str(EXAMPLE)}) == Settings()


def sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    inner = [field.annotation for field in model.model_fields.values()]
    return [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]


def test_every_setting_is_described_with_a_meaning() -> None:
    lines = describe()
    expected = sum(len(section.model_fields) for section in sections(Settings)) + 1
    assert len({line.name for line in lines}) == len(lines) == expected
    assert [line.name for line in lines if not line.meaning.endswith(".") or not line.type] == []


def test_a_described_setting_says_type_and_default_in_words() -> None:
    lines = {line.name: (line.type, line.default) for line in describe()}
    assert lines["IMGW_BROKER__URL"] == ("secret (or a file's path in IMGW_BROKER__URL_FILE)", "")
    assert lines["IMGW_LOG__LEVEL"] == ("debug | info | warning | error", "info")
    assert lines["IMGW_WEB__PORT"] == ("whole number", "8080")
    assert lines["IMGW_ADMIN__PORT"] == ("whole number", "")
    assert lines["IMGW_STORE__TIMEOUT_SECONDS"] == ("number", "10")
    assert lines["IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS"] == ("list, separated by commas", "")
    assert lines["IMGW_WEB__PUBLIC_URL"] == ("text", "")
    assert lines["IMGW_DATA_DIR"] == ("path", ".imgw")
