"""The OpenAPI document: valid, complete, and with nothing in it that is not to be had."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.rtm.refusals import REFUSALS
from gateway.web.api.description import DESCRIBE, OPERATIONS, document
from gateway.web.api.operations import Nothing


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by its id."""
    return {
        operation["operationId"]: operation
        for path in described["paths"].values()
        for operation in path.values()
    }


def test_it_is_an_openapi_document(described: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(described).iter_errors()] == []


def test_every_operation_has_a_name_of_its_own(described: dict[str, Any]) -> None:
    names = [operation.id for operation in OPERATIONS]
    assert sorted(names) == sorted(set(names)) == sorted(operations(described))


def test_every_operation_says_what_it_answers_without_a_key_or_a_store(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        assert "401" in operation["responses"], name
        assert "503" in operation["responses"] or name == DESCRIBE.id, name


def test_every_body_can_be_wrong_too_large_or_of_another_type(described: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        answers = operations(described)[operation.id]["responses"]
        if operation.body is not Nothing:
            assert {"400", "413", "415"} <= set(answers), operation.id


def test_every_code_of_an_operation_is_explained_where_its_status_is(described: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        answers = operations(described)[operation.id]["responses"]
        for code in operation.codes:
            assert f"`{code}`" in answers[str(REFUSALS[code][1])]["description"], (operation.id, code)


def test_every_id_in_a_path_is_a_parameter(described: dict[str, Any]) -> None:
    for path, entry in described["paths"].items():
        for operation in entry.values():
            named = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
            assert named == re.findall(r"{(\w+)}", path)


def test_what_is_secret_is_only_written(described: dict[str, Any]) -> None:
    profile = described["components"]["schemas"]["ApplicationProfile"]["properties"]
    assert profile["secrets"]["items"]["writeOnly"] is True
    assert profile["secret"]["readOnly"] is True
    device = described["components"]["schemas"]["CustomerPage"]["properties"]
    assert "push_token" not in str(device).replace("has_push_token", "")


def test_requests_are_closed_and_answers_open(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert schemas["CustomerBatch"]["additionalProperties"] is False
    for answer in ("CustomerPage", "ProblemAnswer", "ApplicationProfile"):
        assert "additionalProperties" not in schemas[answer]


def test_what_only_answers_have_is_absent_and_never_null(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert schemas["ProblemAnswer"]["properties"]["code"] == {
        "description": "For programs: see the description of the status.",
        "title": "Code",
        "type": "string",
    }
    assert "null" not in str(schemas["MessagePage"]) + str(schemas["MessageAnswer"])
    assert {"type": "null"} in schemas["ThreadChanges"]["properties"]["title"]["anyOf"]


def test_a_new_thread_is_for_a_person_or_a_topic(described: dict[str, Any]) -> None:
    new_thread = described["components"]["schemas"]["NewThread"]
    assert new_thread["oneOf"] == [{"required": ["user_id"]}, {"required": ["topic"]}]


def test_every_path_can_be_served() -> None:
    app = web.Application()
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, _nothing)
    assert len(app.router.routes()) == len(OPERATIONS)


async def _nothing(_: web.Request) -> web.Response:
    return web.Response()
