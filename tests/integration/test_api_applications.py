"""/v1/applications: profiles made, read, changed, listed and removed, with secrets that only go in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.errors import StoreUnavailable
from gateway.model.base import now
from gateway.rtm.names import Device
from gateway.store.connect import Database
from gateway.store.threads import ThreadRecord
from gateway.store.topics import TopicRecord
from handlers.registry import Registry
from processors.configuration import apply, check_folder
from tests.integration.api_site import SECRET, SHOP, Site, configure, open_site

pytestmark = pytest.mark.mongodb

APPS, ONE = "/applications", "/applications/shop"
DEFAULTS: dict[str, Any] = {
    "name": "",
    "accounts": ["*"],
    "validity_seconds": 86_400,
    "receipts": ["submitted", "delivered", "read"],
    "duplicates": "allow",
    "retention_days": 90,
    "attributes": {},
    "device_sync": False,
    "push": {},
    "enabled": True,
}
OTHER = "an-0ther-secret-of-thirty-two-characters"


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with open_site(database) as site:
        yield site


async def secrets_of(site: Site) -> list[str]:
    found = await site.store.application("shop")
    assert found is not None
    return list(found[0].get("secrets", []))


async def test_a_profile_is_made_with_a_secret_that_is_shown_once(site: Site) -> None:
    profile = {"app_id": "shop", "name": "Shop", "attributes": {"city": {"indexed": True}}}
    made = await site.ask("POST", APPS, profile)
    secret = made.body.pop("secret")
    expected = {
        **DEFAULTS,
        **profile,
        "attributes": {"city": {"type": "text", "indexed": True}},
        "rev": 1,
        "secret_count": 1,
    }
    assert (made.status, made.body, len(secret)) == (201, expected, 43)
    assert made.headers["Cache-Control"] == "no-store"
    assert await secrets_of(site) == [secret]
    assert await site.get(ONE) == expected
    current = site.follower.current.applications["shop"]
    assert [each.get_secret_value() for each in current.secrets] == [secret]


async def test_a_secret_that_is_given_is_never_shown(site: Site) -> None:
    made = await site.ask("POST", APPS, {"app_id": "shop", "secrets": [SECRET, OTHER]})
    assert (made.status, made.body) == (201, {**DEFAULTS, "app_id": "shop", "rev": 1, "secret_count": 2})
    listed = await site.get(APPS)
    assert listed == {"items": [{**DEFAULTS, "app_id": "shop", "rev": 1, "secret_count": 2}]}
    assert await secrets_of(site) == [SECRET, OTHER]


async def test_no_secret_is_in_the_store_in_the_clear_or_in_a_log(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    await site.ask("POST", APPS, {"app_id": "shop", "secrets": [SECRET]})
    await site.refused("PUT", ONE, {"app_id": "shop", "secrets": [SECRET, 7], "colour": SECRET})
    await site.refused("PATCH", ONE, {"secrets": [SECRET], SECRET: 1, "validity_seconds": SECRET})
    raw = await site.database.db["applications"].find_one({"_id": "shop"})
    assert SECRET not in str(raw)
    written = capsys.readouterr()
    assert SECRET not in written.out + written.err


async def test_an_application_is_made_once(site: Site) -> None:
    answers = await asyncio.gather(*(site.ask("POST", APPS, {"app_id": "shop"}) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"already_exists"}


async def test_profiles_are_listed_in_pages(site: Site) -> None:
    await configure(site, *({"app_id": f"app-{number}"} for number in range(5)))
    first = await site.get(f"{APPS}?limit=2")
    second = await site.get(f"{APPS}?limit=2&cursor={first['next']}")
    third = await site.get(f"{APPS}?limit=2&cursor={second['next']}")
    pages = [[each["app_id"] for each in page["items"]] for page in (first, second, third)]
    assert pages == [["app-0", "app-1"], ["app-2", "app-3"], ["app-4"]]
    assert "next" not in third


async def test_what_was_read_can_be_changed_and_written_back(site: Site) -> None:
    await configure(site)
    profile = await site.get(ONE)
    answer = await site.ask("PUT", ONE, {**profile, "name": "Shop", "device_sync": True})
    assert (answer.status, answer.body) == (
        200,
        {**profile, "name": "Shop", "device_sync": True, "rev": profile["rev"] + 1},
    )
    assert await site.get(ONE) == answer.body
    assert await secrets_of(site) == [SECRET]
    assert site.follower.current.applications["shop"].device_sync is True


async def test_a_profile_is_replaced_as_a_whole(site: Site) -> None:
    await configure(site, {**SHOP, "name": "Shop", "retention_days": 7})
    answer = await site.ask("PUT", ONE, {"app_id": "shop", "secrets": []})
    assert answer.body == {**DEFAULTS, "app_id": "shop", "rev": answer.body["rev"], "secret_count": 0}
    assert await secrets_of(site) == []


async def test_fields_are_changed_and_taken_back_by_a_merge_patch(site: Site) -> None:
    attributes = {"city": {"indexed": True}, "age": {"type": "integer"}}
    await configure(site, {**SHOP, "name": "Shop", "retention_days": 7, "attributes": attributes})
    patch = {"name": "Store", "retention_days": None, "attributes": {"age": None, "city": {"indexed": False}}}
    answer = await site.ask("PATCH", ONE, patch)
    expected = {
        **DEFAULTS,
        "app_id": "shop",
        "name": "Store",
        "attributes": {"city": {"type": "text", "indexed": False}},
        "rev": answer.body["rev"],
        "secret_count": 1,
    }
    assert (answer.status, answer.body) == (200, expected)
    assert await secrets_of(site) == [SECRET]


async def test_of_two_who_have_read_the_same_profile_one_is_refused(site: Site) -> None:
    await configure(site)
    rev = (await site.get(ONE))["rev"]
    assert (await site.ask("PATCH", ONE, {"name": "A", "rev": rev})).status == 200
    assert await site.refused("PATCH", ONE, {"name": "B", "rev": rev}) == (409, "changed_meanwhile")
    profile = {"app_id": "shop", "name": "B", "rev": rev}
    assert await site.refused("PUT", ONE, profile) == (409, "changed_meanwhile")
    assert (await site.get(ONE))["name"] == "A"


async def test_of_several_who_write_at_once_no_change_is_lost(site: Site) -> None:
    await configure(site)
    rev = (await site.get(ONE))["rev"]
    fields: list[dict[str, Any]] = [{"name": "A"}, {"brand": "B"}, {"group": "C"}, {"team": "D"}]
    answers = await asyncio.gather(*(site.ask("PATCH", ONE, each) for each in fields))
    assert {answer.status for answer in answers} <= {200, 409}
    done = [each for each, answer in zip(fields, answers, strict=True) if answer.status == 200]
    kept = await site.get(ONE)
    assert kept["rev"] == rev + len(done)
    assert done
    for field in done:
        assert field.items() <= kept.items()


async def test_a_new_secret_replaces_the_older_of_two(site: Site) -> None:
    await configure(site, {**SHOP, "secrets": [SecretStr(SECRET), SecretStr(OTHER)]})
    rotated = await site.ask("POST", f"{ONE}/secrets")
    made = rotated.body["secret"]
    assert (rotated.status, rotated.body) == (201, {"secret": made, "secret_count": 2, "rev": 2})
    assert await secrets_of(site) == [made, SECRET]
    assert site.follower.current.applications["shop"].secrets[0].get_secret_value() == made


async def test_a_new_secret_is_made_once_for_one_rev(site: Site) -> None:
    await configure(site, {**SHOP, "secrets": [SecretStr(SECRET)]})
    rev = (await site.get(ONE))["rev"]
    made = (await site.ask("POST", f"{ONE}/secrets?rev={rev}")).body["secret"]
    assert await site.refused("POST", f"{ONE}/secrets?rev={rev}") == (409, "changed_meanwhile")
    assert await secrets_of(site) == [made, SECRET]


async def test_an_application_goes_with_its_people_threads_and_topics(site: Site) -> None:
    await configure(site, {**SHOP, "enabled": False}, {"app_id": "other"})
    at = now()
    for app_id in ("shop", "other"):
        await site.customers.touch(Device(app_id, "ann", "phone"), at)
        await site.topics.add(TopicRecord(app_id, "news", at))
        await site.threads.ensure(ThreadRecord(app_id, "t-1", "conversation", at, at, user_id="ann"))
    answer = await site.ask("DELETE", ONE)
    assert (answer.status, answer.body) == (204, None)
    assert await site.refused("GET", ONE) == (404, "unknown_application")
    assert set(site.follower.current.applications) == {"other"}
    for app_id, there in (("shop", False), ("other", True)):
        left = (
            await site.customers.get(app_id, "ann"),
            await site.topics.get(app_id, "news"),
            await site.threads.get(app_id, "t-1"),
        )
        assert [each is not None for each in left] == [there] * 3
    assert await site.refused("DELETE", ONE) == (404, "unknown_application")


async def test_what_is_indexed_can_be_searched_at_once(site: Site) -> None:
    await site.ask("POST", APPS, {"app_id": "shop", "attributes": {"city": {"indexed": True}}})
    indexes = await site.database.db["customers_shop"].index_information()
    assert "attribute_city" in indexes
    await site.ask("PATCH", ONE, {"attributes": {"city": {"indexed": False}}})
    assert "attribute_city" not in await site.database.db["customers_shop"].index_information()


async def test_what_a_folder_says_is_indexed_can_be_searched_too(site: Site, tmp_path: Path) -> None:
    (tmp_path / "applications").mkdir()
    (tmp_path / "applications" / "shop.yaml").write_text(
        "app_id: shop\nattributes: {city: {indexed: true}}\n"
    )
    checked = check_folder(tmp_path, {}, Registry.discover())
    await apply(checked, site.store, site.customers, prune=True)
    assert "attribute_city" in await site.database.db["customers_shop"].index_information()


async def test_a_secret_is_shown_although_the_store_is_away_after_it_was_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.follower, "refresh", away)
    made = await site.ask("POST", APPS, {"app_id": "shop"})
    assert (made.status, await secrets_of(site)) == (201, [made.body["secret"]])
