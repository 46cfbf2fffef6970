"""Callbacks of the simulator: repeated until taken, noted in the ledger, and made on request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.simulated import APP_SECRET, CHAT, PERSON, simulated, statuses


async def test_a_callback_is_repeated_byte_for_byte_until_the_gateway_takes_it() -> None:
    async with simulated(read_share=0.0) as simulator:
        simulator.gateway.statuses.extend([503, 500, 403])
        await simulator.whatsapp()
        await simulator.drained()
        callbacks = simulator.gateway.callbacks
        assert [status["status"] for status in statuses(callbacks)] == ["sent", "delivered"]
        assert all(callback.is_signed("X-Hub-Signature-256", APP_SECRET) for callback in callbacks)
        accepted = [entry for entry in await simulator.entries() if entry["entry"] == "callback"]
        assert [(entry["status"], entry["posts"]) for entry in accepted] == [("sent", 4), ("delivered", 1)]


async def test_a_callback_waits_for_a_gateway_that_is_away() -> None:
    async with simulated() as simulator:
        _, info = await simulator.telegram("getWebhookInfo")
        here = info["result"]["url"]
        await simulator.custom(callback_url="http://127.0.0.1:9/nobody")
        _, summary = await simulator.call("GET", "/simulator/summary")
        assert (summary["pending_callbacks"], summary["abandoned_callbacks"]) == (3, 0)
        await simulator.custom(callback_url=here)
        await simulator.callbacks(3)  # others are not held up


async def test_a_callback_is_given_up_in_the_end() -> None:
    async with simulated(callback_give_up_seconds=0.05, read_share=0.0) as simulator:
        await simulator.custom(callback_url="http://127.0.0.1:9/nobody")
        _, answer = await simulator.call("POST", "/simulator/flush", params={"wait_seconds": "10"})
        assert answer == {"pending_callbacks": 0, "abandoned_callbacks": 2}


async def test_receipts_of_one_message_keep_their_order_among_many_messages() -> None:
    async with simulated() as simulator:
        answers = await asyncio.gather(*(simulator.whatsapp(f"4477009003{n:02}") for n in range(40)))
        await simulator.drained()
        seen = statuses(simulator.gateway.callbacks)
        for _, answer in answers:
            wamid = answer["messages"][0]["id"]
            words = [status["status"] for status in seen if status["id"] == wamid]
            assert words == ["sent", "delivered", "read"]


async def test_the_ledger_tells_every_send_and_callback_in_pages() -> None:
    async with simulated(rules=[{"recipient": ".*", "send": {"throttle": {"times": 1}}}]) as simulator:
        await simulator.whatsapp(biz_opaque_callback_data="shop/demo-1")
        _, answer = await simulator.whatsapp(biz_opaque_callback_data="shop/demo-1")
        await simulator.drained()
        _, first = await simulator.call("GET", "/simulator/ledger", params={"since": "0", "limit": "2"})
        _, second = await simulator.call("GET", "/simulator/ledger", params={"since": str(first["next"])})
        _, third = await simulator.call("GET", "/simulator/ledger", params={"since": str(second["next"])})
    entries = first["entries"] + second["entries"]
    assert [entry.pop("at") is not None for entry in entries] == [True] * 5
    send = {
        "seq": 1,
        "entry": "send",
        "provider": "whatsapp_cloud",
        "account": "wa-shop",
        "recipient": PERSON,
        "reference": "shop/demo-1",
        "attempt": 1,
        "answered": "throttle:130429",
        "taken": False,
        "message_ids": [],
    }
    wamid = answer["messages"][0]["id"]
    again = {"seq": 2, "attempt": 2, "answered": "accepted", "taken": True, "message_ids": [wamid]}
    assert first["entries"] == [send, send | again]
    told = [(entry["kind"], entry["status"], entry["message_id"]) for entry in second["entries"]]
    assert told == [("receipt", word, wamid) for word in ("sent", "delivered", "read")]
    assert (second["next"], third["entries"], third["next"]) == (5, [], 5)


async def test_the_summary_counts_by_account() -> None:
    async with simulated(read_share=0.0) as simulator:
        await simulator.whatsapp()
        await simulator.whatsapp(text={})
        await simulator.telegram()
        await simulator.drained()
        _, summary = await simulator.call("GET", "/simulator/summary")
    assert summary == {
        "sends": {"wa-shop": {"accepted": 1, "invalid:131008": 1}, "tg-shop": {"accepted": 1}},
        "taken": {"wa-shop": 1, "tg-shop": 1},
        "callbacks": {"wa-shop": {"sent": 1, "delivered": 1}},
        "calls": {},
        "bare_sends": 0,
        "last_seq": 5,
        "pending_callbacks": 0,
        "abandoned_callbacks": 0,
    }


async def test_the_ledger_forgets_the_oldest() -> None:
    async with simulated(
        ledger_entries=2, rules=[{"recipient": ".*", "receipts": {"drop": True}}]
    ) as simulator:
        for _ in range(3):
            await simulator.whatsapp()
        assert [entry["seq"] for entry in await simulator.entries()] == [2, 3]


async def test_the_ledger_keeps_no_text() -> None:
    async with simulated() as simulator:
        await simulator.whatsapp(text={"body": "between us"})
        await simulator.drained()
        assert "between us" not in str(await simulator.entries())


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"text": "Hi"}, {"type": "text", "text": {"body": "Hi"}}),
        (
            {"row": {"id": "r1", "title": "Red"}, "in_reply_to": "wamid.x"},
            {
                "context": {"from": "447700900100", "id": "wamid.x"},
                "type": "interactive",
                "interactive": {"type": "list_reply", "list_reply": {"id": "r1", "title": "Red"}},
            },
        ),
        (
            {"location": {"latitude": 51.5, "longitude": -0.1, "name": "Shop"}},
            {"type": "location", "location": {"latitude": 51.5, "longitude": -0.1, "name": "Shop"}},
        ),
    ],
)
async def test_a_person_can_be_made_to_write_on_whatsapp(said: dict[str, Any], heard: dict[str, Any]) -> None:
    async with simulated() as simulator:
        body = {"account": "wa-shop", "from": PERSON} | said
        status, answer = await simulator.call("POST", "/simulator/reply", json=body)
        (callback,) = await simulator.callbacks(1)
        assert callback.is_signed("X-Hub-Signature-256", APP_SECRET)
        (message,) = callback.json()["entry"][0]["changes"][0]["value"]["messages"]
        assert (status, answer) == (202, {"message_ids": [message.pop("id")]})
        assert message.pop("timestamp").isdecimal()
        assert message == {"from": PERSON} | heard


async def test_a_person_can_send_a_picture() -> None:
    async with simulated() as simulator:
        media = {"type": "image", "id": "m1", "mime_type": "image/png"}
        body = {"from": PERSON, "account": "wa-shop", "media": media, "text": "Look"}
        await simulator.call("POST", "/simulator/reply", json=body)
        body |= {"from": str(CHAT), "account": "tg-shop"}
        await simulator.call("POST", "/simulator/reply", json=body)
        await simulator.drained()
        shown = {callback.account: callback.json() for callback in simulator.gateway.callbacks}
    image = shown["wa-shop"]["entry"][0]["changes"][0]["value"]["messages"][0]["image"]
    assert (image["id"], image["mime_type"], image["caption"]) == ("m1", "image/png", "Look")
    photo = shown["tg-shop"]["message"]
    assert (photo["photo"][0]["file_id"], photo["caption"]) == ("m1", "Look")


async def test_a_person_can_be_made_to_edit_and_press_on_telegram() -> None:
    async with simulated() as simulator:
        person = {"account": "tg-shop", "from": str(CHAT)}
        _, first = await simulator.call("POST", "/simulator/reply", json=person | {"text": "Helo"})
        edit = person | {"text": "Hello", "edit_of": first["message_ids"][0]}
        await simulator.call("POST", "/simulator/reply", json=edit)
        press = person | {"button": {"id": "y", "title": "Yes"}, "in_reply_to": f"{CHAT}:9"}
        await simulator.call("POST", "/simulator/reply", json=press)
        await simulator.drained()
        shown: dict[str, Any] = {}
        for callback in simulator.gateway.callbacks:
            shown |= callback.json()
    assert shown["edited_message"]["message_id"] == shown["message"]["message_id"] == 1
    query = shown["callback_query"]
    assert (query["data"], query["message"]["message_id"]) == ("y", 9)
    assert query["message"]["reply_markup"]["inline_keyboard"] == [[{"text": "Yes", "callback_data": "y"}]]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"account": "x", "from": PERSON, "text": "Hi"}, "account: there is no account x"),
        ({"account": "tg-shop", "from": "Kerry", "text": "Hi"}, "from: is a Telegram chat id, a number"),
        ({"account": "wa-shop", "from": "Kerry", "text": "Hi"}, "from: is a phone number, digits only"),
        (
            {"account": "wa-shop", "from": PERSON},
            "needs one of text, button, row, media and location",
        ),
    ],
)
async def test_what_nobody_could_write_is_refused(body: dict[str, Any], problem: str) -> None:
    async with simulated() as simulator:
        answer = await simulator.call("POST", "/simulator/reply", json=body)
        assert answer == (422, {"problems": [problem]})
