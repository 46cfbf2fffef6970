"""WhatsApp, through Meta's WhatsApp Cloud API (Graph API v25.0).

Out: text, media by URL or id (audio/ogg as a voice message), location, contact, reply buttons (also under
media), one url button, a button that asks for the location, lists, approved templates with text parameters,
reactions, read marks, typing (with `in_reply_to`), raw bodies.
In: all of those but templates; template buttons; edits (`edited`) and deletions (`deleted`); also from groups
(`thread`). As events: changed numbers, the ad that led to a message, opt-ins and opt-outs of marketing. As
`unsupported`: orders, flows and the like. Who hides the number is known by a business-scoped user id.
Receipts: sent, delivered, read (and played), failed; a person may switch `read` off. Meta drops what it could
not deliver in 30 days without a word. A template that is held or paused to watch its quality counts as
submitted: a status follows.
Not here: sending to groups, uploading media, media in the header of templates (raw does it), other webhook
fields than `messages` and `user_preferences` (kept as events).

There is no idempotency key: a message sent again after an unknown outcome may arrive twice. Our reference
travels as `biz_opaque_callback_data`, which every status echoes.

Source: Meta's reference of messages, webhooks, error codes and typing indicators, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, HttpUrl, StringConstraints, ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.account import ProviderAccount, SenderId, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import ReactionContent, ReadContent, TypingContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import (
    NO_TEXT,
    Capabilities,
    InboundMessage,
    ListLimits,
    MediaKind,
    MediaRule,
    Submission,
    Submitted,
)
from handlers.providers.whatsapp_cloud import inbound, wire
from handlers.providers.whatsapp_cloud.codes import NO_SUCH_OBJECT, RETRY_AFTER_SECONDS, known_failure
from handlers.providers.whatsapp_cloud.outbound import body_of
from handlers.shared.json_bodies import write_request
from handlers.shared.meta import MetaCallback, graph_error, graph_failure, reply_to_meta, verify_meta
from handlers.shared.secret import Secret, revealed
from handlers.shared.splitting import Limit

_NO_RECEIPTS = (ReactionContent, ReadContent, TypingContent)
_MEGABYTE = 1_024 * 1_024
_MEDIA: Mapping[MediaKind, MediaRule] = {
    "image": MediaRule(frozenset({"image/jpeg", "image/png"}), 5 * _MEGABYTE),
    "video": MediaRule(frozenset({"video/mp4", "video/3gpp"}), 16 * _MEGABYTE),
    "audio": MediaRule(
        frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}), 16 * _MEGABYTE
    ),
    "document": MediaRule(most_bytes=100 * _MEGABYTE),
    "sticker": MediaRule(frozenset({"image/webp"}), 500 * 1_024),  # 100 KB when it does not move
}


class WhatsAppCredentials(Settings):
    """What the gateway proves itself with."""

    access_token: Secret
    """A system user's token with permission whatsapp_business_messaging."""


class WhatsAppParameters(Settings):
    """Which number sends, through which version of the API."""

    phone_number_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")]
    """Meta's id of the sending number; not the number itself."""
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]{1,3}\.[0-9]$")] = "v25.0"
    """The version of the Graph API."""


class WhatsAppAccount(ProviderAccount):
    """One WhatsApp number of a business. Each number is an account of its own."""

    provider: Literal["whatsapp_cloud"] = "whatsapp_cloud"
    channel: Name = "whatsapp"
    """The channel that it counts as in routing."""
    senders: Annotated[tuple[SenderId, ...], Field(max_length=1)] = Field((), alias="from")
    """The sending number, for people and for routing; Meta goes by `phone_number_id`."""
    url: HttpUrl = HttpUrl("https://graph.facebook.com")
    """Where the Graph API is: another place only for tests."""
    credentials: WhatsAppCredentials
    """What the gateway proves itself with."""
    callback: MetaCallback
    """What Meta proves its callbacks with."""
    parameters: WhatsAppParameters
    """Which number sends."""


class WhatsAppCloud:
    """Sends through one WhatsApp number, and reads what comes back for it."""

    provider: ClassVar[str] = "whatsapp_cloud"
    channel: ClassVar[str] = "whatsapp"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(4_096),
            "image": Limit(1_024),
            "video": Limit(1_024),
            "audio": NO_TEXT,
            "document": Limit(1_024),
            "sticker": NO_TEXT,
            "location": None,
            "contact": None,
            "list": Limit(4_096),
            "template": None,
            "reaction": None,
            "typing": None,
            "read": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons={"reply": 3, "url": 1, "location": 1},
        buttons_under=frozenset({"text", "image", "video", "document"}),
        button_title=Limit(20),
        text_with_buttons=Limit(1_024),
        lists=ListLimits(rows=10, title=Limit(24), description=Limit(72), button=Limit(20)),
        media=_MEDIA,
        session_window_seconds=86_400,
        replies=True,
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = WhatsAppAccount

    def __init__(self, account: WhatsAppAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        account = self._account
        request = HttpRequest(
            method="POST",
            url=self._url(f"{account.parameters.phone_number_id}/messages"),
            headers={**self._authorization, "content-type": "application/json"},
            body=write_request(body_of(submission)),
        )
        response = await out.http.request(request, timeout_seconds=account.timeout_seconds)
        return _read_answer(submission, response)

    def verify(self, request: CallbackRequest) -> None:
        verify_meta(
            request,
            app_secrets=revealed(self._account.callback.app_secret),
            verify_token=self._account.callback.verify_token.get_secret_value(),
        )

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return () if request.method == "GET" else inbound.split(request.body)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return reply_to_meta(request)

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        response = await self._ask(quote(media_id, safe=""), out)
        refusal = graph_error(response)
        if refusal is not None and (refusal.code, refusal.error_subcode) == NO_SUCH_OBJECT:
            code, text = str(refusal.code), refusal.text
            raise ProviderError(FailureKind.PERMANENT, reason="media_unreachable", code=code, text=text)
        _check(response)
        try:
            # It lasts five minutes, and wants the token, too.
            url = wire.MediaPlace.model_validate_json(response.body).url
        except ValidationError as error:
            raise unreadable(response) from error
        return HttpRequest("GET", url, self._authorization)

    async def check(self, out: Transports) -> str | None:
        number = self._account.parameters.phone_number_id
        response = await self._ask(f"{number}?fields=display_phone_number,verified_name", out)
        _check(response)
        try:
            return wire.Number.model_validate_json(response.body).told
        except ValidationError as error:
            raise unreadable(response) from error

    async def _ask(self, what: str, out: Transports) -> HttpResponse:
        request = HttpRequest("GET", self._url(what), self._authorization)
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)

    def _url(self, what: str) -> str:
        return f"{self._account.base_url}/{self._account.parameters.api_version}/{what}"

    @property
    def _authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._account.credentials.access_token.get_secret_value()}"}


def _read_answer(submission: Submission, response: HttpResponse) -> Submitted:
    _check(response)
    try:
        if isinstance(submission.content, ReadContent | TypingContent):
            # Meta gives no id for these; ours is unique, and the same for every attempt.
            wire.Done.model_validate_json(response.body)
            ids: tuple[str, ...] = (f"{submission.content.type}:{submission.reference}",)
        else:
            ids = tuple(sent.id for sent in wire.Sent.model_validate_json(response.body).messages)
    except ValidationError as error:
        raise unreadable(response) from error
    return Submitted(ids, receipts_follow=not isinstance(submission.content, _NO_RECEIPTS))


def _check(response: HttpResponse) -> None:
    if error := graph_failure(response, known_failure, waits=RETRY_AFTER_SECONDS):
        raise error
