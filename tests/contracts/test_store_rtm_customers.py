"""The people of applications: added once however many add them, found again, and forgotten whole."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.model.application import Application, AttributeRule
from gateway.model.base import now
from gateway.rtm.expressions import parse
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.store.customers import Customer, Customers, KnownDevice, TopicChange
from gateway.store.topic_changes import MAX_TOPIC_CHANGES
from tests.contracts.store_world import AT, Store

pytestmark = pytest.mark.mongodb

LATER = AT + timedelta(minutes=1)
PHONE = Device("shop", "ann", "phone")


@pytest.fixture
def customers(store: Store) -> Customers:
    return Customers(store.database)


async def known(customers: Customers, user_id: str = "ann") -> Customer:
    found = await customers.get("shop", user_id)
    assert found is not None
    return found


async def test_somebody_unknown_is_nobody_and_there_is_nothing_to_forget(customers: Customers) -> None:
    assert await customers.get("shop", "ann") is None
    assert await customers.delete("shop", "ann") is False
    assert await customers.remove_device(PHONE) is False
    assert await customers.page("shop") == []
    assert await customers.audience("shop", parse("news'")) == []


async def test_people_are_added_with_attributes_and_changed_one_attribute_at_a_time(
    customers: Customers,
) -> None:
    first = {"ann": {"name": "Ann", "points": 7, "tags": ["a", "b"]}, "bob": {}}
    assert await customers.upsert("shop", first, AT) == {"ann", "bob"}
    assert await customers.upsert("shop", {"ann": {"points": 8, "tags": None}, "cid": {}}, LATER) == {"cid"}
    assert await customers.page("shop") == [
        Customer("ann", {"name": "Ann", "points": 8}, created_at=AT, updated_at=LATER),
        Customer("bob", created_at=AT, updated_at=AT),
        Customer("cid", created_at=LATER, updated_at=LATER),
    ]


async def test_nobody_is_added_when_there_is_nobody_to_add(customers: Customers) -> None:
    assert await customers.upsert("shop", {}, AT) == set()


@pytest.mark.parametrize("name", ["", "a.b", "$set", "a\x00", "1st", "x" * 65, "é"])
async def test_an_attribute_by_a_name_that_is_none_changes_nothing(customers: Customers, name: str) -> None:
    with pytest.raises(RtmRefused) as caught:
        await customers.upsert("shop", {"ann": {}, "bob": {name: 1}}, AT)
    assert caught.value.code == "invalid_attribute"
    with pytest.raises(RtmRefused):
        await customers.page("shop", where={name: 1})
    assert await customers.page("shop") == []


async def test_a_value_that_cannot_be_kept_changes_nothing_and_is_not_shown(customers: Customers) -> None:
    with pytest.raises(GatewayError) as caught:
        await customers.upsert("shop", {"ann": {}, "bob": {"points": 98_765_432_109_876_543_210}}, AT)
    assert "98765" not in str(caught.value)
    assert await customers.page("shop") == []


async def test_of_many_who_add_the_same_people_at_once_one_has_added_each(store: Store) -> None:
    processes = [Customers(store.database) for _ in range(6)]
    people: dict[str, dict[str, Any]] = {f"u{number:02}": {"points": number} for number in range(30)}
    added = await asyncio.gather(
        *(process.upsert("shop", people, AT) for process in processes),
        *(process.touch(Device("shop", user, "d"), AT) for process in processes for user in people),
    )
    by_upserts = [id for ids in added[:6] if ids is not None for id in ids]
    assert len(by_upserts) == len(set(by_upserts))
    assert await processes[0].page("shop") == [
        Customer(id, given, (KnownDevice("d", last_seen_at=AT),), created_at=AT, updated_at=AT)
        for id, given in people.items()
    ]


async def test_applications_do_not_know_each_other_s_people(customers: Customers) -> None:
    await customers.upsert("shop", {"ann": {"at": "shop"}}, AT)
    await customers.upsert("shop.2", {"ann": {"at": "shop.2"}}, AT)
    found = await asyncio.gather(*(customers.get(app, "ann") for app in ("shop", "shop.2", "other")))
    assert [each and each.attributes for each in found] == [{"at": "shop"}, {"at": "shop.2"}, None]
    await customers.drop("shop")
    await customers.drop("shop")
    assert await customers.get("shop", "ann") is None
    assert await customers.get("shop.2", "ann") is not None


async def test_a_person_is_deleted_with_everything(customers: Customers) -> None:
    await customers.touch(PHONE, AT, push_token="t-1")
    assert await customers.delete("shop", "ann") is True
    assert await customers.get("shop", "ann") is None


async def test_people_come_in_pages_in_the_order_of_their_ids(customers: Customers) -> None:
    await customers.upsert("shop", {f"u{number}": {"odd": number % 2 == 1} for number in (4, 2, 0, 3, 1)}, AT)
    assert [each.user_id for each in await customers.page("shop", limit=2)] == ["u0", "u1"]
    assert [each.user_id for each in await customers.page("shop", after="u1", limit=2)] == ["u2", "u3"]
    assert [each.user_id for each in await customers.page("shop", after="u3", limit=2)] == ["u4"]
    odd = await customers.page("shop", where={"odd": True}, after="u1")
    assert [each.user_id for each in odd] == ["u3"]


async def test_a_value_to_find_people_by_is_never_a_query(customers: Customers) -> None:
    await customers.upsert("shop", {"ann": {"name": "Ann"}}, AT)
    assert await customers.page("shop", where={"name": {"$gt": ""}}) == []


async def test_following_and_leaving_a_topic_names_those_who_are_not_known(customers: Customers) -> None:
    await customers.upsert("shop", {"ann": {}, "bob": {}}, AT)
    assert await customers.follow("shop", "news", ["ann", "bob", "cid"], LATER) == {"cid"}
    assert await customers.follow("shop", "news", ["ann"], LATER + timedelta(hours=1)) == set()
    assert await customers.follow("shop", "art", ["ann"], LATER) == set()
    assert await customers.unfollow("shop", "news", ["bob", "bob", "dan"], LATER) == {"dan"}
    assert await customers.page("shop") == [
        Customer(
            "ann",
            topics=("art", "news"),
            topic_changes=(TopicChange("news", LATER, True), TopicChange("art", LATER, True)),
            created_at=AT,
            updated_at=LATER,
        ),
        Customer(
            "bob",
            topic_changes=(TopicChange("news", LATER, True), TopicChange("news", LATER, False)),
            created_at=AT,
            updated_at=LATER,
        ),
    ]
    await customers.forget_topic("shop", "news")
    assert (await known(customers)).topics == ("art",)


async def test_only_what_changed_something_is_noted_however_many_do_it_at_once(store: Store) -> None:
    processes = [Customers(store.database) for _ in range(8)]
    await processes[0].upsert("shop", {"ann": {}}, AT)
    for step in ("follow", "unfollow", "follow"):
        await asyncio.gather(*(getattr(each, step)("shop", "news", ["ann"], LATER) for each in processes))
    expected = tuple(TopicChange("news", LATER, followed) for followed in (True, False, True))
    assert (await known(processes[0])).topic_changes == expected


async def test_a_topic_that_is_removed_is_left_by_those_who_follow_it(customers: Customers) -> None:
    await customers.upsert("shop", {"ann": {}, "bob": {}}, AT)
    await customers.follow("shop", "news", ["ann"], AT)
    before = now()
    await customers.forget_topic("shop", "news")
    await customers.forget_topic("shop", "news")
    first, second = (await known(customers)).topic_changes
    assert (first, second) == (TopicChange("news", AT, True), TopicChange("news", second.at, False))
    assert before <= second.at <= now()
    assert (await known(customers, "bob")).topic_changes == ()


async def test_the_last_changes_of_topics_are_kept_whatever_else_changes(customers: Customers) -> None:
    await customers.upsert("shop", {"ann": {}}, AT)
    many = [(f"t-{number}", AT + timedelta(seconds=number)) for number in range(MAX_TOPIC_CHANGES + 2)]
    for topic, at in many:
        await customers.follow("shop", topic, ["ann"], at)
    await customers.upsert("shop", {"ann": {"name": "Ann"}}, LATER)
    await customers.touch(PHONE, LATER)
    await customers.presence(PHONE, online=True, session="s-1", at=LATER)
    ann = await known(customers)
    assert ann.topic_changes == tuple(TopicChange(topic, at, True) for topic, at in many[2:])
    assert len(ann.topics) == len(many)


async def test_who_was_forgotten_and_is_back_has_changed_nothing(customers: Customers) -> None:
    await customers.touch(PHONE, AT)
    await customers.follow("shop", "news", ["ann"], AT)
    await customers.delete("shop", "ann")
    await customers.touch(PHONE, LATER)
    assert ((await known(customers)).topics, (await known(customers)).topic_changes) == ((), ())


async def test_an_audience_comes_in_pages_too(customers: Customers) -> None:
    await customers.upsert("shop", {f"u{number}": {} for number in range(6)}, AT)
    await customers.follow("shop", "news", ["u5", "u3", "u1"], AT)
    news, others = parse("news"), parse("news'")
    assert await customers.audience("shop", news) == ["u1", "u3", "u5"]
    assert await customers.audience("shop", news, after="u1", limit=1) == ["u3"]
    assert await customers.audience("shop", others, after="u0") == ["u2", "u4"]


def application(**attributes: bool) -> Application:
    rules = {name: AttributeRule(indexed=indexed) for name, indexed in attributes.items()}
    return Application(app_id="shop", attributes=rules)


async def index_names(store: Store) -> list[str]:
    return sorted(await store.database.db["customers_shop"].index_information())


async def test_people_are_found_by_the_attributes_that_are_indexed_and_no_longer_by_others(
    store: Store, customers: Customers
) -> None:
    await customers.ensure(application(city=True, name=False))
    assert await index_names(store) == ["_id_", "attribute_city", "push_token", "topics"]
    await customers.ensure(application(city=False, name=True))
    assert await index_names(store) == ["_id_", "attribute_name", "push_token", "topics"]


async def test_indexes_are_made_by_many_at_once(store: Store) -> None:
    await asyncio.gather(*(Customers(store.database).ensure(application(city=True)) for _ in range(5)))
    await asyncio.gather(*(Customers(store.database).ensure(application(name=True)) for _ in range(5)))
    assert await index_names(store) == ["_id_", "attribute_name", "push_token", "topics"]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"attributes.city": {"$eq": "York"}, "_id": {"$gt": "a"}}, "attribute_city"),
        ({"topics": "news"}, "topics"),
        ({"$or": [{"topics": "news"}, {"topics": "art"}]}, "topics"),
        ({"$and": [{"_id": {"$gt": "a"}}, {"$and": [{"topics": "a"}, {"topics": {"$ne": "b"}}]}]}, "topics"),
        ({"devices.push_token": {"$in": ["t-1"]}}, "push_token"),
    ],
)
async def test_what_people_are_found_by_has_an_index(
    store: Store, customers: Customers, query: dict[str, Any], index: str
) -> None:
    await customers.ensure(application(city=True))
    people = {f"u{number:03}": {"city": "York" if number == 150 else "Bath"} for number in range(300)}
    await customers.upsert("shop", people, AT)
    await customers.follow("shop", "a", ["u150"], AT)
    await customers.touch(Device("shop", "u150", "phone"), AT, push_token="t-1")
    plan = await store.database.db["customers_shop"].find(query).sort("_id", 1).explain()
    assert f"'indexName': '{index}'" in str(plan["queryPlanner"]["winningPlan"])
