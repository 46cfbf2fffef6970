"""The simulated Telegram Bot API: methods that send, the webhook, and what people write.

Source: core.telegram.org/bots/api (Bot API 9), read in 2026. Paths start with /telegram, where the real ones
start with the host api.telegram.org. Parameters as JSON, form, multipart or query. Not simulated: files,
getUpdates, the life of groups, entities. As on a local Bot API server, a webhook may be plain HTTP.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from handlers.simulator.callbacks import Callback
from handlers.simulator.desk import Answer, Desk
from handlers.simulator.plan import Stage
from handlers.simulator.rules import ReplyRule, Verdict
from handlers.simulator.speech import Pressed, Speech
from handlers.simulator.telegram_bot import Bot, new_query_id
from handlers.simulator.telegram_checks import (
    NAMES,
    SENDS,
    UNAUTHORIZED,
    BotError,
    Json,
    Wrong,
    buttons,
    chat_of,
    check,
    refusal,
    success,
    throttled,
)

PROVIDER = "telegram"
_NOT_FOUND = BotError(404, "Not Found")
_TOO_OLD = BotError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")


class Line:
    """A bot and the way of its updates."""

    def __init__(self, bot: Bot, api: Telegram) -> None:
        self.bot = bot
        self._api = api

    def update(self, kind: str, message_id: str, part: Any) -> list[Callback]:
        """The callback for one update, `part` of which is made when its turn comes; none without a
        webhook."""
        if self.bot.url is None:
            return []

        async def answered(body: bytes) -> None:
            await self._api.webhook_answer(self.bot, body)

        return [
            Callback(
                provider=PROVIDER,
                account=self.bot.account.account,
                kind="message",
                status=kind,
                message_id=message_id,
                url=self.bot.url,
                payload=lambda: self.bot.update({kind: part()}),
                seal=self.bot.seal,
                answered=answered,
            )
        ]

    def speech(self, speech: Speech, about: Json | None = None) -> list[Callback]:
        """What a person does in this chat; `about` is the message whose button is pressed."""
        bot, chat = self.bot, speech.sender
        if speech.button is not None:
            query = new_query_id()
            message = about or bot.earlier(chat, speech.in_reply_to or "0")
            return self.update("callback_query", query, lambda: bot.pressed(speech, query, message))
        if speech.edit_of is not None:
            number = int(speech.edit_of.rpartition(":")[2])
            return self.update("edited_message", f"{chat}:{number}", lambda: bot.corrected(speech, number))
        number = bot.next_message_id(chat)
        return self.update("message", f"{chat}:{number}", lambda: bot.heard(speech, number))


@dataclass(slots=True)
class BotLetter:
    """A valid request to send (desk.Letter)."""

    line: Line
    method: str
    parameters: Json = field(repr=False)
    message_id: int = 0
    provider: str = PROVIDER
    reference: str | None = None  # the Bot API has no field for it

    @property
    def account(self) -> str:
        return self.line.bot.account.account

    @property
    def recipient(self) -> str:
        return chat_of(self.parameters)

    def post(self) -> tuple[str, ...]:
        self.message_id = self.line.bot.next_message_id(self.recipient)
        return (f"{self.recipient}:{self.message_id}",)

    def accepted(self) -> Answer:
        return success(self._message())

    def fault(self, verdict: Verdict) -> tuple[Answer, str]:
        if verdict.action == "throttle":
            return throttled(verdict.retry_after_seconds), "429"
        error = {
            "unauthorized": UNAUTHORIZED,
            "server_error": BotError(500, "Internal Server Error"),
            "unavailable": BotError(503, "Service Unavailable"),
        }.get(verdict.action)
        if error is None:
            error = NAMES.get(verdict.case or "blocked", NAMES["400"])
        return refusal(error), str(error.status)

    def receipt(self, stage: Stage, case: str | None) -> Callback | None:
        return None  # Telegram tells nobody what became of a message

    def replies(self, rule: ReplyRule) -> Sequence[Callback]:
        presses = [button for button in buttons(self.parameters) if "callback_data" in button]
        if rule.press and presses:
            pressed = Pressed(id=str(presses[0]["callback_data"]), title=presses[0]["text"])
            return self.line.speech(Speech(sender=self.recipient, button=pressed), self._message())
        callbacks = self.line.speech(Speech(sender=self.recipient, text=rule.text))
        if rule.edit is not None and callbacks:
            edit = Speech(sender=self.recipient, text=rule.edit, edit_of=callbacks[0].message_id)
            callbacks += self.line.speech(edit)
        return callbacks

    def _message(self) -> dict[str, Any]:
        return self.line.bot.message(self.method, self.parameters, self.recipient, self.message_id)


class Telegram:
    """Its routes."""

    def __init__(self, bots: Sequence[Bot], desk: Desk) -> None:
        self._lines = [Line(bot, self) for bot in bots]
        self._desk = desk

    def routes(self) -> Sequence[web.RouteDef]:
        path = "/telegram/bot{token}/{method}"
        return [web.post(path, self.method), web.get(path, self.method, allow_head=False)]

    def line(self, account: str) -> Line | None:
        return next((line for line in self._lines if line.bot.account.account == account), None)

    async def method(self, request: web.Request) -> web.Response:
        """Any method of the Bot API."""
        method = request.match_info["method"].lower()
        parameters = await _parameters(request)
        line = self._by_token(request.match_info["token"])
        if line is None:
            return self._desk.turned_away(PROVIDER, None, refusal(UNAUTHORIZED), "credentials")
        return await self._call(request, line, method, parameters)

    async def webhook_answer(self, bot: Bot, body: bytes) -> None:
        """Act on an answer to an update that names a method; its result goes nowhere, as documented."""
        try:
            parameters = orjson.loads(body)
        except orjson.JSONDecodeError:
            return
        if isinstance(parameters, dict) and isinstance(parameters.get("method"), str):
            line = next(line for line in self._lines if line.bot is bot)
            await self._call(None, line, parameters["method"].lower(), parameters)

    async def _call(
        self, request: web.Request | None, line: Line, method: str, parameters: Json
    ) -> web.Response:
        account = line.bot.account.account
        if method not in SENDS:
            return self._desk.noted(PROVIDER, account, method, _other(line.bot, method, parameters))
        try:
            check(method, parameters)
        except Wrong as wrong:
            chat = str(parameters.get("chat_id") or "") or None
            return self._desk.turned_away(PROVIDER, account, refusal(wrong.error), "400", chat)
        letter = BotLetter(line, method, parameters)
        if self._desk.bare:
            letter.post()
            return await self._desk.bare_answer(letter.accepted())
        return await self._desk.take(request, letter)

    def _by_token(self, token: str) -> Line | None:
        for line in self._lines:
            if hmac.compare_digest(line.bot.account.token.get_secret_value().encode(), token.encode()):
                return line
        return None


async def _parameters(request: web.Request) -> dict[str, Any]:
    """The parameters of a call, from the query and from a body in any of the documented forms."""
    parameters: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            body = None
        return parameters | body if isinstance(body, dict) else parameters
    try:
        return parameters | dict(await request.post())
    except ValueError:  # a form that is not one
        return parameters


def _other(bot: Bot, method: str, parameters: Json) -> Answer:
    """The methods that send nothing."""
    if method == "getme":
        flags = {"can_join_groups": True, "can_read_all_group_messages": False}
        return success({**bot.user, **flags, "supports_inline_queries": False})
    if method == "answercallbackquery":
        known = bot.answer_query(str(parameters.get("callback_query_id", "")))
        return success(True) if known else refusal(_TOO_OLD)
    if method in ("sendchataction", "setmessagereaction"):
        return _in_chat(method, parameters)
    if method == "setwebhook":
        return _set_webhook(bot, parameters)
    if method == "deletewebhook":
        bot.set_webhook(None, "")
        return success(True, "Webhook was deleted")
    if method == "getwebhookinfo":
        info = {"url": bot.url or "", "has_custom_certificate": False, "pending_update_count": 0}
        return success(info)
    return refusal(_NOT_FOUND)


def _in_chat(method: str, parameters: Json) -> Answer:
    """Something that is done in a chat without a message coming of it."""
    try:
        chat_of(parameters)
    except Wrong as wrong:
        return refusal(wrong.error)
    if not parameters.get("action" if method == "sendchataction" else "message_id"):
        return refusal(BotError(400, "Bad Request: wrong parameter specified"))
    return success(True)


def _set_webhook(bot: Bot, parameters: Json) -> Answer:
    url, secret = str(parameters.get("url", "")), str(parameters.get("secret_token", ""))
    if not url:
        bot.set_webhook(None, "")
        return success(True, "Webhook was deleted")
    if not re.fullmatch(r"https?://[^\s]+", url):
        return refusal(BotError(400, "Bad Request: bad webhook: invalid webhook URL specified"))
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        return refusal(BotError(400, "Bad Request: secret token contains unallowed characters"))
    bot.set_webhook(url, secret)
    return success(True, "Webhook was set")
