"""SMS through Infobip's SMS API (v3), WhatsApp and Viber Business Messages through its Messages API (v1).

Out: text; on WhatsApp media by URL, locations, templates (text in header and body, suffixes of URL buttons),
three reply buttons or one URL button; on Viber pictures, documents and one URL button; raw messages.
`validityPeriod` follows `expires_at`, up to the 48 hours that Infobip knows.
In: text, media, locations, pressed buttons, choices from lists, reactions, answers. Other kinds as
`unsupported`; typing is kept as an event.
Receipts: pending, delivered, seen (not SMS), undeliverable, rejected, expired; in batches; by our reference,
too, which travels as `callbackData`. That it is at the operator is not yet `delivered`.
Not here: lists (the Messages API has no place for their button's title), contacts, audio, stickers, other
channels, scheduling, Infobip's own failover.

The message id is ours, and Infobip rejects one that it knows already: so a message that is sent again after
an unknown outcome is sent once, and that rejection means that it was taken. A message that Infobip rejects in
its answer is failed for good, whatever the cause, since its id is used up.

Callbacks are proved by what the security settings of a subscription at Infobip name: user and password, or a
signature.

Source: Infobip's API reference and its Python client, its pages on status codes, error codes, handling errors
and subscriptions, November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field, ValidationError

from gateway.errors import FailureKind, MessageRefused, ProviderError
from gateway.model.account import ProviderAccount
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import NO_TEXT, Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.infobip import inbound
from handlers.providers.infobip.codes import DUPLICATE, Error, Status, news_of, reason_of
from handlers.providers.infobip.outbound import body_of
from handlers.providers.infobip.settings import InfobipAccount
from handlers.shared.json_bodies import write_request
from handlers.shared.numbers import without_numbers
from handlers.shared.splitting import Limit

_PATHS = {"sms": "/sms/3/messages"}
_MESSAGES_PATH = "/messages-api/1/messages"
_BAD_REQUEST = ("E400", "BAD_REQUEST")
_CAPTION = Limit(1_024)

_CHANNELS: dict[str, Capabilities] = {
    # Ten parts of 153 septets: longer texts are paid for, and rarely arrive whole.
    "sms": Capabilities(
        content={"text": Limit(1_530, "septets"), "raw": None}, receipts=True, idempotent=True
    ),
    "whatsapp": Capabilities(
        content={
            "text": Limit(4_096),
            "image": _CAPTION,
            "video": _CAPTION,
            "document": _CAPTION,
            "location": None,
            "template": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons={"reply": 3, "url": 1},
        button_title=Limit(20),
        text_with_buttons=Limit(1_024),
        idempotent=True,
        session_window_seconds=86_400,
        fetches_media=True,
    ),
    "viber": Capabilities(
        content={"text": Limit(1_000), "image": Limit(1_000), "document": NO_TEXT, "raw": None},
        receipts=True,
        read_receipts=True,
        buttons={"url": 1},
        buttons_under=frozenset({"text", "image"}),
        button_title=Limit(30),
        idempotent=True,
        fetches_media=True,
    ),
}


class _Taken(Wire):
    id: str = Field(alias="messageId", min_length=1)
    status: Status = Status()


class _Answer(Wire):
    messages: tuple[_Taken, ...] = Field(min_length=1)


class _ServiceException(Wire):
    message_id: str = Field("", alias="messageId")
    text: str = ""


class _RequestError(Wire):
    exception: _ServiceException = Field(_ServiceException(), alias="serviceException")


class _Refusal(Wire):
    """The answer to a request that failed, in the older form or in the newer one."""

    request_error: _RequestError = Field(_RequestError(), alias="requestError")
    error_code: str = Field("", alias="errorCode")
    description: str = ""


class _Balance(Wire):
    balance: float
    currency: str = ""


class Infobip:
    """Sends through one Infobip account, and reads what comes back for it."""

    provider: ClassVar[str] = "infobip"
    channel: ClassVar[str] = "sms"
    capabilities: Capabilities = _CHANNELS["whatsapp"]  # the most; each account has its channel's
    Account: ClassVar[type[ProviderAccount]] = InfobipAccount

    def __init__(self, account: InfobipAccount) -> None:
        self._account = account
        self.capabilities = _CHANNELS[account.channel]

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        account, kind = self._account, submission.content.type
        if kind not in self.capabilities.content:
            raise MessageRefused("unsupported_content", f"{account.channel} does not carry {kind} here")
        told_to = account.parameters.status_callback
        body = body_of(submission, account.channel, str(told_to) if told_to else None)
        request = HttpRequest(
            method="POST",
            url=f"{account.base_url}{_PATHS.get(account.channel, _MESSAGES_PATH)}",
            headers={**self._authorization, "content-type": "application/json"},
            body=write_request(body),
        )
        return _read_answer(await out.http.request(request, timeout_seconds=account.timeout_seconds))

    def verify(self, request: CallbackRequest) -> None:
        inbound.verify(self._account.callback, request)

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request.body)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        # A message can bring any URL: the key goes to the account's own host only.
        if not media_id.startswith(f"{self._account.base_url}/"):
            return None
        return HttpRequest("GET", media_id, self._authorization)

    async def check(self, out: Transports) -> str | None:
        request = HttpRequest("GET", f"{self._account.base_url}/account/1/balance", self._authorization)
        response = await out.http.request(request, timeout_seconds=self._account.timeout_seconds)
        if not 200 <= response.status < 300:
            raise _failure(response)
        try:
            told = _Balance.model_validate_json(response.body)
        except ValidationError as error:
            raise unreadable(response) from error
        return f"balance {told.balance:.2f} {told.currency}".strip()

    @property
    def _authorization(self) -> dict[str, str]:
        return {"authorization": f"App {self._account.credentials.api_key.get_secret_value()}"}


def _read_answer(response: HttpResponse) -> Submitted:
    if not 200 <= response.status < 300:
        raise _failure(response)
    try:
        taken = _Answer.model_validate_json(response.body).messages
    except ValidationError as error:
        raise unreadable(response) from error
    for message in taken:
        if message.status.id != DUPLICATE and news_of(message.status) in ("failed", "expired"):
            told = reason_of(message.status, Error())
            raise ProviderError(
                FailureKind.PERMANENT,
                reason=told.code,
                code=told.provider_code,
                text=told.provider_text,
            )
    return Submitted(tuple(message.id for message in taken))


def _failure(response: HttpResponse) -> ProviderError:
    try:
        refusal = _Refusal.model_validate_json(response.body)
    except ValidationError:
        return http_failure(response)
    exception = refusal.request_error.exception
    code = refusal.error_code or exception.message_id or None
    text = without_numbers(refusal.description or exception.text or None)
    if code not in _BAD_REQUEST or response.status != 400:
        return http_failure(response, code=code, text=text)
    return ProviderError(
        FailureKind.PERMANENT,
        reason="invalid_message",
        code=code,
        text=text,
        retry_after_seconds=retry_after(response),
    )
