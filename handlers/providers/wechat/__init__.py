"""WeChat, through the API of official accounts (service accounts; November 2026).

Out: customer-service messages (text, image, voice, video, reply buttons as a menu, one URL button as an
article) for 48 hours after the person did something, template messages at any time, typing, raw bodies of
both calls. Media go by WeChat's id, or by a URL: then they are fetched and uploaded, once for each attempt.
In: text, choices from a menu that we sent, image, voice (with what it says, where recognition is on), video,
location, pressed menu keys, follows and unfollows, scanned codes, reported positions; links and the like as
`unsupported`. Other events are kept as events. Official accounts get XML; JSON, which mini programs may
choose, is read as well.
Receipts: only for template messages, `delivered` or `failed`; customer-service messages have neither receipts
nor an id, so ours stands for it.
Not here: mass sending, subscription messages, captions (they go as a message of their own), quoting.

Template messages have a key against duplicates for ten minutes, customer-service messages have none. After
one message of a person five may be sent, after a follow, a scan or a pressed menu key three, within a minute.

In plain mode the signature covers no body: whoever has seen one request can make others. Secure mode
(`callback.encoding_aes_key`) is better in every way. The address that we call from must be on the account's
list of allowed addresses.

Source: the official accounts' documentation, read in November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, HttpUrl, SecretStr, StringConstraints, ValidationError

from gateway.errors import CallbackRefused
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import MediaContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import NO_TEXT, Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.wechat import inbound, wire
from handlers.providers.wechat.api import JSON, Api, Call
from handlers.providers.wechat.outbound import TEMPLATE, call_of, check
from handlers.providers.wechat.pushes import decrypted, encrypted_part, read_push, signed
from handlers.providers.wechat.upload import MEDIA, uploaded
from handlers.shared.json_bodies import write_request
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.splitting import Limit


def _aes_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not all(re.fullmatch(r"[A-Za-z0-9+/]{43}", key) for key in revealed(keys)):
        raise ValueError("43 characters of A-Z, a-z, 0-9, + and /")
    return keys


class WeChatCredentials(Settings):
    """What the gateway proves itself with."""

    app_secret: Secret
    """The account's AppSecret."""


class WeChatCallback(Settings):
    """What WeChat proves what it pushes with."""

    token: Secrets
    """A word of your choice, entered at WeChat beside the URL. A list while it is being changed."""
    encoding_aes_key: Annotated[Secrets, AfterValidator(_aes_keys)] = ()
    """The EncodingAESKey of secure mode: with it, only encrypted messages are taken. A list while it is being
    changed."""


class WeChatTemplate(Settings):
    """A template that WeChat has approved for the account."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    """WeChat's id of it."""
    fields: tuple[Annotated[str, StringConstraints(min_length=1, max_length=64)], ...] = ()
    """What its placeholders are called, in the order of a message's parameters: thing1, time2 …"""


class WeChatParameters(Settings):
    """Which account it is, and its templates."""

    app_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """The account's AppID."""
    templates: dict[str, WeChatTemplate] = {}
    """Its templates, by the names that messages use."""


class WeChatAccount(ProviderAccount):
    """One service account."""

    provider: Literal["wechat"] = "wechat"
    channel: Name = "wechat"
    """The channel that it counts as in routing."""
    url: HttpUrl = HttpUrl("https://api.weixin.qq.com")
    """Where the API is: hk.api.weixin.qq.com and others are nearer in other parts of the world."""
    credentials: WeChatCredentials
    """What the gateway proves itself with."""
    callback: WeChatCallback
    """What WeChat proves what it pushes with."""
    parameters: WeChatParameters
    """Which account it is, and its templates."""


class WeChat:
    """Sends as one service account, and reads what people do with it."""

    provider: ClassVar[str] = "wechat"
    channel: ClassVar[str] = "wechat"
    capabilities: ClassVar[Capabilities] = Capabilities(
        content={
            "text": Limit(2_048, "bytes"),
            "image": NO_TEXT,
            "audio": NO_TEXT,
            "video": NO_TEXT,
            "template": None,
            "typing": None,
            "raw": None,
        },
        receipts=True,
        buttons={"reply": 10, "url": 1},
        button_title=Limit(128, "bytes"),
        text_with_buttons=Limit(1_024, "bytes"),
        media=MEDIA,
        session_window_seconds=172_800,
        fetches_media=True,
    )
    Account: ClassVar[type[ProviderAccount]] = WeChatAccount

    def __init__(self, account: WeChatAccount) -> None:
        self._account = account
        self._api = Api(
            account=account.account,
            url=account.base_url or "",
            app_id=account.parameters.app_id,
            app_secret=account.credentials.app_secret,
            timeout_seconds=account.timeout_seconds,
        )

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        check(submission)
        content, media_id = submission.content, None
        if isinstance(content, MediaContent) and content.url is not None:
            media_id = await uploaded(content, content.url, self._api, out)
        path, said = call_of(submission, self._account.parameters.templates, media_id)
        response = await self._api.call(Call(path, write_request(said), JSON), out)
        return _read_answer(submission, response, template=path == TEMPLATE)

    def verify(self, request: CallbackRequest) -> None:
        callback = self._account.callback
        tokens = revealed(callback.token)
        if request.method == "GET" or not callback.encoding_aes_key:
            proved = signed(request.query, "signature", tokens)
        else:
            proved = signed(request.query, "msg_signature", tokens, _encrypted(request))
        if not proved:
            raise CallbackRefused("the signature in the query is missing or wrong")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        if request.method == "GET":
            return ()
        body, keys = request.body, revealed(self._account.callback.encoding_aes_key)
        if keys:
            body = decrypted(encrypted_part(body), keys, self._account.parameters.app_id)
        return inbound.split(read_push(body))

    def reply(self, request: CallbackRequest) -> CallbackReply:
        if request.method == "GET":
            return CallbackReply(body=request.query.get("echostr", "").encode(errors="replace"))
        return CallbackReply(body=b"success")

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        bare = media_id.removeprefix(wire.VIDEO_MARK)
        place = Call("/cgi-bin/media/get", query=f"&media_id={quote(bare, safe='')}", method="GET")
        if bare == media_id:
            return self._api.request(place, await self._api.token(out))
        response = await self._api.call(place, out)
        try:
            return HttpRequest("GET", wire.VideoPlace.model_validate_json(response.body).video_url)
        except ValidationError as error:
            raise unreadable(response) from error

    async def check(self, out: Transports) -> str | None:
        await self._api.call(Call("/cgi-bin/get_api_domain_ip", method="GET"), out)
        return f"app {self._account.parameters.app_id}"


def _encrypted(request: CallbackRequest) -> str:
    try:
        return encrypted_part(request.body)
    except CallbackRefused as refusal:
        raise CallbackRefused(str(refusal)) from refusal  # not proved, so 403 instead of 400


def _read_answer(submission: Submission, response: HttpResponse, *, template: bool) -> Submitted:
    try:
        if template:
            return Submitted((str(wire.TemplateTaken.model_validate_json(response.body).msgid),))
        wire.Done.model_validate_json(response.body)
    except ValidationError as error:
        raise unreadable(response) from error
    return Submitted((submission.key,), receipts_follow=False)
