"""What is generated: schemas that are schemas and say what the models say, and the README's tables."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.broker.port import Publication
from gateway.errors import ConfigurationError, Problem
from gateway.model.base import now
from gateway.model.message import MOMessage
from gateway.model.receipt import DR, permanent
from processors.generated import generated_files
from processors.intake import Intake, read
from tests.processors.fakes import delivery_of
from tests.unit.json_schema import faults, fits

README = (
    "# before\n<!-- generated: providers -->\nold\n<!-- end -->\nbetween\n"
    "<!-- generated: settings -->\n<!-- end -->\nafter\n"
)
SAMPLES = Path("config/samples/mt.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every generated file by its path within the project."""
    root = tmp_path_factory.mktemp("project")
    (root / "README.md").write_text(README)
    return {str(path.relative_to(root)): text for path, text in generated_files(root).items()}


@pytest.fixture(scope="module")
def schemas(files: dict[str, str]) -> dict[str, Any]:
    """Every schema by its name: mt.v1, application, accounts/telegram …"""
    end = ".schema.json"
    return {
        path.removeprefix("config/schema/").removesuffix(end): json.loads(text)
        for path, text in files.items()
        if path.endswith(end)
    }


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that describes an object by its properties."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for value in schema.values():
            yield from objects(value)
    if isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_there_is_a_schema_for_every_contract_and_every_file_that_people_write(
    schemas: dict[str, Any],
) -> None:
    providers = {name for name in schemas if name.startswith("accounts/")}
    in_app = {"rtm-message.v1", "rtm-receipt.v1", "rtm-request.v1", "rtm-presence.v1"}
    assert set(schemas) - providers == {"mt.v1", "mo.v1", "dr.v1", "application", *in_app}
    assert providers >= {"accounts/custom_http", "accounts/telegram", "accounts/whatsapp_cloud"}


def test_every_schema_is_one(schemas: dict[str, Any]) -> None:
    found = {name: list(faults(schema, schema)) for name, schema in schemas.items()}
    assert {name: found[name] for name in found if found[name]} == {}


@pytest.mark.parametrize("name", ["mt.v1", "mo.v1", "dr.v1"])
def test_a_contract_says_which_draft_and_which_contract_it_is(schemas: dict[str, Any], name: str) -> None:
    assert schemas[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schemas[name]["$id"] == f"urn:imgw:{name}"
    assert schemas[name]["title"].startswith(f"{name[:2].upper()}: ")


def test_an_mt_may_hold_nothing_that_is_not_described(schemas: dict[str, Any]) -> None:
    assert all(each.get("additionalProperties") is False for each in objects(schemas["mt.v1"]))


@pytest.mark.parametrize("name", ["mo.v1", "dr.v1"])
def test_readers_of_mo_and_dr_must_take_fields_that_are_added_later(
    schemas: dict[str, Any], name: str
) -> None:
    assert all("additionalProperties" not in each for each in objects(schemas[name]))


def test_the_samples_are_as_the_schema_says(schemas: dict[str, Any]) -> None:
    schema = schemas["mt.v1"]
    wrong = 0
    for line in SAMPLES:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        assert fits(document, schema, schema) is _accepted(document), line
        wrong += not _accepted(document)
    assert wrong < len(SAMPLES) / 2


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({}, True),
        ({"from": "447700900100"}, True),
        ({"sender": "447700900100"}, False),
        ({"to": {"kind": "psid", "id": "1"}}, True),
        ({"to": {"kind": "pigeon", "id": "1"}}, False),
        ({"to": ""}, False),
        ({"message_id": "a b"}, False),
        ({"message_id": "x" * 65}, False),
        ({"validity_seconds": 0}, False),
        ({"validity_seconds": 2_592_001}, False),
        ({"content": {"type": "text"}}, False),
        ({"content": {"type": "text", "text": "Hi", "bold": True}}, False),
        ({"content": {"type": "pigeon", "text": "Hi"}}, False),
        ({"content": {"type": "image", "url": "https://shop.example/1", "caption": "Tea"}}, True),
        ({"content": {"type": "location", "latitude": 91, "longitude": 0}}, False),
        ({"content": {"type": "text", "text": "Hi", "buttons": [{"type": "reply", "id": "y"}]}}, False),
        ({"attributes": {str(number): "x" for number in range(17)}}, False),
        ({"receipts": ["delivered"]}, True),
        ({"receipts": ["devoured"]}, False),
        ({"priority": "urgent"}, False),
        ({"colour": "red"}, False),
    ],
)
def test_the_schema_of_mt_says_what_the_gateway_takes(
    schemas: dict[str, Any], changes: dict[str, Any], fine: bool
) -> None:
    document = {
        "app_id": "shop",
        "channel": "sms",
        "to": "447700900001",
        "content": {"type": "text", "text": "Hi"},
        **changes,
    }
    assert (fits(document, schemas["mt.v1"], schemas["mt.v1"]), _accepted(document)) == (fine, fine)


def _accepted(document: Any) -> bool:
    taken = read(delivery_of(Publication("", "imgw.mt", json.dumps(document).encode())))
    return isinstance(taken, Intake) and taken.mt is not None


AT = now()
DR_LEAST = DR(
    event_id="e", message_id="m", app_id="shop", status="failed", final=True, occurred_at=AT, recorded_at=AT
)
MO_LEAST = MOMessage.model_validate(
    {
        "event_id": "e",
        "mo_id": "m",
        "app_id": "shop",
        "channel": "sms",
        "account": "acme",
        "provider": "acme",
        "provider_message_id": "p",
        "from": {"kind": "msisdn", "id": "447700900001"},
        "content": {"type": "text", "text": ""},
        "received_at": now(),
    }
)
DR_MORE = DR_LEAST.model_copy(update={"reason": permanent("no_route"), "degraded": ("a",), "channel": "sms"})
EVENT = {"type": "event", "name": "opted_in", "details": {"a": [1]}}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dr.v1", DR_LEAST),
        ("dr.v1", DR_MORE),
        ("mo.v1", MO_LEAST),
        ("mo.v1", MOMessage.model_validate(MO_LEAST.model_dump(by_alias=True) | {"content": EVENT})),
    ],
)
def test_what_is_published_is_as_its_schema_says(
    schemas: dict[str, Any], name: str, message: DR | MOMessage
) -> None:
    document = json.loads(message.model_dump_json(by_alias=True, exclude_none=True))
    assert fits(document, schemas[name], schemas[name])
    assert fits({**document, "added_later": 1}, schemas[name], schemas[name])
    for field in schemas[name]["required"]:
        less = copy.deepcopy(document)
        del less[field]
        assert not fits(less, schemas[name], schemas[name]), field


def test_secrets_are_marked_so_that_forms_hide_them(schemas: dict[str, Any]) -> None:
    token = schemas["accounts/whatsapp_cloud"]["$defs"]
    found = [part for part in token.values() if "access_token" in part.get("properties", {})]
    assert [part["properties"]["access_token"]["writeOnly"] for part in found] == [True]


def test_the_readme_gets_its_tables_and_nothing_else_changes(files: dict[str, str]) -> None:
    before, providers, settings = files["README.md"].split("<!-- generated: ")
    assert (before, settings[settings.index("<!-- end -->") :]) == ("# before\n", "<!-- end -->\nafter\n")
    rows = providers.splitlines()
    assert rows[0] == "providers -->"
    assert rows[1].startswith("| provider | channel |")
    assert rows[2] == "| " + " | ".join(["---"] * rows[1].count(" | ") + ["---"]) + " |"
    assert [row.split(" | ")[0] for row in rows if row.startswith("| whatsapp")] == ["| whatsapp_cloud"]
    assert rows[-2:] == ["<!-- end -->", "between"]
    assert "| `IMGW_BROKER__URL` | secret (or a file's path in IMGW_BROKER__URL_FILE) |" in settings


def test_every_row_of_a_table_has_as_many_cells_as_its_head(files: dict[str, str]) -> None:
    for part in files["README.md"].split("<!-- generated: ")[1:]:
        rows = [row for row in part.splitlines() if row.startswith("|")]
        assert {row.replace("\\|", "").count("|") for row in rows} == {rows[0].count("|")}


def test_generating_twice_changes_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "README.md").write_text(files["README.md"])
    again = {str(path.relative_to(tmp_path)): text for path, text in generated_files(tmp_path).items()}
    assert again == files


@pytest.mark.parametrize("missing", ["<!-- generated: providers -->", "<!-- generated: settings -->"])
def test_a_readme_without_its_places_is_named(tmp_path: Path, missing: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README.replace(missing, ""))
    with pytest.raises(ConfigurationError) as caught:
        generated_files(tmp_path)
    assert caught.value.problems == (
        Problem(str(readme), f"needs a part between {missing} and <!-- end -->"),
    )
