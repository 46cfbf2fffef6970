"""What is configured, in the store: whole, versioned, and its secrets sealed."""

from __future__ import annotations

import asyncio
from typing import Any

import bson
import pytest
from pydantic import SecretStr

from gateway.errors import ConfigurationError, Problem
from gateway.store.catalog import CatalogueStore, StoredCatalogue
from gateway.store.secrets import SecretBox
from tests.contracts.store_world import Store

pytestmark = pytest.mark.mongodb

SHOP = {"app_id": "shop", "accounts": ["acme"]}
ACME: dict[str, Any] = {
    "account": "acme",
    "credentials": {"token": SecretStr("t0ken-in-the-clear"), "user": "ann"},
    "parameters": {
        "list": [{"name": "X-Key", "value": SecretStr("k3y-in-the-clear")}],
        "a.b": 1,
        "$c": None,
    },
}
OPENED = {
    "account": "acme",
    "credentials": {"token": "t0ken-in-the-clear", "user": "ann"},
    "parameters": {"list": [{"name": "X-Key", "value": "k3y-in-the-clear"}], "a.b": 1, "$c": None},
}


def box(*keys: str) -> SecretBox:
    return SecretBox(SecretStr(",".join(keys)))


@pytest.fixture
def key() -> str:
    return SecretBox.new_key()


@pytest.fixture
def catalogue(store: Store, key: str) -> CatalogueStore:
    return CatalogueStore(store.database, box(key))


async def test_nothing_is_configured_at_first(catalogue: CatalogueStore) -> None:
    assert await catalogue.version() == 0
    assert await catalogue.load() == StoredCatalogue(0, {}, {})


async def test_what_is_put_is_loaded_with_its_secrets_open(catalogue: CatalogueStore) -> None:
    assert await catalogue.put({"shop": SHOP}, {"acme": ACME}) == 1
    assert await catalogue.load() == StoredCatalogue(1, {"shop": SHOP}, {"acme": OPENED})


async def test_no_secret_is_in_the_clear_in_the_store(store: Store, catalogue: CatalogueStore) -> None:
    await catalogue.put({"shop": SHOP}, {"acme": ACME})
    for name in await store.database.db.list_collection_names():
        for document in await store.database.db[name].find().to_list(None):
            assert b"in-the-clear" not in bson.encode(document)
    assert "in-the-clear" not in repr(ACME)
    raw = await store.database.db["accounts"].find_one({"_id": "acme"})
    assert raw["document"]["credentials"]["user"] == "ann"


async def test_each_change_has_a_version_of_its_own(catalogue: CatalogueStore) -> None:
    versions = [
        await catalogue.put({}, {}),
        await catalogue.put({"shop": SHOP}, {}),
        await catalogue.version(),
    ]
    assert versions == [1, 2, 2]
    together = await asyncio.gather(*(catalogue.put({}, {}) for _ in range(10)))
    assert sorted(together) == list(range(3, 13))


async def test_a_change_replaces_by_name_and_leaves_the_others(catalogue: CatalogueStore) -> None:
    other = {"account": "other"}
    await catalogue.put({"shop": SHOP}, {"acme": ACME, "other": other})
    await catalogue.put({"shop": {"app_id": "shop"}}, {"acme": {"account": "acme"}})
    expected = StoredCatalogue(2, {"shop": {"app_id": "shop"}}, {"acme": {"account": "acme"}, "other": other})
    assert await catalogue.load() == expected


async def test_pruning_removes_what_is_not_given(catalogue: CatalogueStore) -> None:
    await catalogue.put({"shop": SHOP, "old": SHOP}, {"acme": ACME, "old": ACME})
    await catalogue.put({"shop": SHOP}, {"new": {"account": "new"}}, prune=True)
    assert await catalogue.load() == StoredCatalogue(2, {"shop": SHOP}, {"new": {"account": "new"}})
    await catalogue.put({}, {}, prune=True)
    assert await catalogue.load() == StoredCatalogue(3, {}, {})


async def test_another_key_opens_nothing_and_the_setting_is_named(
    store: Store, catalogue: CatalogueStore
) -> None:
    await catalogue.put({}, {"acme": ACME})
    with pytest.raises(ConfigurationError) as caught:
        await CatalogueStore(store.database, box(SecretBox.new_key())).load()
    what = "does not open the secrets in the store: they were sealed with another key"
    assert caught.value.problems == (Problem("IMGW_SECRETS__KEY", what),)


async def test_a_key_is_changed_by_putting_the_new_one_before_the_old(
    store: Store, catalogue: CatalogueStore, key: str
) -> None:
    await catalogue.put({}, {"acme": ACME, "other": ACME})
    new = SecretBox.new_key()
    both = CatalogueStore(store.database, box(new, key))
    assert (await both.load()).accounts == {"acme": OPENED, "other": OPENED}
    await both.put({}, {"acme": ACME})
    with pytest.raises(ConfigurationError):
        await CatalogueStore(store.database, box(new)).load()
    await both.put({}, {"other": ACME})
    assert (await CatalogueStore(store.database, box(new)).load()).accounts == {
        "acme": OPENED,
        "other": OPENED,
    }


@pytest.mark.parametrize("keys", ["", "too-short", f"{SecretBox.new_key()},", "x" * 44])
def test_what_is_no_key_is_refused_without_being_shown(keys: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        box(keys)
    assert [problem.where for problem in caught.value.problems] == ["IMGW_SECRETS__KEY"]
    assert not keys or keys not in str(caught.value)


def test_what_looks_sealed_but_was_given_like_that_is_left_alone() -> None:
    mine = box(SecretBox.new_key())
    odd: dict[str, Any] = {"imgw:fernet": {"imgw:fernet": SecretStr("s")}, "list": [{"imgw:fernet": 7}]}
    assert mine.open(mine.seal(odd)) == {"imgw:fernet": {"imgw:fernet": "s"}, "list": [{"imgw:fernet": 7}]}


CHAT: dict[str, Any] = {"app_id": "chat", "secrets": [SecretStr("s3cret-in-the-clear-1"), "open"]}
OPEN_CHAT = {"app_id": "chat", "secrets": ["s3cret-in-the-clear-1", "open"]}


async def test_an_application_s_secrets_are_sealed_like_an_account_s(
    store: Store, catalogue: CatalogueStore
) -> None:
    await catalogue.put({"chat": CHAT}, {})
    assert await catalogue.put_application({**CHAT, "app_id": "chat2"}, expected=None) is True
    for document in await store.database.db["applications"].find().to_list(None):
        assert b"in-the-clear" not in bson.encode(document)
    stored = await catalogue.load()
    assert stored == StoredCatalogue(2, {"chat": OPEN_CHAT, "chat2": {**OPEN_CHAT, "app_id": "chat2"}}, {})
    assert await catalogue.application("chat") == (OPEN_CHAT, 1)


async def test_an_application_from_before_there_were_secrets_can_be_read_and_changed(
    store: Store, catalogue: CatalogueStore
) -> None:
    await store.database.db["applications"].insert_one({"_id": "shop", "document": SHOP})
    assert await catalogue.application("shop") == (SHOP, 0)
    assert await catalogue.load() == StoredCatalogue(0, {"shop": SHOP}, {})
    assert await catalogue.put_application({"app_id": "shop"}, expected=0) is True
    assert await catalogue.put_application(SHOP, expected=0) is False
    assert await catalogue.application("shop") == ({"app_id": "shop"}, 1)


async def test_an_application_is_added_changed_and_removed_only_as_it_was_seen(
    catalogue: CatalogueStore,
) -> None:
    assert await catalogue.application("shop") is None
    assert await catalogue.put_application(SHOP, expected=0) is False
    assert await catalogue.put_application(SHOP, expected=None) is True
    assert await catalogue.put_application({"app_id": "shop"}, expected=None) is False
    assert await catalogue.put_application({"app_id": "shop"}, expected=7) is False
    assert await catalogue.application("shop") == (SHOP, 1)
    assert await catalogue.put_application({"app_id": "shop"}, expected=1) is True
    assert await catalogue.application("shop") == ({"app_id": "shop"}, 2)
    assert await catalogue.version() == 2
    assert [await catalogue.remove_application("shop"), await catalogue.remove_application("shop")] == [
        True,
        False,
    ]
    assert await catalogue.load() == StoredCatalogue(3, {}, {})


async def test_a_change_by_files_is_a_change_of_the_application_too(catalogue: CatalogueStore) -> None:
    await catalogue.put_application(SHOP, expected=None)
    await catalogue.put({"shop": {"app_id": "shop", "name": "by files"}}, {})
    assert await catalogue.put_application(SHOP, expected=1) is False
    assert await catalogue.application("shop") == ({"app_id": "shop", "name": "by files"}, 2)


async def test_of_many_who_change_an_application_at_once_one_succeeds(catalogue: CatalogueStore) -> None:
    added = await asyncio.gather(*(catalogue.put_application(SHOP, expected=None) for _ in range(8)))
    changed = await asyncio.gather(*(catalogue.put_application(SHOP, expected=1) for _ in range(8)))
    assert (added.count(True), changed.count(True), await catalogue.version()) == (1, 1, 2)


NO_WORD = {"app_id": "chat", "name": "$document.secrets"}  # of secrets


async def test_an_application_keeps_its_secrets_when_the_files_have_no_word_of_them(
    store: Store, catalogue: CatalogueStore
) -> None:
    await catalogue.put_application(CHAT, expected=None)
    for rev in (2, 3):
        await catalogue.put({"chat": NO_WORD, "shop": SHOP}, {})
        kept = {**NO_WORD, "secrets": OPEN_CHAT["secrets"]}
        assert await catalogue.application("chat") == (kept, rev)
        assert await catalogue.load() == StoredCatalogue(rev, {"chat": kept, "shop": SHOP}, {})
    raw = await store.database.db["applications"].find_one({"_id": "chat"})
    assert b"in-the-clear" not in bson.encode(raw)


@pytest.mark.parametrize(("given", "stored"), [([], []), ([SecretStr("an0ther")], ["an0ther"])])
@pytest.mark.parametrize("prune", [False, True])
async def test_files_that_have_secrets_replace_them_all(
    catalogue: CatalogueStore, given: list[SecretStr], stored: list[str], prune: bool
) -> None:
    await catalogue.put_application(CHAT, expected=None)
    await catalogue.put({"chat": {"app_id": "chat", "secrets": given}}, {}, prune=prune)
    assert await catalogue.application("chat") == ({"app_id": "chat", "secrets": stored}, 2)


async def test_pruning_takes_the_secrets_of_those_that_go_and_no_others(catalogue: CatalogueStore) -> None:
    for app_id in ("chat", "old"):
        await catalogue.put_application({**CHAT, "app_id": app_id}, expected=None)
    await catalogue.put({"chat": NO_WORD}, {}, prune=True)
    kept = {**NO_WORD, "secrets": OPEN_CHAT["secrets"]}
    assert await catalogue.load() == StoredCatalogue(3, {"chat": kept}, {})
    await catalogue.put({"old": {"app_id": "old"}}, {})
    assert await catalogue.application("old") == ({"app_id": "old"}, 1)


async def test_secrets_that_are_changed_while_files_are_applied_are_not_changed_back(
    catalogue: CatalogueStore,
) -> None:
    await catalogue.put_application(CHAT, expected=None)

    async def changes() -> None:
        for number in range(20):
            secrets, written = [SecretStr(f"made-{number}")], False
            while not written:
                found = await catalogue.application("chat")
                assert found is not None
                written = await catalogue.put_application({**CHAT, "secrets": secrets}, expected=found[1])
            assert (await catalogue.load()).applications["chat"]["secrets"] == [f"made-{number}"]

    changing = asyncio.create_task(changes())
    while not changing.done():
        await catalogue.put({"chat": NO_WORD}, {})
    await changing
    await catalogue.put({"chat": NO_WORD}, {})
    assert (await catalogue.load()).applications == {"chat": {**NO_WORD, "secrets": ["made-19"]}}


async def test_secrets_that_are_kept_are_sealed_with_the_new_key_too(
    store: Store, catalogue: CatalogueStore, key: str
) -> None:
    await catalogue.put_application(CHAT, expected=None)
    new = SecretBox.new_key()
    await CatalogueStore(store.database, box(new, key)).put({"chat": NO_WORD}, {})
    found = await CatalogueStore(store.database, box(new)).application("chat")
    assert found == ({**NO_WORD, "secrets": OPEN_CHAT["secrets"]}, 2)


async def test_secrets_that_do_not_open_are_neither_kept_nor_lost_without_a_word(
    store: Store, catalogue: CatalogueStore
) -> None:
    await catalogue.put_application(CHAT, expected=None)
    another = CatalogueStore(store.database, box(SecretBox.new_key()))
    with pytest.raises(ConfigurationError) as caught:
        await another.put({"chat": NO_WORD, "shop": SHOP}, {"acme": ACME}, prune=True)
    what = "were sealed with another key, and the file has none instead; `secrets: []` in it removes them"
    assert caught.value.problems == (Problem("application chat: secrets", what),)
    assert await catalogue.load() == StoredCatalogue(1, {"chat": OPEN_CHAT}, {})
    await another.put({"chat": {**NO_WORD, "secrets": []}}, {}, prune=True)
    assert await another.load() == StoredCatalogue(2, {"chat": {**NO_WORD, "secrets": []}}, {})
