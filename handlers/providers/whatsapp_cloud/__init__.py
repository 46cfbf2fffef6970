"""WhatsApp, through Meta's WhatsApp Cloud API (Graph API v25.0).

Out: text, media by URL or id, location, contact, reply buttons (also under media), one URL button, lists,
approved templates with text parameters, reactions, read marks, typing (with `in_reply_to`), raw bodies.
In: all of those but templates, and template buttons, changed numbers; orders, flows and the like as
`unsupported`.
Receipts: sent, delivered, read, failed; a person may switch `read` off. Meta drops what it could not deliver
in 30 days without a word.
Not here: groups, uploading media, media in the header of templates (raw does it), other webhook fields than
`messages` (kept as events).

There is no idempotency key: a message sent again after an unknown outcome may arrive twice. Our reference
travels as `biz_opaque_callback_data`, which every status echoes.

Source: Meta's reference of messages, webhooks, error codes and typing indicators, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, HttpUrl, StringConstraints, ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.account import ProviderAccount, SenderId, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import ReactionContent, ReadContent, TypingContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.whatsapp_cloud import inbound, wire
from handlers.providers.whatsapp_cloud.codes import RETRY_AFTER_SECONDS, known_failure
from handlers.providers.whatsapp_cloud.outbound import body_of
from handlers.shared.json_bodies import write_request
from handlers.shared.meta import graph_error, reply_to_meta, verify_meta
from handlers.shared.secret import Secret

_NO_RECEIPTS = (ReactionContent, ReadContent, TypingContent)


class WhatsAppCredentials(Settings):
    """What the gateway proves itself with."""

    access_token: Secret
    """A system user's token with permission whatsapp_business_messaging."""


class WhatsAppCallback(Settings):
    """What Meta proves its callbacks with."""

    app_secret: Secret
    """The app's secret: signs every delivery."""
    verify_token: Secret
    """A word of your choice, entered at Meta beside the callback URL: proves the subscription request."""


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
    callback: WhatsAppCallback
    """What Meta proves its callbacks with."""
    parameters: WhatsAppParameters
    """Which number sends."""


class WhatsAppCloud:
    """Sends through one WhatsApp number, and reads what comes back for it."""

    provider: ClassVar[str] = "whatsapp_cloud"
    channel: ClassVar[str] = "whatsapp"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": 4_096,
            "image": 1_024,
            "video": 1_024,
            "audio": 0,
            "document": 1_024,
            "sticker": 0,
            "location": None,
            "contact": None,
            "list": 4_096,
            "template": None,
            "reaction": None,
            "typing": None,
            "read": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons={"reply": 3, "url": 1},
        button_title=20,
        session_window_seconds=86_400,
        replies=True,
    )
    Account: ClassVar[type[ProviderAccount]] = WhatsAppAccount

    def __init__(self, account: WhatsAppAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        account = self._account
        request = HttpRequest(
            method="POST",
            url=f"{account.base_url}/{account.parameters.api_version}"
            f"/{account.parameters.phone_number_id}/messages",
            headers={
                "authorization": f"Bearer {account.credentials.access_token.get_secret_value()}",
                "content-type": "application/json",
            },
            body=write_request(body_of(submission)),
        )
        response = await out.http.request(request, timeout_seconds=account.timeout_seconds)
        return _read_answer(submission, response)

    def verify(self, request: CallbackRequest) -> None:
        verify_meta(
            request,
            app_secret=self._account.callback.app_secret.get_secret_value(),
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


def _read_answer(submission: Submission, response: HttpResponse) -> Submitted:
    if error := _failure(response):
        raise error
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


def _failure(response: HttpResponse) -> ProviderError | None:
    error = graph_error(response)
    if error is None:
        return None if 200 <= response.status < 300 else http_failure(response)
    known = known_failure(error)
    if known is None and not 200 <= response.status < 300:
        return http_failure(response, code=str(error.code), text=error.text)
    kind, reason = known or (FailureKind.PERMANENT, "provider_error")
    seconds = retry_after(response) or RETRY_AFTER_SECONDS.get(error.code)
    code = str(error.code)
    return ProviderError(kind, reason=reason, code=code, text=error.text, retry_after_seconds=seconds)
