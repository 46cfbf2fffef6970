"""The web page of the in-app channel in a real Chromium, with the whole gateway behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.base import now
from gateway.store.threads import ThreadRecord
from tests.e2e.page_site import (
    NARROW,
    PageSite,
    mosquitto_for_browsers,
    only_mo,
    page_folder,
    protocol,
    site,
    world,
)
from tests.integration.rtm_world import APP, RtmWorld

__all__ = ["mosquitto_for_browsers", "page_folder", "protocol", "site", "world"]  # fixtures

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.mosquitto,
    pytest.mark.mongodb,
    pytest.mark.timeout(180),
]

ALICE = {"kind": "user_id", "id": "alice"}
HOSTILE = "Are you <b>at home</b>? <img src=x onerror=\"document.body.textContent=''\">"


async def test_two_windows_show_a_message_and_its_delivered_and_read_marks_both_ways(
    site: PageSite, world: RtmWorld, tmp_path: Path
) -> None:
    laptop = await site.chatting("alice", "laptop")
    phone = await site.chatting("alice", "phone", NARROW)
    for window in (laptop, phone):
        await window.turn("hidden")
    message_id = await world.send(ALICE, "Your order is on its way.")
    # Each window shows its own marks, and the other's.
    await laptop.until_mark("Your order is on its way.", "✓ Delivered: here, phone")
    await phone.until_mark("Your order is on its way.", "✓ Delivered: here, laptop")
    drs = await world.until_dr(message_id, "submitted", "delivered")
    assert drs[1]["device"] in ("alice/laptop", "alice/phone")
    await laptop.turn("visible")
    await phone.until_mark("Your order is on its way.", "✓✓ Read: laptop")
    drs = await world.until_dr(message_id, "submitted", "delivered", "read")
    assert drs[2]["device"] == "alice/laptop"
    await phone.turn("visible")
    await laptop.until_mark("Your order is on its way.", "✓✓ Read: here, phone")
    await phone.until_mark("Your order is on its way.", "✓✓ Read: here, laptop")

    await laptop.write("Thank you! When does it arrive?")
    await laptop.until_mark("Thank you! When does it arrive?", "✓ Sent")
    await phone.until_message("Thank you! When does it arrive?")
    mo = await only_mo(world)
    assert (mo["from"]["id"], mo["device"]) == ("alice", "laptop")
    assert mo["content"] == {"type": "text", "text": "Thank you! When does it arrive?"}
    seen = {"type": "read", "of": mo["mo_id"]}
    await world.send(ALICE, "", content=seen, thread=mo["thread"])
    for window in (laptop, phone):
        await window.until_mark("Thank you! When does it arrive?", "✓✓ Read")

    assert await laptop.page.locator("#threads li").count() == 1
    await laptop.page.screenshot(path=tmp_path / "laptop.png")
    await phone.page.screenshot(path=tmp_path / "phone.png")


async def test_a_window_has_its_history_and_its_marks_again_after_a_reload(
    site: PageSite, world: RtmWorld
) -> None:
    laptop = await site.chatting("alice", "laptop")
    message_id = await world.send(ALICE, HOSTILE)
    await laptop.until_mark(HOSTILE, "✓✓ Read")
    await laptop.write("Until noon.")
    await laptop.until_mark("Until noon.", "✓ Sent")
    mo = await only_mo(world)
    await world.send(ALICE, "", content={"type": "read", "of": mo["mo_id"]}, thread=mo["thread"])
    await laptop.until_mark("Until noon.", "✓✓ Read")
    await world.until_dr(message_id, "submitted", "delivered", "read")

    await laptop.page.reload()
    await laptop.connected()
    await laptop.until_mark(HOSTILE, "✓✓ Read")
    await laptop.until_mark("Until noon.", "✓✓ Read")
    assert await laptop.page.locator("#messages li").count() == 2
    assert "#" not in laptop.page.url  # the pass is not in the address any more


async def test_what_was_written_without_a_connection_goes_out_once_there_is_one(
    site: PageSite, world: RtmWorld
) -> None:
    laptop = await site.chatting("alice", "laptop")
    world.mosquitto.stop()
    await laptop.until_said("not connected; trying again")
    await laptop.write("I write into the void.")
    await laptop.until_mark("I write into the void.", "on its way")
    world.mosquitto.start()
    await laptop.until_mark("I write into the void.", "✓ Sent")
    assert (await only_mo(world))["content"]["text"] == "I write into the void."


async def test_two_people_chat_through_a_topic_that_both_follow(site: PageSite, world: RtmWorld) -> None:
    await world.topic("chess", "alice", "bob")
    alice = await site.chatting("alice", "laptop")
    bob = await site.chatting("bob", "phone")
    await alice.press("New conversation")
    await alice.page.get_by_label("Title").fill("Tonight")
    await alice.page.get_by_label("With").select_option("all who follow chess")
    await alice.press("Begin")
    await alice.page.locator("#about", has_text="conversation of all who follow chess").wait_for()
    await alice.write("Who plays?")
    await alice.until_mark("Who plays?", "✓ Sent")
    await bob.open_thread("Tonight")
    await bob.until_message("Who plays?")
    await bob.write("I do.")
    await alice.until_message("I do.")
    sender = await alice.message("I do.").locator(".from").inner_text()
    assert sender.startswith("bob (phone) ")


async def test_nobody_can_answer_an_announcement_nor_write_to_a_closed_thread(
    site: PageSite, world: RtmWorld
) -> None:
    await world.topic("news", "alice")
    laptop = await site.chatting("alice", "laptop")
    await world.send({"kind": "topic", "id": "news"}, "Free delivery this week.")
    await laptop.open_thread("# news")
    await laptop.until_said("This is an announcement: nobody can answer it.")
    assert not await laptop.page.get_by_label("Message", exact=True).is_visible()

    thread = ThreadRecord(APP, "t-1", "conversation", now(), now(), user_id="alice", title="Order 4711")
    await world.threads.ensure(thread)
    await laptop.page.reload()
    await laptop.connected()
    await laptop.open_thread("Order 4711")
    await world.threads.update(APP, "t-1", {"status": "closed"}, now(), by="person")  # no window is told
    await laptop.write("Is there still somebody?")
    await laptop.until_mark("Is there still somebody?", "Not taken: the thread is closed")
    await laptop.until_said("This thread is closed: nobody can write to it.")
    await laptop.press("Open again")
    await laptop.write("Hello again.")
    await laptop.until_mark("Hello again.", "✓ Sent")
    assert (await only_mo(world))["content"]["text"] == "Hello again."


async def test_a_person_follows_one_of_very_many_topics_by_the_page(site: PageSite, world: RtmWorld) -> None:
    await asyncio.gather(*[world.topic(f"chess-{number}") for number in range(100)])  # a page of the list
    await world.topic("news")
    laptop = await site.chatting("alice", "laptop")
    await laptop.press("Topics")
    await laptop.page.get_by_label("news").check()
    await laptop.press("Done")
    await laptop.press("New conversation")
    await laptop.page.get_by_label("With").select_option("all who follow news")
    await laptop.press("Cancel")
    await world.send({"kind": "topic", "id": "news"}, "For those who follow.")
    await laptop.open_thread("# news")
    await laptop.until_message("For those who follow.")


async def test_a_button_of_a_message_answers_it(site: PageSite, world: RtmWorld) -> None:
    laptop = await site.chatting("alice", "laptop")
    buttons = [
        {"type": "reply", "id": "yes", "title": "Yes, please"},
        {"type": "url", "title": "Terms", "url": "https://example.org/terms"},
    ]
    content = {"type": "text", "text": "Wrap it as a present?", "buttons": buttons}
    message_id = await world.send(ALICE, "", content=content)
    await laptop.press("Yes, please")
    await laptop.until_mark("Yes, please", "✓ Sent")
    mo = await only_mo(world)
    assert mo["content"] == {"type": "button_reply", "id": "yes", "title": "Yes, please"}
    assert mo["in_reply_to"] == message_id
    link = laptop.page.get_by_role("link", name="Terms")
    assert await link.get_attribute("href") == "https://example.org/terms"
    assert await link.get_attribute("rel") == "noopener noreferrer"


async def test_a_pass_can_be_pasted_and_what_is_none_is_refused_with_the_way_out(site: PageSite) -> None:
    window = await site.window()
    await window.page.goto(site.url)
    for pasted, problem in {
        "nonsense": "This is no pass: it has token, broker and topics, as the tokens request answers them.",
        '{"token": "t", "broker": {}, "topics": {}}': (
            "The pass has no WebSocket address: set parameters.public_websocket_url of the account."
        ),
    }.items():
        await window.page.get_by_label("Your pass").fill(pasted)
        await window.press("Connect")
        await window.until_said(problem)
    await window.page.get_by_label("Your pass").fill(await site.get_pass("alice", "laptop"))
    await window.press("Connect")
    await window.connected()


async def test_a_pass_that_does_not_count_any_more_is_asked_for_anew_and_nothing_is_lost(
    site: PageSite, world: RtmWorld
) -> None:
    laptop = await site.chatting("alice", "laptop")
    world.mosquitto.stop()
    await laptop.until_said("not connected; trying again")
    await laptop.write("Does this get lost?")
    world.mosquitto.configure(anonymous=False)
    world.mosquitto.start()
    await laptop.until_said("The pass does not count any more. Paste a new one; nothing is lost.")
    world.mosquitto.configure()
    world.mosquitto.restart()
    await laptop.page.goto(await site.link("alice", "laptop"))
    await laptop.connected()
    await laptop.until_mark("Does this get lost?", "✓ Sent")
    assert (await only_mo(world))["content"]["text"] == "Does this get lost?"


async def test_a_device_that_is_opened_twice_is_connected_in_the_last_window_only(site: PageSite) -> None:
    first = await site.chatting("alice", "laptop")
    second = await site.another(first, "alice", "laptop")
    await first.until_said("this device is connected in another window")
    await second.write("I am the one.")
    await second.until_mark("I am the one.", "✓ Sent")
