"""Slack, through the Web API, the Events API and interactivity (November 2026).

Out: text, images by URL or file id, reply and URL buttons under both, lists as a menu, answers in threads,
reactions, raw arguments of chat.postMessage. To a channel (`chat_id`) or to a person (`user_id`).
In: text, files, edits (`edited`), deletions (`deleted`), reactions, threads, pressed buttons and chosen rows.
What bots write, ours among them, is kept as events; so are slash commands and all other events.
Not here: uploading files (other media go as a link), user names (Slack tells ids only), Socket Mode, token
rotation, taking back a reaction.

Slack sends no receipts: `submitted` is the last that is heard of a message. It has no idempotency key. About
one message a second to a channel is allowed: set `max_tps`.

The app's Event Subscriptions and Interactivity both have this account's callback URL. Scopes: chat:write,
files:read, reactions:write, and the history and reactions scopes of the events that are subscribed to.

Source: Slack's reference of these APIs, read in November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Literal, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import HttpUrl, ValidationError

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.account import NoSettings, ProviderAccount, Settings
from gateway.model.base import Name, Wire, now
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import Capabilities, InboundMessage, ListLimits, Submission, Submitted
from handlers.providers.slack import inbound, wire
from handlers.providers.slack.codes import DONE_BEFORE, FAILURES
from handlers.providers.slack.outbound import call_of
from handlers.shared.json_bodies import write_request
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.signatures import signed
from handlers.shared.splitting import Limit

_SIGNATURE, _TIMESTAMP = "x-slack-signature", "x-slack-request-timestamp"
_SECONDS = re.compile(r"[0-9]{1,12}")
_TOLERANCE_SECONDS = 300
_POST = "chat.postMessage"

_Answer = TypeVar("_Answer", bound=Wire)


class SlackCredentials(Settings):
    """What the gateway proves itself with."""

    bot_token: Secret
    """The app's bot token in this workspace: xoxb-…"""


class SlackCallback(Settings):
    """What Slack proves its callbacks with."""

    signing_secret: Secrets
    """The app's signing secret. A list while it is being changed."""


class SlackAccount(ProviderAccount):
    """One Slack app in one workspace."""

    provider: Literal["slack"] = "slack"
    channel: Name = "slack"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://slack.com/api")
    """Where the Web API is: slack-gov.com/api for GovSlack."""
    credentials: SlackCredentials
    """What the gateway proves itself with."""
    callback: SlackCallback
    """What Slack proves its callbacks with."""
    parameters: NoSettings = NoSettings()
    """None."""


class Slack:
    """Sends as one app's bot, and reads what people write to it. `clock` tells the time that a callback's
    own is compared with."""

    provider: ClassVar[str] = "slack"
    channel: ClassVar[str] = "slack"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(4_000),
            "image": Limit(3_000),
            "list": Limit(3_000),
            "reaction": None,
            "raw": None,
        },
        receipts=False,
        buttons={"reply": 25, "url": 25},
        mixed_buttons=True,
        buttons_under=frozenset({"text", "image"}),
        button_title=Limit(75),
        text_with_buttons=Limit(3_000),
        lists=ListLimits(rows=100, title=Limit(75), description=Limit(75), button=Limit(150)),
        replies=True,
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = SlackAccount

    def __init__(self, account: SlackAccount, clock: Callable[[], datetime] = now) -> None:
        self._account = account
        self._clock = clock

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        method, arguments = call_of(submission)
        response = await self._call(method, arguments, out)
        if method != _POST:
            return _read_done(submission, response)
        posted = _read(wire.Posted, response)
        return Submitted((f"{posted.channel}:{posted.ts}",))

    def verify(self, request: CallbackRequest) -> None:
        stamp = request.headers.get(_TIMESTAMP, "")
        if not _SECONDS.fullmatch(stamp):
            raise CallbackRefused(f"the {_TIMESTAMP} header is missing or not a time")
        scheme, _, signature = request.headers.get(_SIGNATURE, "").partition("=")
        proved = b":".join((b"v0", stamp.encode(), request.body))
        if scheme != "v0" or not signed(signature, revealed(self._account.callback.signing_secret), proved):
            raise CallbackRefused(f"the {_SIGNATURE} header is missing or wrong")
        if abs(self._clock().timestamp() - int(stamp)) > _TOLERANCE_SECONDS:
            raise CallbackRefused("the request was signed too long ago, or our clock is wrong")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request) if request.method == "POST" else ()

    def reply(self, request: CallbackRequest) -> CallbackReply:
        challenge = inbound.challenge(request.body)
        return CallbackReply(body=challenge.encode(errors="replace")) if challenge else CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        response = await self._get(f"files.info?file={quote(media_id, safe='')}", out)
        file = _read(wire.FileInfo, response).file
        url = file.url_private_download or file.url_private
        # A file that Slack only links to is somebody else's, who must not get our token.
        return HttpRequest("GET", url, self._authorization if self._is_slacks(url) else {})

    async def check(self, out: Transports) -> str | None:
        who = _read(wire.Who, await self._call("auth.test", {}, out))
        return f"{who.user} in {who.team}"

    def _is_slacks(self, url: str) -> bool:
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return False
        return host == self._account.url.host or host.endswith((".slack.com", ".slack-gov.com"))

    async def _call(self, method: str, arguments: wire.Json, out: Transports) -> HttpResponse:
        request = HttpRequest(
            method="POST",
            url=f"{self._account.base_url}/{method}",
            headers={**self._authorization, "content-type": "application/json; charset=utf-8"},
            body=write_request(arguments),
        )
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)

    async def _get(self, what: str, out: Transports) -> HttpResponse:
        request = HttpRequest("GET", f"{self._account.base_url}/{what}", self._authorization)
        return await out.http.request(request, timeout_seconds=self._account.timeout_seconds)

    @property
    def _authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._account.credentials.bot_token.get_secret_value()}"}


def _read(model: type[_Answer], response: HttpResponse) -> _Answer:
    """The answer to a call that succeeded. Raises ProviderError for any other."""
    if refused := _refused(response):
        raise _failure(refused, response)
    if not 200 <= response.status < 300:
        raise http_failure(response)
    try:
        return model.model_validate_json(response.body)
    except ValidationError as error:
        raise unreadable(response) from error


def _read_done(submission: Submission, response: HttpResponse) -> Submitted:
    """A reaction gets no id of Slack's; ours is unique, and the same for every attempt."""
    refused = _refused(response)
    if refused is None or refused.error != DONE_BEFORE:
        _read(wire.Done, response)
    return Submitted((submission.key,))


def _refused(response: HttpResponse) -> wire.Refused | None:
    try:
        return wire.Refused.model_validate_json(response.body)
    except ValidationError:
        return None


def _failure(refused: wire.Refused, response: HttpResponse) -> ProviderError:
    code, known = refused.error, FAILURES.get(refused.error)
    if known is None and not 200 <= response.status < 300:
        return http_failure(response, code=code)
    kind, reason = known or (FailureKind.PERMANENT, "provider_error")
    return ProviderError(kind, reason=reason, code=code, retry_after_seconds=retry_after(response))
