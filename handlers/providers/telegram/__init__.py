"""Telegram, through the Bot API (9.x), called with JSON.

Out: text, media by URL or file_id (audio/ogg as a voice message), location and venue, contact, reply and URL
buttons as an inline keyboard, quoting, reactions, typing, raw calls of the send… methods.
In: text, media, locations, contacts, edits (`edited`), pressed buttons, blocking and unblocking of the bot,
/start as the start of a conversation.
Reactions of people are not in: bots get them only as administrators. Posts of channels are kept as events.

Telegram sends no receipts: `submitted` is the last that is heard of a message. It has no idempotency key. A
person must have started the bot before it can write to them; there is no session window after that. About 30
messages a second in all and one a second to a chat are allowed: set `max_tps`.

The webhook is set with setWebhook: `secret_token` as in `callback.secret_token`, and `allowed_updates` with
message, edited_message, callback_query and my_chat_member.

Source: the Bot API reference, November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

import orjson
from pydantic import AfterValidator, HttpUrl, SecretStr, ValidationError

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.account import NoSettings, ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import NO_TEXT, Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.telegram import inbound, wire
from handlers.providers.telegram.codes import known_failure
from handlers.providers.telegram.outbound import call_of
from handlers.shared.json_bodies import write_request
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.signatures import same
from handlers.shared.splitting import Limit

_TOKEN_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name


def _header_safe(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret) for secret in revealed(secrets)):
        raise ValueError("1 to 256 characters of A-Z, a-z, 0-9, _ and -")
    return secrets


class TelegramCredentials(Settings):
    """What the gateway proves itself with."""

    token: Secret
    """The bot's token, from @BotFather."""


class TelegramCallback(Settings):
    """What Telegram proves its callbacks with."""

    secret_token: Annotated[Secrets, AfterValidator(_header_safe)]
    """A word of your choice, given to setWebhook as `secret_token`: comes with every update. A list while it
    is being changed."""


class TelegramAccount(ProviderAccount):
    """One Telegram bot."""

    provider: Literal["telegram"] = "telegram"
    channel: Name = "telegram"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://api.telegram.org")
    """Where the Bot API is: another place for a Bot API server of your own."""
    credentials: TelegramCredentials
    """What the gateway proves itself with."""
    callback: TelegramCallback
    """What Telegram proves its callbacks with."""
    parameters: NoSettings = NoSettings()
    """None."""


class Telegram:
    """Sends as one bot, and reads what people write to it."""

    provider: ClassVar[str] = "telegram"
    channel: ClassVar[str] = "telegram"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(4_096, "utf16"),
            "image": Limit(1_024, "utf16"),
            "video": Limit(1_024, "utf16"),
            "audio": Limit(1_024, "utf16"),
            "document": Limit(1_024, "utf16"),
            "sticker": NO_TEXT,
            "location": None,
            "contact": None,
            "reaction": None,
            "typing": None,
            "raw": None,
        },
        receipts=False,
        buttons={"reply": 100, "url": 100},
        mixed_buttons=True,
        buttons_under=frozenset({"text", "image", "video", "audio", "document"}),
        replies=True,
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = TelegramAccount

    def __init__(self, account: TelegramAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        method, parameters = call_of(submission)
        response = await self._call(method, parameters, out)
        refused = _refused(response)
        if refused is not None and refused.parameters.migrate_to_chat_id is not None:
            # A group that became a supergroup has a new id. Nothing was sent to the old one, so this is no
            # second attempt; a further move would be a refusal like any other.
            moved = parameters | {"chat_id": refused.parameters.migrate_to_chat_id}
            response = await self._call(method, moved, out)
        return _read_answer(f"{method}:{submission.reference}", response)

    def verify(self, request: CallbackRequest) -> None:
        expected = revealed(self._account.callback.secret_token)
        if not same(request.headers.get(_TOKEN_HEADER, ""), *expected):
            raise CallbackRefused(f"the {_TOKEN_HEADER} header is missing or wrong")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request.body)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        query_id = inbound.query_id(request.body)
        if query_id is None:
            return CallbackReply()
        # The answer to the webhook may carry one call: this one stops the button's spinner.
        call = {"method": "answerCallbackQuery", "callback_query_id": query_id}
        return CallbackReply(body=orjson.dumps(call), content_type="application/json")

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        response = await self._call("getFile", {"file_id": media_id}, out)
        if refused := _refused(response):
            raise _failure(refused, response)
        try:
            path = wire.FilePlace.model_validate_json(response.body).result.file_path
        except ValidationError as error:
            raise unreadable(response) from error
        return HttpRequest("GET", f"{self._account.base_url}/file/bot{self._token}/{quote(path)}")

    async def check(self, out: Transports) -> str | None:
        response = await self._call("getMe", {}, out)
        if refused := _refused(response):
            raise _failure(refused, response)
        try:
            return f"bot @{wire.Me.model_validate_json(response.body).result.username}"
        except ValidationError as error:
            raise unreadable(response) from error

    @property
    def _token(self) -> str:
        return quote(self._account.credentials.token.get_secret_value(), safe=":")

    async def _call(self, method: str, parameters: dict[str, Any], out: Transports) -> HttpResponse:
        request = HttpRequest(
            method="POST",
            url=f"{self._account.base_url}/bot{self._token}/{method}",
            headers={"content-type": "application/json"},
            body=write_request(parameters),
        )
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)


def _refused(response: HttpResponse) -> wire.Refused | None:
    try:
        return wire.Refused.model_validate_json(response.body)
    except ValidationError:
        return None


def _read_answer(fallback_id: str, response: HttpResponse) -> Submitted:
    """The ids of what was sent; ours for a call that makes no message (typing, a reaction)."""
    if refused := _refused(response):
        raise _failure(refused, response)
    if not 200 <= response.status < 300:
        raise http_failure(response)
    try:
        result = wire.Accepted.model_validate_json(response.body).result
    except ValidationError as error:
        raise unreadable(response) from error
    if isinstance(result, wire.MessageRef):
        return Submitted((result.key,))
    keys = tuple(message.key for message in result) if isinstance(result, tuple) else ()
    return Submitted(keys or (fallback_id,))


def _failure(refused: wire.Refused, response: HttpResponse) -> ProviderError:
    code, text = str(refused.error_code), refused.description
    if refused.error_code == 429:
        return ProviderError(
            FailureKind.THROTTLED,
            reason="rate_limited",
            code=code,
            text=text,
            retry_after_seconds=refused.parameters.retry_after,
        )
    known = known_failure(refused.error_code, refused.description)
    if known is None:
        # Telegram's error_code is the HTTP status, which stands even where a proxy in front changed it.
        told = HttpResponse(refused.error_code, response.headers)
        return http_failure(told, code=code, text=text)
    kind, reason = known
    return ProviderError(kind, reason=reason, code=code, text=text)
