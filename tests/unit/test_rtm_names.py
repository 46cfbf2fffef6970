"""The topics of the in-app channel: each device has its own, and nobody else's can be mistaken for them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.rtm.names import (
    UP_KINDS,
    Device,
    DeviceId,
    UserId,
    device_name,
    device_names,
    down,
    level,
    mo_name,
    read_device_name,
    read_login,
    read_mo_name,
    read_up,
    sync,
    up_filter,
)

PHONE = Device("shop.uk", "ann+b@x.com", "phone:1")
OWN = "imgw/v1/shop%2Euk/u/ann%2Bb%40x%2Ecom/d/phone%3A1"


def test_a_device_has_exactly_these_topics() -> None:
    assert PHONE.publications == (f"{OWN}/up", f"{OWN}/rcpt", f"{OWN}/req", f"{OWN}/presence")
    assert PHONE.subscriptions == (
        "imgw/v1/shop%2Euk/u/ann%2Bb%40x%2Ecom/down",
        "imgw/v1/shop%2Euk/u/ann%2Bb%40x%2Ecom/sync",
        f"{OWN}/down",
        f"{OWN}/res",
    )
    assert PHONE.login == "shop%2Euk:ann%2Bb%40x%2Ecom:phone%3A1"


def test_what_everybody_listens_to_is_told_by_person() -> None:
    assert down("shop", "ann") == "imgw/v1/shop/u/ann/down"
    assert sync("shop", "ann") == "imgw/v1/shop/u/ann/sync"
    assert up_filter("rcpt") == "imgw/v1/+/u/+/d/+/rcpt"


@pytest.mark.parametrize("kind", UP_KINDS)
def test_where_a_device_publishes_is_read_back(kind: str) -> None:
    assert read_up(f"{OWN}/{kind}") == (PHONE, kind)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "imgw/v1",
        "imgw/v1/shop/u/ann/d/phone",
        "imgw/v1/shop/u/ann/d/phone/down",
        "imgw/v1/shop/u/ann/d/phone/res",
        "imgw/v1/shop/u/ann/d/phone/up/",
        "/imgw/v1/shop/u/ann/d/phone/up",
        "imgw/v2/shop/u/ann/d/phone/up",
        "imgw/v1/shop/x/ann/d/phone/up",
        "imgw/v1/shop/u/ann/x/phone/up",
        "imgw/v1//u/ann/d/phone/up",
        "imgw/v1/shop/u//d/phone/up",
        "imgw/v1/shop/u/ann/d//up",
        "imgw/v1/+/u/ann/d/phone/up",
        "imgw/v1/Shop/u/ann/d/phone/up",
        "imgw/v1/shop/u/ann.b/d/phone/up",  # written in another way than ours
        "imgw/v1/shop/u/%61nn/d/phone/up",
        "imgw/v1/shop/u/ann%2eb/d/phone/up",
        "imgw/v1/shop/u/ann%2Fd/d/phone/up",
        "imgw/v1/shop/u/%FF/d/phone/up",
        "imgw/v1/shop/u/ann%0A/d/phone/up",
        "imgw/v1/shop/u/ann\n/d/phone/up",
        "imgw/v1/shop/u/-ann/d/phone/up",
        f"imgw/v1/shop/u/{'a' * 129}/d/phone/up",
        f"imgw/v1/shop/u/ann/d/{'a' * 65}/up",
        f"imgw/v1/{'a' * 65}/u/ann/d/phone/up",
    ],
)
def test_a_topic_that_no_device_publishes_to_is_nobody_s(topic: str) -> None:
    assert read_up(topic) is None


@pytest.mark.parametrize(
    "login",
    ["", "shop:ann", "shop:ann:phone:1", "shop:ann.b:phone", ":ann:phone", "shop/u:ann:phone", "a:b/d/c:d"],
)
def test_a_login_that_is_no_device_s_is_nobody_s(login: str) -> None:
    assert read_login(login) is None


devices = st.builds(
    Device,
    st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True),
)


@given(devices)
def test_every_device_is_known_by_its_topics_and_by_its_login(device: Device) -> None:
    assert [read_up(topic) for topic in device.publications] == [(device, kind) for kind in UP_KINDS]
    assert read_login(device.login) == device
    # No wildcard, no `$`, no dot, which RabbitMQ takes for a `/`, and no more levels than ours.
    for topic in (*device.publications, *device.subscriptions):
        assert not set(topic) & set("+#$. ")
        assert topic.count("/") in (5, 7)


def test_devices_and_mo_have_names() -> None:
    assert device_name("ann+b@x.com", "phone:1") == "ann+b@x.com/phone:1"
    assert mo_name(PHONE, "m-1") == "shop.uk/ann+b@x.com/phone:1/m-1"


@given(devices, st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True))
def test_a_name_is_read_back(device: Device, id: str) -> None:
    name = device_name(device.user_id, device.device_id)
    assert read_device_name(name) == (device.user_id, device.device_id)
    assert read_device_name(device.user_id) == (device.user_id, None)
    assert read_mo_name(mo_name(device, id)) == (device, id)


@given(devices, devices)
def test_the_names_of_a_person_s_devices_are_next_to_each_other(one: Device, other: Device) -> None:
    first, last = device_names(one.user_id)
    assert first < device_name(one.user_id, one.device_id) < last
    between = first < device_name(other.user_id, other.device_id) < last
    assert between is (one.user_id == other.user_id)


@given(devices, devices)
def test_no_two_devices_share_a_topic_of_their_own_or_a_login(one: Device, other: Device) -> None:
    shared = {*one.publications, one.down, one.responses, one.login} & {
        *other.publications,
        other.down,
        other.responses,
        other.login,
    }
    assert bool(shared) is (one == other)


@given(st.text(max_size=40))
def test_a_level_is_one_level_and_differs_for_every_id(id: str) -> None:
    assert not set(level(id)) & set("/+#.$ \x00\n")
    assert unquote(level(id)) == id


@given(st.text(max_size=200))
def test_any_topic_is_a_device_s_or_nobody_s(topic: str) -> None:
    assert read_up(topic) is None
    found = read_up(f"imgw/v1/{topic}/up")
    assert found is None or found[0].up(found[1]) == f"imgw/v1/{topic}/up"


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        (UserId, ["a", "Ann.B_c:d@e+f=g-h", "a" * 128], ["", "-a", "a/b", "a b", "a\n", "é", "a" * 129]),
        (DeviceId, ["a", "A.b_c:d-9", "a" * 64], ["", ".a", "a@b", "a/b", "a\n", "a" * 65]),
    ],
)
def test_an_id_is_what_can_be_one(type: Any, good: list[str], bad: list[str]) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(type)
    assert [adapter.validate_python(each) for each in good] == good
    for each in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(each)
