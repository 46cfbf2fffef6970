"""Facebook Messenger, through the Messenger Platform of a page (Graph API v25.0).

Out: text, media by URL or attachment id, stickers by id (by URL as an image), reply buttons as quick replies
(also under media), url and call buttons as a button template (at most 3 together, with up to 640 characters
of text), reactions, typing, read marks (of the whole conversation), raw bodies. Our reference travels as the
message's `metadata`, which only its echo tells.
In: text, media, locations, quick replies, postbacks, edits (`edited`), reactions; referrals (also those of
click-to-message ads, beside the message) and opt-ins as events; shared posts and the like as `unsupported`.
Receipts: delivered, by message where Meta names them, else up to a time; read, up to a time; no failures.
Kept as callback events: echoes of what the page wrote, what another app of the page handles (standby, thread
control), account linking, other webhook fields than messages, and whatever is of another page.
Not here: quoting, uploading media, utility templates and generic templates (raw does them), app secret proof.

A person must have written within 24 hours; within 7 days a human may answer, with the tag HUMAN_AGENT: for
all messages of an account by `parameters.message_tag`, for single ones by `attributes.message_tag` (then the
account needs `session_window: provider`, since the gateway counts its window in 24 hours). There is no
idempotency key. Meta calls one URL for all pages of an app, so an app serves one account. Subscribe the page
to messages, message_edits, message_deliveries, message_reads, message_reactions, messaging_postbacks,
messaging_referrals and messaging_optins.

Source: Meta's reference of the Send API, of sender actions, quick replies, webhooks and error codes, and its
changelog, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, HttpUrl, StringConstraints, ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.account import ProviderAccount, SenderId, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import NO_TEXT, Capabilities, InboundMessage, MediaRule, Submission, Submitted
from handlers.providers.messenger import inbound, wire
from handlers.providers.messenger.codes import known_failure
from handlers.providers.messenger.outbound import body_of
from handlers.shared.json_bodies import write_request
from handlers.shared.meta import MetaCallback, graph_failure, reply_to_meta, verify_meta
from handlers.shared.secret import Secret, revealed
from handlers.shared.splitting import Limit

_MEGABYTE = 1_024 * 1_024
_TAGGED_WINDOW_SECONDS = 7 * 86_400


class MessengerCredentials(Settings):
    """What the gateway proves itself with."""

    access_token: Secret
    """The page's access token with permission pages_messaging."""


class MessengerParameters(Settings):
    """Which page sends, and how."""

    page_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")]
    """The page's id."""
    message_tag: Literal["HUMAN_AGENT"] | None = None
    """The tag of every message that has none in `attributes.message_tag`: for accounts that only people write
    with, who may take 7 days to answer."""
    api_version: Annotated[str, StringConstraints(pattern=r"^v[0-9]{1,3}\.[0-9]$")] = "v25.0"
    """The version of the Graph API."""


class MessengerAccount(ProviderAccount):
    """One Facebook page. Each page is an account of its own."""

    provider: Literal["messenger"] = "messenger"
    channel: Name = "messenger"
    """The channel that it counts as in routing."""
    senders: Annotated[tuple[SenderId, ...], Field(max_length=1)] = Field((), alias="from")
    """The page's name, for people and for routing; Meta goes by `page_id`."""
    url: HttpUrl = HttpUrl("https://graph.facebook.com")
    """Where the Graph API is: another place only for tests."""
    credentials: MessengerCredentials
    """What the gateway proves itself with."""
    callback: MetaCallback
    """What Meta proves its callbacks with."""
    parameters: MessengerParameters
    """Which page sends, and how."""


class Messenger:
    """Sends as one page, and reads what people write to it."""

    provider: ClassVar[str] = "messenger"
    channel: ClassVar[str] = "messenger"
    capabilities: Capabilities = Capabilities(
        content={
            "text": Limit(2_000),
            "image": NO_TEXT,
            "video": NO_TEXT,
            "audio": NO_TEXT,
            "document": NO_TEXT,
            "sticker": NO_TEXT,
            "reaction": None,
            "typing": None,
            "read": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        watermarks=True,
        # Texts with quick replies may be as long as others, those with url and call buttons may not: since
        # there is one limit for both, such a text is refused when it is too long, instead of all being split.
        buttons={"reply": 13, "url": 3, "call": 3},
        mixed_buttons=True,
        buttons_under=frozenset({"text", "image", "video", "audio", "document"}),
        button_title=Limit(20),
        media={
            "image": MediaRule(most_bytes=8 * _MEGABYTE),
            "video": MediaRule(most_bytes=25 * _MEGABYTE),
            "audio": MediaRule(most_bytes=25 * _MEGABYTE),
            "document": MediaRule(most_bytes=25 * _MEGABYTE),
        },
        session_window_seconds=86_400,
    )
    Account: ClassVar[type[ProviderAccount]] = MessengerAccount

    def __init__(self, account: MessengerAccount) -> None:
        self._account = account
        if account.parameters.message_tag is not None:
            self.capabilities = replace(self.capabilities, session_window_seconds=_TAGGED_WINDOW_SECONDS)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        parameters = self._account.parameters
        body = body_of(submission, submission.attributes.get("message_tag") or parameters.message_tag)
        response = await self._call("POST", f"{parameters.page_id}/messages", out, body)
        if "sender_action" in body:
            # Meta gives no id for these; ours is unique, and the same for every attempt.
            _check_done(response)
            return Submitted((f"{submission.content.type}:{submission.reference}",), receipts_follow=False)
        try:
            return Submitted((wire.Sent.model_validate_json(response.body).message_id,))
        except ValidationError as error:
            raise unreadable(response) from error

    def verify(self, request: CallbackRequest) -> None:
        verify_meta(
            request,
            app_secrets=revealed(self._account.callback.app_secret),
            verify_token=self._account.callback.verify_token.get_secret_value(),
        )

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        if request.method == "GET":
            return ()
        return inbound.split(request.body, self._account.parameters.page_id)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return reply_to_meta(request)

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None  # the URLs in an MO are public for some days

    async def check(self, out: Transports) -> str | None:
        response = await self._call("GET", "me?fields=id,name", out)
        try:
            page = wire.Page.model_validate_json(response.body)
        except ValidationError as error:
            raise unreadable(response) from error
        if page.id != self._account.parameters.page_id:
            text = "the access token is another page's than parameters.page_id"
            raise ProviderError(FailureKind.AUTH, reason="sender_invalid", text=text)
        return f"page {page.name or page.id}"

    async def _call(
        self, method: str, path: str, out: Transports, body: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self._account
        headers = {"authorization": f"Bearer {account.credentials.access_token.get_secret_value()}"}
        request = HttpRequest(
            method=method,
            url=f"{account.base_url}/{account.parameters.api_version}/{path}",
            headers=headers if body is None else {**headers, "content-type": "application/json"},
            body=b"" if body is None else write_request(body),
        )
        response = await out.http.request(request, timeout_seconds=account.timeout_seconds)
        if error := graph_failure(response, known_failure, subcodes=True):
            raise error
        return response


def _check_done(response: HttpResponse) -> None:
    answer = response.json()
    if not isinstance(answer, dict) or not answer.keys() & {"recipient_id", "success"}:
        raise unreadable(response)
