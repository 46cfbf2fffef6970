"""Any provider that takes messages over HTTP, by configuration alone: Smartico's custom IM, and its like.

Out: text, and media by URL where the template has {{media_url}}. Method, path, headers and body (JSON or
form) are templates; the answer is read by HTTP status and JSON pointers.
In, where configured: receipts, text messages and media by URL, in JSON (one or many in a request), a form
or a query, read by JSON pointers.
Not here: buttons and other contents (they are written out), bodies in XML, callbacks without proof.

What the account can do follows from its configuration: receipts where `callback.dr` is, messages where
`callback.mo` is, idempotent sends where it says so.

Source of the usual form (config/accounts/sms-shop.yaml): Smartico's description of custom IM providers, 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway.errors import CallbackRefused, MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.port import HttpRequest, Transports
from handlers.contract import Capabilities, ContentKind, InboundMessage, Submission, Submitted
from handlers.providers.custom_http import inbound, outbound
from handlers.providers.custom_http.callback_settings import CustomCallback
from handlers.providers.custom_http.settings import CustomAccount
from handlers.shared.splitting import Limit

_MEDIA: tuple[ContentKind, ...] = ("image", "video", "audio", "document", "sticker")


class CustomHttp:
    """Sends through one account of a generic provider, and reads what comes back for it."""

    provider: ClassVar[str] = "custom_http"
    channel: ClassVar[str] = "custom"
    # The most that configuration can make of it; each account has its own.
    capabilities: Capabilities = Capabilities(
        content=dict.fromkeys(("text", *_MEDIA)), receipts=True, read_receipts=True, idempotent=True
    )
    Account: ClassVar[type[ProviderAccount]] = CustomAccount

    def __init__(self, account: CustomAccount) -> None:
        self._account = account
        self.capabilities = _capabilities(account)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        account, kind = self._account, submission.content.type
        if kind not in self.capabilities.content:
            raise MessageRefused("unsupported_content", f"this account has no template for {kind}")
        request = outbound.request_for(account, submission)
        response = await out.http.request(request, timeout_seconds=account.timeout_seconds)
        return outbound.read_answer(account.parameters, submission.key, response)

    def verify(self, request: CallbackRequest) -> None:
        inbound.verify(self._callback(), request)

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(self._callback(), request)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply(body=self._callback().answer.encode())

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        if item.kind != "mo":
            return ()
        fields = self._account.callback.mo if self._account.callback else None
        if fields is None:
            raise ValueError("the account has no callback.mo any more")
        return (inbound.read_message(fields, self._account.channel, item.body),)

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        if item.kind != "dr":
            return ()
        fields = self._account.callback.dr if self._account.callback else None
        if fields is None:
            raise ValueError("the account has no callback.dr any more")
        return (inbound.read_receipt(fields, self._account.parameters.failure, item.body),)

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None

    async def check(self, out: Transports) -> str | None:
        return None  # nothing is known of the provider but how to send through it

    def _callback(self) -> CustomCallback:
        if self._account.callback is None:
            raise CallbackRefused("this account takes no callbacks: it has no callback section")
        return self._account.callback


def _capabilities(account: CustomAccount) -> Capabilities:
    parameters, callback = account.parameters, account.callback
    kinds: tuple[ContentKind, ...] = ("text",)
    if "media_url" in parameters.request.placeholders():
        kinds += _MEDIA
    receipts = callback.dr if callback else None
    most = parameters.max_characters
    longest = Limit(most, parameters.counted_in) if most else None
    return Capabilities(
        content=dict.fromkeys(kinds, longest),
        receipts=receipts is not None,
        read_receipts=receipts is not None and "read" in receipts.statuses.values(),
        idempotent=parameters.idempotent,
        inbound=callback is not None and callback.mo is not None,
    )
