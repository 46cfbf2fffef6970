"""/v1/applications: profiles that are refused, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.store.connect import Database
from tests.integration.api_site import RTM, SECRET, SHOP, Site, configure, open_site

pytestmark = pytest.mark.mongodb

APPS, ONE = "/applications", "/applications/shop"
OTHER = "an-0ther-secret-of-thirty-two-characters"


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        yield site


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        ({}, "app_id"),
        ({"app_id": "Shop"}, "app_id"),
        ({"app_id": "shop", "colour": "red"}, "colour"),
        ({"app_id": "shop", "secrets": ["short"]}, "secrets.0"),
        ({"app_id": "shop", "secrets": [SECRET, OTHER, SECRET + OTHER]}, "secrets"),
        ({"app_id": "shop", "validity_seconds": 0}, "validity_seconds"),
        ({"app_id": "shop", "attributes": {"a.b": {}}}, "attributes.a.b"),
        ({"app_id": "shop", "attributes": {"city": {"type": "pigeon"}}}, "attributes.city.type"),
        ([], "body"),
        (7, "body"),
    ],
)
async def test_a_profile_that_is_none_is_refused_with_its_field(site: Site, profile: Any, field: str) -> None:
    answer = await site.ask("POST", APPS, profile)
    assert (answer.status, answer.body["code"]) == (400, "invalid_payload")
    assert field in [error["field"] for error in answer.body["errors"]]
    assert await site.get(APPS) == {"items": []}


async def test_a_profile_is_checked_with_all_that_is_configured(site: Site) -> None:
    answer = await site.ask("POST", APPS, {"app_id": "shop", "accounts": ["rtm-1", "nowhere"]})
    assert (answer.status, answer.body["code"]) == (400, "invalid_profile")
    assert answer.body["errors"] == [
        {"field": "accounts", "detail": "there is no account nowhere"},
        {"field": "accounts", "detail": "there is no account rtm-1"},
    ]
    await configure(site)
    assert (await site.ask("PATCH", ONE, {"accounts": ["rtm-1"]})).status == 200
    assert await site.refused("PATCH", ONE, {"accounts": ["nowhere"]}) == (400, "invalid_profile")
    assert (await site.get(ONE))["accounts"] == ["rtm-1"]


async def test_a_profile_stays_under_its_name(site: Site) -> None:
    await configure(site)
    for method, body in (("PUT", {"app_id": "other"}), ("PATCH", {"app_id": "other"})):
        answer = await site.ask(method, ONE, body)
        assert (answer.status, answer.body["errors"]) == (
            400,
            [{"field": "app_id", "detail": "is not the one in the path"}],
        )


async def test_a_patch_may_not_be_nested_without_end(site: Site) -> None:
    await configure(site)
    nested = b'{"push":' * 900 + b"{}" + b"}" * 900
    assert await site.refused("PATCH", ONE, raw=nested) == (400, "invalid_payload")


async def test_an_application_that_is_in_use_is_not_removed(site: Site) -> None:
    await configure(site, {**SHOP, "enabled": False}, accounts=[{**RTM, "mo_application": "shop"}])
    answer = await site.ask("DELETE", ONE)
    assert (answer.status, answer.body["code"]) == (409, "still_in_use")
    assert answer.body["errors"] == [
        {"field": "account rtm-1: mo_application", "detail": "there is no application shop"}
    ]
    await configure(site)
    assert await site.refused("DELETE", ONE) == (409, "still_enabled")
    assert (await site.get(ONE))["app_id"] == "shop"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", ONE, None),
        ("PUT", ONE, {"app_id": "shop"}),
        ("PATCH", ONE, {}),
        ("DELETE", ONE, None),
        ("POST", f"{ONE}/secrets", None),
    ],
)
async def test_an_application_that_there_is_not_is_a_404(
    site: Site, method: str, path: str, body: Any
) -> None:
    assert await site.refused(method, path, body) == (404, "unknown_application")
