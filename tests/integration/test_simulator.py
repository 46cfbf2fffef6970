"""The simulated providers: what they answer, and the receipts and messages that follow."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from handlers.simulator.app import serve
from tests.integration.simulated import (
    APP_SECRET,
    CALLBACK_SECRET,
    CHAT,
    NUMBER_ID,
    PERSON,
    SECRET_TOKEN,
    config,
    simulated,
    statuses,
)
from tests.waiting import eventually

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_a_whatsapp_message_is_taken_delivered_and_read() -> None:
    async with simulated() as simulator:
        status, answer = await simulator.whatsapp(biz_opaque_callback_data="shop/demo-1")
        wamid = answer["messages"][0]["id"]
        assert status == 200
        assert wamid.startswith("wamid.")
        assert answer == {
            "messaging_product": "whatsapp",
            "contacts": [{"input": PERSON, "wa_id": PERSON}],
            "messages": [{"id": wamid}],
        }
        callbacks = await simulator.callbacks(3)
        assert all(callback.is_signed("X-Hub-Signature-256", APP_SECRET) for callback in callbacks)
        assert {callback.account for callback in callbacks} == {"wa-shop"}
        value = callbacks[0].json()["entry"][0]["changes"][0]["value"]
        assert value["metadata"] == {"display_phone_number": "447700900100", "phone_number_id": NUMBER_ID}
        seen = statuses(callbacks)
        assert [status["status"] for status in seen] == ["sent", "delivered", "read"]
        assert {status["biz_opaque_callback_data"] for status in seen} == {"shop/demo-1"}
        assert {status["id"] for status in seen} == {wamid}
        assert {status["recipient_id"] for status in seen} == {PERSON}
        assert ["pricing" in status for status in seen] == [True, True, False]


async def test_each_whatsapp_message_has_its_own_id() -> None:
    async with simulated() as simulator:
        answers = await asyncio.gather(*(simulator.whatsapp() for _ in range(20)))
    assert len({answer["messages"][0]["id"] for _, answer in answers}) == 20


async def test_whatsapp_knows_the_number_only_with_its_own_token() -> None:
    async with simulated() as simulator:
        path = f"/whatsapp/v25.0/{NUMBER_ID}/messages"
        status, answer = await simulator.call("POST", path, json={})
        assert (status, answer["error"]["code"], answer["error"]["type"]) == (401, 190, "OAuthException")
        headers = {"Authorization": "Bearer access-token"}
        status, answer = await simulator.call("POST", "/whatsapp/v25.0/42/messages", headers=headers, json={})
        assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)
        assert await simulator.answers() == ["invalid:credentials", "invalid:credentials"]


async def test_a_request_that_whatsapp_finds_wrong_gets_its_error_body() -> None:
    async with simulated() as simulator:
        status, answer = await simulator.whatsapp(text={"body": "x" * 4097})
        assert status == 400
        trace = answer["error"].pop("fbtrace_id")
        assert trace
        assert answer["error"] == {
            "message": "(#100) Param text['body'] must be at most 4096 characters long.",
            "type": "OAuthException",
            "code": 100,
        }
        assert await simulator.answers() == ["invalid:100"]


async def test_a_message_can_be_marked_as_read() -> None:
    async with simulated() as simulator:
        status, answer = await simulator.whatsapp(status="read", message_id="wamid.x")
        assert (status, answer) == (200, {"success": True})
        assert [entry["method"] for entry in await simulator.entries()] == ["mark_read"]


async def test_statuses_can_come_several_at_once() -> None:
    async with simulated(batch_statuses=10) as simulator:
        await asyncio.gather(*(simulator.whatsapp() for _ in range(10)))
        await simulator.drained()
        callbacks = simulator.gateway.callbacks
        assert len(statuses(callbacks)) == 30
        assert len(callbacks) < 30
        assert all(callback.is_signed("X-Hub-Signature-256", APP_SECRET) for callback in callbacks)
        delivered = [entry for entry in await simulator.entries() if entry["entry"] == "callback"]
        assert len(delivered) == 30


async def test_the_subscription_is_proved_with_the_challenge() -> None:
    async with simulated() as simulator:
        body = {"account": "wa-shop"}
        answer = await simulator.call("POST", "/simulator/subscribe", json=body)
        assert answer == (200, {"verified": True, "http_status": 200})
        simulator.gateway.verify_token = "another"
        answer = await simulator.call("POST", "/simulator/subscribe", json=body)
        assert answer == (200, {"verified": False, "http_status": 403})


async def test_telegram_answers_with_the_message_and_sends_no_receipts() -> None:
    async with simulated() as simulator:
        status, first = await simulator.telegram()
        _, second = await simulator.telegram(
            method="sendPhoto", chat_id=CHAT, photo="https://shop.example/a.png"
        )
        assert (status, first["ok"]) == (200, True)
        assert first["result"]["message_id"] == 1
        assert first["result"]["text"] == "Hello"
        assert first["result"]["chat"] == {"id": CHAT, "type": "private", "first_name": "Kerry"}
        assert second["result"]["message_id"] == 2
        await simulator.drained()
        assert simulator.gateway.callbacks == []
        assert [entry["message_ids"] for entry in await simulator.entries()] == [[f"{CHAT}:1"], [f"{CHAT}:2"]]


async def test_telegram_takes_forms_and_queries_and_any_case_of_a_method() -> None:
    async with simulated() as simulator:
        path = "/telegram/bot123456:ABC-def/SENDMESSAGE"
        keyboard = '{"inline_keyboard":[[{"text":"Yes","callback_data":"y"}]]}'
        form = {"chat_id": str(CHAT), "text": "Hello", "reply_markup": keyboard}
        status, answer = await simulator.call("POST", path, data=form)
        assert (status, answer["result"]["text"]) == (200, "Hello")
        status, answer = await simulator.call("GET", path, params={"chat_id": str(CHAT), "text": "Hi"})
        assert (status, answer["result"]["text"]) == (200, "Hi")


@pytest.mark.parametrize(
    ("method", "parts", "description"),
    [
        ("sendMessage", {"text": " "}, "Bad Request: message text is empty"),
        ("sendMessage", {"text": "x" * 4097}, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": "nobody"}, "Bad Request: chat not found"),
        ("sendPhoto", {"chat_id": CHAT}, "Bad Request: there is no photo in the request"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, TOO_OLD),
    ],
)
async def test_telegram_says_what_is_wrong(method: str, parts: dict[str, Any], description: str) -> None:
    async with simulated() as simulator:
        answer = await simulator.telegram(method, **parts)
    assert answer == (400, {"ok": False, "error_code": 400, "description": description})


async def test_telegram_refuses_an_unknown_token_and_an_unknown_method() -> None:
    async with simulated() as simulator:
        answer = await simulator.call("POST", "/telegram/bot9:x/sendMessage", json={})
        assert answer == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        answer = await simulator.telegram("sendFlowers")
        assert answer == (404, {"ok": False, "error_code": 404, "description": "Not Found"})


async def test_get_me_tells_who_the_bot_is() -> None:
    async with simulated() as simulator:
        _, answer = await simulator.telegram("getMe")
    assert answer["result"]["id"] == 123456
    assert answer["result"]["is_bot"] is True


async def test_set_webhook_changes_where_updates_go_and_their_secret() -> None:
    async with simulated() as simulator:
        _, info = await simulator.telegram("getWebhookInfo")
        moved = info["result"]["url"].replace("tg-shop", "elsewhere")
        answer = await simulator.telegram("setWebhook", url=moved, secret_token="new-secret")
        assert answer == (200, {"ok": True, "result": True, "description": "Webhook was set"})
        reply = {"account": "tg-shop", "from": str(CHAT), "text": "Hi"}
        await simulator.call("POST", "/simulator/reply", json=reply)
        (callback,) = await simulator.callbacks(1)
        assert callback.account == "elsewhere"
        assert callback.headers["X-Telegram-Bot-Api-Secret-Token"] == "new-secret"
        await simulator.telegram("setWebhook", url="")
        answer = await simulator.call("POST", "/simulator/reply", json=reply)
        assert answer == (202, {"message_ids": []})


async def test_the_bot_acts_on_an_answer_that_names_a_method() -> None:
    async with simulated() as simulator:
        simulator.gateway.answer = b'{"method":"sendMessage","chat_id":700000001,"text":"Got it"}'
        reply = {"account": "tg-shop", "from": str(CHAT), "text": "Hi"}
        await simulator.call("POST", "/simulator/reply", json=reply)
        (callback,) = await simulator.callbacks(1)
        assert callback.headers["X-Telegram-Bot-Api-Secret-Token"] == SECRET_TOKEN
        await simulator.drained()
        assert await simulator.answers() == ["accepted"]


async def test_a_custom_message_is_taken_delivered_and_read() -> None:
    async with simulated() as simulator:
        status, answer = await simulator.custom()
        assert status == 200
        message_id = answer["ext_message_id"]
        assert answer == {"error_code": 0, "ext_message_id": message_id}
        callbacks = await simulator.callbacks(3)
        assert all(callback.is_signed("X-Signature", CALLBACK_SECRET) for callback in callbacks)
        shown = [callback.json() for callback in callbacks]
        assert [receipt["status"] for receipt in shown] == ["sent", "delivered", "read"]
        assert shown[0] == {
            "type": "status",
            "ext_message_id": message_id,
            "ext_user_id": "shop/1",
            "status": "sent",
            "timestamp": shown[0]["timestamp"],
        }


async def test_custom_callbacks_go_where_the_message_says() -> None:
    async with simulated() as simulator:
        _, info = await simulator.telegram("getWebhookInfo")
        await simulator.custom(callback_url=info["result"]["url"].replace("tg-shop", "mine"))
        callbacks = await simulator.callbacks(3)
    assert {callback.account for callback in callbacks} == {"mine"}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"to": "nobody"}, (200, {"error_code": 1, "error_message": "invalid recipient"})),
        ({"body": ""}, (200, {"error_code": 6, "error_message": "invalid request"})),
        ({"callback_url": "ftp://x"}, (200, {"error_code": 6, "error_message": "invalid request"})),
    ],
)
async def test_the_custom_provider_says_what_is_wrong(
    parts: dict[str, Any], expected: tuple[int, Any]
) -> None:
    async with simulated() as simulator:
        assert await simulator.custom(**parts) == expected


async def test_the_custom_provider_wants_its_secret() -> None:
    async with simulated() as simulator:
        answer = await simulator.call("POST", "/custom/messages", json={}, headers={"Authorization": "x"})
    assert answer == (401, {"error_code": 5, "error_message": "unauthorised"})


async def test_bare_mode_answers_counts_and_does_nothing_else() -> None:
    async with simulated(bare=True, rules=[{"recipient": ".*", "send": {"refuse": "blocked"}}]) as simulator:
        for status, _ in (await simulator.whatsapp(), await simulator.telegram(), await simulator.custom()):
            assert status == 200
        _, summary = await simulator.call("GET", "/simulator/summary")
    assert (summary["bare_sends"], summary["sends"], summary["pending_callbacks"]) == (3, {}, 0)


async def test_a_stop_lets_go_of_who_waits_for_an_answer_that_never_comes() -> None:
    never = config("http://127.0.0.1:9", rules=[{"recipient": ".*", "send": {"time_out": {}}}])
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(never, "127.0.0.1", 0, port.set_result))
    base = f"http://127.0.0.1:{await port}"
    async with aiohttp.ClientSession() as http:
        body = {"ext_user_id": "shop/1", "body": "Hello", "im_uid": PERSON}
        headers = {"Authorization": "sms-secret"}
        waiting = asyncio.create_task(
            http.post(f"{base}/custom/messages", json=body, headers=headers).__aenter__()
        )

        async def arrived() -> bool:
            async with http.get(f"{base}/simulator/ledger") as response:
                return bool((await response.json())["entries"])

        await eventually(arrived)
        task.cancel()
        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_serve_listens_until_it_is_cancelled() -> None:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(config("http://127.0.0.1:9"), "127.0.0.1", 0, port.set_result))
    url = f"http://127.0.0.1:{await port}/simulator/summary"
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as response:
            assert response.status == 200
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(url)
