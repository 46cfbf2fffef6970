"""Every rule of the simulator, as the gateway's side sees it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.integration.simulated import CHAT, NUMBER_ID, PERSON, SECRET_TOKEN, Simulated, simulated, statuses
from tests.waiting import eventually

HEADERS = {"Authorization": "Bearer access-token"}
NOT_AN_EXPRESSION = "rules.0.recipient: is not a regular expression: missing ), unterminated subpattern"
BODY = {"messaging_product": "whatsapp", "to": PERSON, "type": "text", "text": {"body": "Hello"}}


def rule(**parts: Any) -> dict[str, Any]:
    return {"recipient": ".*", **parts}


def words(simulator: Simulated) -> list[str]:
    """The WhatsApp statuses that came, in order."""
    return [status["status"] for status in statuses(simulator.gateway.callbacks)]


async def code(answer: tuple[int, Any]) -> tuple[int, Any]:
    status, body = answer
    return status, body.get("error", {}).get("code")


async def test_throttling_ends_after_so_many_times_for_each_person() -> None:
    async with simulated(
        rules=[rule(send={"throttle": {"times": 2, "retry_after_seconds": 7}})]
    ) as simulator:
        answers = [await code(await simulator.whatsapp()) for _ in range(3)]
        assert answers == [(429, 130429), (429, 130429), (200, None)]
        assert await code(await simulator.whatsapp("447700900301")) == (429, 130429)
        status, body = await simulator.telegram()
        assert (status, body["parameters"]) == (429, {"retry_after": 7})
        assert body["description"] == "Too Many Requests: retry after 7"
        headers = {"Authorization": "sms-secret"}
        custom = {"ext_user_id": "a", "body": "b", "im_uid": PERSON}
        url = f"{simulator.base}/custom/messages"
        async with simulator.http.post(url, json=custom, headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
            assert (await response.json())["error_code"] == 3


@pytest.mark.parametrize(
    ("fault", "whatsapp", "telegram", "custom"),
    [
        ("server_error", 500, 500, 500),
        ("unavailable", 503, 503, 503),
        ("unauthorized", 401, 401, 401),
    ],
)
async def test_a_failing_provider_recovers(fault: str, whatsapp: int, telegram: int, custom: int) -> None:
    async with simulated(rules=[rule(send={fault: {"times": 1}})]) as simulator:
        first = [await simulator.whatsapp(), await simulator.telegram(), await simulator.custom()]
        assert [status for status, _ in first] == [whatsapp, telegram, custom]
        second = [await simulator.whatsapp(), await simulator.telegram(), await simulator.custom()]
        assert [status for status, _ in second] == [200, 200, 200]


@pytest.mark.parametrize(
    ("case", "expected"),
    [(131026, (400, 131026)), ("131047", (400, 131047)), ("template_unknown", (404, 132001))],
)
async def test_whatsapp_refuses_with_the_code_of_the_rule(case: object, expected: tuple[int, int]) -> None:
    async with simulated(rules=[rule(account="wa-shop", send={"refuse": case})]) as simulator:
        assert await code(await simulator.whatsapp()) == expected
        assert await code(await simulator.whatsapp()) == expected
        await simulator.drained()
        assert simulator.gateway.callbacks == []


async def test_a_named_case_means_its_own_at_each_provider() -> None:
    async with simulated(rules=[rule(send={"refuse": "blocked"})]) as simulator:
        status, body = await simulator.telegram()
        assert (status, body["description"]) == (403, "Forbidden: bot was blocked by the user")
        assert await simulator.custom() == (200, {"error_code": 2, "error_message": "recipient blocked"})


async def test_a_slow_answer_still_comes_and_holds_up_nobody_else() -> None:
    async with simulated(rules=[{"recipient": PERSON, "send": {"slow_seconds": 0.3}}]) as simulator:
        slow = asyncio.create_task(simulator.whatsapp())
        quick, _ = await simulator.whatsapp("447700900301")
        assert (quick, slow.done()) == (200, False)
        status, _ = await slow
        assert status == 200


@pytest.mark.parametrize("taken", [False, True])
async def test_a_message_without_an_answer_may_have_been_taken(taken: bool) -> None:
    rules = [rule(send={"time_out": {"times": 1, "taken": taken}})]
    async with simulated(rules=rules) as simulator:
        url, timeout = f"{simulator.base}/whatsapp/v25.0/{NUMBER_ID}/messages", aiohttp.ClientTimeout(0.2)
        with pytest.raises(TimeoutError):
            await simulator.http.post(url, json=BODY, headers=HEADERS, timeout=timeout)
        await simulator.drained()
        assert words(simulator) == (["sent", "delivered", "read"] if taken else [])
        assert (await simulator.entries())[0]["taken"] is taken
        status, _ = await simulator.whatsapp()
        assert status == 200


@pytest.mark.parametrize("taken", [False, True])
async def test_a_connection_can_be_dropped(taken: bool) -> None:
    rules = [rule(send={"drop_connection": {"times": 1, "taken": taken}})]
    async with simulated(rules=rules) as simulator:
        with pytest.raises(aiohttp.ClientConnectionError):
            await simulator.whatsapp()
        await simulator.drained()
        assert words(simulator) == (["sent", "delivered", "read"] if taken else [])
        status, _ = await simulator.whatsapp()
        assert status == 200
        assert await simulator.answers() == ["drop_connection", "accepted"]


async def test_garbage_is_a_200_that_is_not_json() -> None:
    async with simulated(rules=[rule(send={"garbage": {"taken": True}})]) as simulator:
        assert await simulator.whatsapp() == (200, None)
        await simulator.drained()
        assert words(simulator) == ["sent", "delivered", "read"]


async def test_receipts_can_be_dropped() -> None:
    async with simulated(rules=[rule(receipts={"drop": True})]) as simulator:
        await simulator.whatsapp()
        await simulator.drained()
        assert simulator.gateway.callbacks == []


async def test_receipts_can_come_more_than_once() -> None:
    async with simulated(rules=[rule(receipts={"duplicate": 2, "no_read": True})]) as simulator:
        await simulator.whatsapp()
        await simulator.drained()
        assert words(simulator) == ["sent"] * 3 + ["delivered"] * 3


async def test_read_can_come_before_delivered() -> None:
    async with simulated(rules=[rule(receipts={"reorder": True})]) as simulator:
        await simulator.whatsapp()
        await simulator.drained()
        assert words(simulator) == ["sent", "read", "delivered"]


async def test_receipts_can_come_late_and_a_flush_hurries_them() -> None:
    async with simulated(rules=[rule(receipts={"delay_seconds": 3600})]) as simulator:
        await simulator.whatsapp()
        _, summary = await simulator.call("GET", "/simulator/summary")
        assert (summary["pending_callbacks"], simulator.gateway.callbacks) == (3, [])

        async def hurried() -> bool:
            await simulator.call("POST", "/simulator/flush")
            return len(simulator.gateway.callbacks) == 3

        await eventually(hurried)


async def test_a_failed_receipt_says_why() -> None:
    rules = [
        rule(account="wa-shop", receipts={"fail": 131047}),
        rule(account="sms-shop", receipts={"fail": "blocked"}),
    ]
    async with simulated(rules=rules) as simulator:
        await simulator.whatsapp()
        (status,) = statuses(await simulator.callbacks(1))
        assert status["status"] == "failed"
        (error,) = status["errors"]
        assert (error["code"], error["title"]) == (131047, "Re-engagement message")
        await simulator.custom()
        shown = (await simulator.callbacks(2))[1].json()
        assert (shown["status"], shown["error_code"], shown["error_message"]) == (
            "failed",
            2,
            "recipient blocked",
        )


async def test_receipts_can_come_before_the_answer() -> None:
    async with simulated(rules=[rule(receipts={"early": True, "no_read": True})]) as simulator:
        status, answer = await simulator.whatsapp()
        assert status == 200
        seen = statuses(simulator.gateway.callbacks)
        assert [status["status"] for status in seen] == ["sent", "delivered"]
        assert {status["id"] for status in seen} == {answer["messages"][0]["id"]}


async def test_people_without_read_receipts_read_in_secret() -> None:
    async with simulated(rules=[rule(receipts={"no_read": True})]) as simulator:
        await simulator.whatsapp()
        await simulator.drained()
        assert words(simulator) == ["sent", "delivered"]


async def test_a_person_writes_back_after_the_last_receipt() -> None:
    async with simulated(rules=[rule(reply={"text": "Thanks", "after_seconds": 0})]) as simulator:
        await simulator.whatsapp()
        value = (await simulator.callbacks(4))[3].json()["entry"][0]["changes"][0]["value"]
        (message,) = value["messages"]
        assert (message["from"], message["type"], message["text"]) == (PERSON, "text", {"body": "Thanks"})
        assert value["contacts"] == [{"profile": {"name": "Kerry Fisher"}, "wa_id": PERSON}]
        await simulator.custom()
        shown = (await simulator.callbacks(8))[7].json()
        assert (shown["type"], shown["im_uid"], shown["body"]) == ("message", PERSON, "Thanks")
        assert shown["to_number"] == "447700900101"


async def test_a_person_presses_the_first_whatsapp_button() -> None:
    button = {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
    interactive = {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": [button]}}
    async with simulated(rules=[rule(reply={"press": True, "after_seconds": 0})]) as simulator:
        _, answer = await simulator.whatsapp(type="interactive", interactive=interactive)
        value = (await simulator.callbacks(4))[3].json()["entry"][0]["changes"][0]["value"]
        (message,) = value["messages"]
        assert message["context"] == {"from": "447700900100", "id": answer["messages"][0]["id"]}
        assert message["interactive"] == {
            "type": "button_reply",
            "button_reply": {"id": "yes", "title": "Yes"},
        }


async def test_a_person_presses_a_telegram_button_and_the_query_is_answered_once() -> None:
    site, yes = {"text": "Site", "url": "https://shop.example"}, {"text": "Yes", "callback_data": "y"}
    markup = {"inline_keyboard": [[site], [yes]]}
    async with simulated(rules=[rule(reply={"press": True, "after_seconds": 0})]) as simulator:
        await simulator.telegram(reply_markup=markup)
        (callback,) = await simulator.callbacks(1)
        assert callback.headers["X-Telegram-Bot-Api-Secret-Token"] == SECRET_TOKEN
        query = callback.json()["callback_query"]
        assert (query["data"], query["from"]["id"], query["message"]["message_id"]) == ("y", CHAT, 1)
        answer = {"callback_query_id": query["id"]}
        assert (await simulator.telegram("answerCallbackQuery", **answer))[0] == 200
        assert (await simulator.telegram("answerCallbackQuery", **answer))[0] == 400


async def test_a_person_corrects_what_they_wrote() -> None:
    reply = {"text": "On my wey", "edit": "On my way", "after_seconds": 0}
    async with simulated(rules=[rule(reply=reply)]) as simulator:
        await simulator.telegram()
        first, second = [callback.json() for callback in await simulator.callbacks(2)]
        assert (first["message"]["text"], second["edited_message"]["text"]) == ("On my wey", "On my way")
        assert first["message"]["message_id"] == second["edited_message"]["message_id"]
        assert "edit_date" in second["edited_message"]
        assert second["update_id"] == first["update_id"] + 1


async def test_some_people_write_back_without_a_rule() -> None:
    async with simulated(reply_share=1.0) as simulator:
        await simulator.telegram()
        (callback,) = await simulator.callbacks(1)
        assert callback.json()["message"]["text"] == "Thank you!"


async def test_rules_can_be_replaced_while_it_runs_and_count_anew() -> None:
    once = rule(send={"unavailable": {"times": 1}})
    async with simulated() as simulator:
        await simulator.rules(once)
        assert [(await simulator.whatsapp())[0] for _ in range(2)] == [503, 200]
        _, shown = await simulator.call("GET", "/simulator/rules")
        assert shown["rules"][0]["send"]["unavailable"] == {"times": 1, "taken": False}
        status, _ = await simulator.call("PUT", "/simulator/rules", data=json.dumps(shown))
        assert status == 200
        assert [(await simulator.whatsapp())[0] for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"recipient": "("}, NOT_AN_EXPRESSION),
        ({"recipient": ".", "send": {"sloww": 1}}, "rules.0.send.sloww: Extra inputs are not permitted"),
        ({"recipient": ".", "account": "x"}, "rules.0.account: there is no account x"),
        (
            {"recipient": ".", "account": "tg-shop", "send": {"refuse": 131026}},
            "rules.0: telegram knows no case 131026",
        ),
    ],
)
async def test_a_wrong_rule_is_refused_and_changes_nothing(wrong: dict[str, Any], problem: str) -> None:
    async with simulated(rules=[rule(send={"refuse": "blocked"})]) as simulator:
        answer = await simulator.call("PUT", "/simulator/rules", json={"rules": [wrong]})
        assert answer == (422, {"problems": [problem]})
        assert (await simulator.telegram())[0] == 403
