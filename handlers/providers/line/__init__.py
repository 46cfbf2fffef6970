"""LINE, through the Messaging API (v2), called with JSON.

Out: text, images, videos and audio by https URL, stickers, location, buttons, lists (a text and a carousel),
typing to a single person, raw bodies of a push (flex, imagemap …). Buttons go as a confirm or buttons
template where they fit one, else as quick replies.
In: text, media, stickers, locations, pressed buttons (chosen rows of a list among them), unsent messages,
following and blocking, being taken into and out of groups. Events of a channel in standby, and other kinds of
event (beacons, account links, members of groups …), are kept as events. In groups and rooms the chat is the
sender.
Receipts: none, `submitted` is the last that is heard of a message. LINE has receipts only for notification
messages to phone numbers (PNP), which are not supported.
Not here: replies with a reply token (it lasts about a minute), quoting (LINE wants a token of the quoted
message, not its id), read marks (the same), documents, multicast and broadcast.

Every push carries a retry key made of our message id, under which LINE sends once within 24 hours. A person
must have added the account as a friend; whoever blocked it gets nothing, and LINE says nothing of that.
2,000 requests a second are allowed; every push counts against the plan's messages of the month.

Source: the Messaging API reference and LINE's OpenAPI files, November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote
from uuid import UUID, uuid5

from pydantic import Field, HttpUrl, StringConstraints, ValidationError

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import TypingContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import (
    NO_TEXT,
    Capabilities,
    InboundMessage,
    ListLimits,
    MediaRule,
    Submission,
    Submitted,
)
from handlers.providers.line import inbound, wire
from handlers.providers.line.codes import known_failure
from handlers.providers.line.outbound import (
    LIST_ROWS,
    MOST_QUICK_REPLIES,
    ROW_DESCRIPTION,
    ROW_TITLE,
    loading_of,
    push_of,
)
from handlers.shared.json_bodies import write_request
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.signatures import signed
from handlers.shared.splitting import Limit

_SIGNATURE = "x-line-signature"
_ACCEPTED = "x-line-accepted-request-id"
_RETRY_KEYS = UUID("6f0f7b5e-2f0c-4c56-9d4e-7f1f6b1c8a55")  # the name space of our retry keys: never changes

HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=2_000)]


class LineCredentials(Settings):
    """What the gateway proves itself with."""

    channel_access_token: Secret
    """The channel's long-lived access token, from the LINE Developers console."""


class LineCallback(Settings):
    """What LINE proves its callbacks with."""

    channel_secret: Secrets
    """The channel's secret: signs every delivery. A list while it is being changed."""


class LineParameters(Settings):
    """What LINE asks for beyond a message's own words, and where it keeps media."""

    content_url: HttpUrl = HttpUrl("https://api-data.line.me")
    """Where media that people send are fetched: another place only for tests."""
    video_preview_url: HttpsUrl | None = None
    """A JPEG or PNG image that is shown before a video is played. Without it the video's own URL is named,
    and phones show an empty frame."""
    audio_seconds: Annotated[int, Field(ge=1, le=3_600)] = 60
    """How long audio is said to be in the chat, since a message does not tell it."""


class LineAccount(ProviderAccount):
    """One channel of the Messaging API, which is one LINE Official Account."""

    provider: Literal["line"] = "line"
    channel: Name = "line"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://api.line.me")
    """Where the Messaging API is: another place only for tests."""
    credentials: LineCredentials
    """What the gateway proves itself with."""
    callback: LineCallback
    """What LINE proves its callbacks with."""
    parameters: LineParameters = LineParameters()
    """What LINE asks for beyond a message's own words."""


class Line:
    """Sends as one LINE Official Account, and reads what people write to it."""

    provider: ClassVar[str] = "line"
    channel: ClassVar[str] = "line"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(5_000, "utf16"),
            "image": NO_TEXT,
            "video": NO_TEXT,
            "audio": NO_TEXT,
            "sticker": NO_TEXT,
            "location": None,
            "list": Limit(5_000, "utf16"),
            "typing": None,
            "raw": None,
        },
        receipts=False,
        buttons=dict.fromkeys(("reply", "url", "call", "location"), MOST_QUICK_REPLIES),
        mixed_buttons=True,
        buttons_under=frozenset({"text", "image", "video", "audio", "sticker"}),
        button_title=Limit(20, "utf16"),
        lists=ListLimits(LIST_ROWS, title=ROW_TITLE, description=ROW_DESCRIPTION, button=Limit(20, "utf16")),
        media={
            "image": MediaRule(frozenset({"image/jpeg", "image/png"}), 10_000_000),
            "video": MediaRule(frozenset({"video/mp4"}), 200_000_000),
            "audio": MediaRule(
                frozenset({"audio/mp4", "audio/m4a", "audio/x-m4a", "audio/mpeg"}), 200_000_000
            ),
        },
        idempotent=True,
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = LineAccount

    def __init__(self, account: LineAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        if isinstance(submission.content, TypingContent):
            return await self._show_typing(submission, out)
        parameters = self._account.parameters
        body = push_of(
            submission.to,
            submission.content,
            audio_seconds=parameters.audio_seconds,
            video_preview_url=parameters.video_preview_url,
        )
        retry_key = {"x-line-retry-key": str(uuid5(_RETRY_KEYS, submission.key))}
        return _read_answer(await self._post("message/push", body, out, retry_key))

    async def _show_typing(self, submission: Submission, out: Transports) -> Submitted:
        # Without a retry key: LINE refuses it for what is no message.
        response = await self._post("chat/loading/start", loading_of(submission.to), out, {})
        if not 200 <= response.status < 300:
            raise _failure(response)
        return Submitted((f"typing:{submission.key}",))

    def verify(self, request: CallbackRequest) -> None:
        given, secrets = request.headers.get(_SIGNATURE, ""), revealed(self._account.callback.channel_secret)
        if not signed(given, secrets, request.body, encoding="base64"):
            raise CallbackRefused(f"the {_SIGNATURE} header is missing or wrong")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request.body)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        if ":" in media_id:  # a sticker's
            raise ProviderError(
                FailureKind.PERMANENT,
                reason="media_unreachable",
                text="LINE hands out no picture of a sticker",
            )
        base = str(self._account.parameters.content_url).rstrip("/")
        # LINE answers 202 for as long as it still prepares a long video, and 410 when it was deleted.
        url = f"{base}/v2/bot/message/{quote(media_id, safe='')}/content"
        return HttpRequest("GET", url, self._authorization, most_bytes=200_000_000)

    async def check(self, out: Transports) -> str | None:
        request = HttpRequest("GET", f"{self._account.base_url}/v2/bot/info", self._authorization)
        response = await out.http.request(request, timeout_seconds=self._account.timeout_seconds)
        if not 200 <= response.status < 300:
            raise _failure(response)
        try:
            bot = wire.BotInfo.model_validate_json(response.body)
        except ValidationError as error:
            raise unreadable(response) from error
        return f"{bot.display_name} ({bot.basic_id})"

    @property
    def _authorization(self) -> dict[str, str]:
        token = self._account.credentials.channel_access_token.get_secret_value()
        return {"authorization": f"Bearer {token}"}

    async def _post(
        self, what: str, body: dict[str, Any], out: Transports, headers: dict[str, str]
    ) -> HttpResponse:
        request = HttpRequest(
            method="POST",
            url=f"{self._account.base_url}/v2/bot/{what}",
            headers={**self._authorization, "content-type": "application/json", **headers},
            body=write_request(body),
        )
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)


def _read_answer(response: HttpResponse) -> Submitted:
    """The ids of what was sent. 409 with the first request's id says that an earlier attempt was taken: its
    message ids come along, and where they do not, the request's stands for them."""
    accepted = response.headers.get(_ACCEPTED) if response.status == 409 else None
    if not accepted and not 200 <= response.status < 300:
        raise _failure(response)
    try:
        return Submitted(wire.Sent.model_validate_json(response.body).ids)
    except ValidationError as error:
        if accepted:
            return Submitted((accepted,))
        raise unreadable(response) from error


def _failure(response: HttpResponse) -> ProviderError:
    try:
        text = wire.Refused.model_validate_json(response.body).text
    except ValidationError:
        return http_failure(response)
    known = known_failure(response.status, text)
    if known is None:
        return http_failure(response, text=text)
    kind, reason = known
    return ProviderError(
        kind,
        reason=reason,
        code=f"http_{response.status}",
        text=text,
        retry_after_seconds=retry_after(response),
    )
