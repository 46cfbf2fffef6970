"""/v1/applications/…/customers: people listed, and found by an attribute."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store.connect import Database
from tests.integration.api_customers import ALL, ATTRIBUTES, person, upsert
from tests.integration.api_site import SHOP, Site, configure, open_site

pytestmark = pytest.mark.mongodb


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        await configure(site, {**SHOP, "attributes": ATTRIBUTES})
        yield site


async def test_people_are_listed_in_pages(site: Site) -> None:
    await upsert(site, *(person(f"user-{number}") for number in range(5)))
    first = await site.get(f"{ALL}?limit=3")
    second = await site.get(f"{ALL}?limit=3&cursor={first['next']}")
    pages = [[each["user_id"] for each in page["items"]] for page in (first, second)]
    assert pages == [["user-0", "user-1", "user-2"], ["user-3", "user-4"]]
    assert "next" not in second


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("attribute=city&value=York", ["ann", "bob"]),
        ("attribute=city&value=41", []),
        ("attribute=age&value=41", ["ann"]),
        ("attribute=weight&value=60.5", ["bob"]),
        ("attribute=member&value=true", ["ann"]),
        ("attribute=since&value=2026-11-22T12:00:00%2B02:00", ["bob"]),
    ],
)
async def test_people_are_found_by_an_attribute(site: Site, query: str, found: list[str]) -> None:
    await upsert(
        site,
        person("ann", city="York", age=41, member=True),
        person("bob", city="York", weight=60.5, since="2026-11-22T10:00:00Z"),
        person("cay", city="Leeds"),
    )
    page = await site.get(f"{ALL}?{query}")
    assert [each["user_id"] for each in page["items"]] == found


async def test_what_is_found_comes_in_pages_too(site: Site) -> None:
    await upsert(site, *(person(f"user-{number}", city="York") for number in range(3)))
    first = await site.get(f"{ALL}?attribute=city&value=York&limit=2")
    second = await site.get(f"{ALL}?attribute=city&value=York&limit=2&cursor={first['next']}")
    assert [each["user_id"] for each in second["items"]] == ["user-2"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("attribute=note&value=x", "not_indexed"),
        ("attribute=nothing&value=x", "not_indexed"),
        ("attribute=$where&value=x", "not_indexed"),
        ("attribute=age&value=old", "invalid_attribute"),
        ("attribute=age&value=[41]", "invalid_attribute"),
        ("attribute=age&value=null", "invalid_attribute"),
        ("attribute=member&value=null", "invalid_attribute"),
        ("attribute=since&value=today", "invalid_attribute"),
        ("attribute=city", "invalid_payload"),
        ("value=York", "invalid_payload"),
        ("limit=0", "invalid_payload"),
        ("limit=101", "invalid_payload"),
        ("limit=many", "invalid_payload"),
        ("limit=1&limit=2", "invalid_payload"),
        ("cursor=x", "invalid_payload"),
        ("cursor=!!!!", "invalid_payload"),
        ("cursor=", "invalid_payload"),
        ("colour=red", "invalid_payload"),
    ],
)
async def test_a_query_that_is_none_is_refused(site: Site, query: str, code: str) -> None:
    assert await site.refused("GET", f"{ALL}?{query}") == (400, code)


async def test_who_looks_for_what_is_not_indexed_is_told_what_is(site: Site) -> None:
    answer = await site.ask("GET", f"{ALL}?attribute=note&value=x")
    what = "people are only found by attributes that are `indexed` in the profile: "
    assert answer.body["detail"].startswith(what)
    assert "city" in answer.body["detail"].removeprefix(what).split(", ")
