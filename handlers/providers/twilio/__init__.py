"""SMS, MMS and WhatsApp, through Twilio's Programmable Messaging (REST API 2010-04-01).

Out: text, templates of the Content API (by their HX… SID, or by a name of `parameters.templates`), raw forms;
by MMS, and on WhatsApp, media by URL; on WhatsApp, locations. `ValidityPeriod` follows `expires_at`.
In, to numbers: text, media (also several in one message), WhatsApp's locations, pressed buttons, choices
from lists, answers; STOP and START as events where Twilio's opt-out management tells them (OptOutType). Other
kinds as `unsupported`; webhooks in JSON are kept as events.
Receipts: sent, delivered, read (WhatsApp), failed, expired; they come to `parameters.status_callback`, or to
where the messaging service says.
Not here: scheduling, RCS and Messenger senders, buttons and lists outside of templates, typing, read marks.

There is no idempotency key: a message sent again after an unknown outcome may arrive twice. Webhooks that
come again are known by their MessageSid; I-Twilio-Idempotency-Token adds nothing to it. Media in an MO are
fetched with our credentials. Twilio signs every webhook with the account's primary auth token, over the URL
that it was given: behind a proxy, the gateway must know under which URL it is seen from outside.

Source: Twilio's reference of the Messages resource, webhooks and their security, error codes, and guidance
on WhatsApp media, November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, HttpUrl, StringConstraints, ValidationError, model_validator

from gateway.errors import MessageRefused, ProviderError
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import NO_TEXT, Capabilities, ContentKind, InboundMessage, Submission, Submitted
from handlers.providers.twilio import inbound
from handlers.providers.twilio.codes import FAILURES
from handlers.providers.twilio.outbound import message_form
from handlers.shared.basic import basic
from handlers.shared.forms import FORM, write_form
from handlers.shared.numbers import without_numbers
from handlers.shared.secret import Secret, Secrets, revealed
from handlers.shared.splitting import Limit

ContentSid = Annotated[str, StringConstraints(pattern=r"^HX[0-9a-fA-F]{32}$")]

_BODY = Limit(1_600)
_CAPTION = Limit(1_024)
_EVERYWHERE: dict[ContentKind, Limit | None] = {"text": _BODY, "template": None, "raw": None}
_MMS: dict[ContentKind, Limit | None] = dict.fromkeys(("image", "video", "audio", "document"), _BODY)
_WHATSAPP: dict[ContentKind, Limit | None] = {
    "image": _CAPTION,
    "video": _CAPTION,
    "audio": NO_TEXT,
    "document": NO_TEXT,
    "location": None,
}


class TwilioCredentials(Settings):
    """What the gateway proves itself with."""

    account_sid: Annotated[str, StringConstraints(pattern=r"^AC[0-9a-fA-F]{32}$")]
    """Which Twilio account sends."""
    api_key_sid: Annotated[str, StringConstraints(pattern=r"^SK[0-9a-fA-F]{32}$")] | None = None
    """The API key whose secret is given; without it, the secret is the account's auth token."""
    secret: Secret
    """The API key's secret, or the account's auth token."""


class TwilioCallback(Settings):
    """What Twilio proves its callbacks with."""

    auth_token: Secrets
    """The account's primary auth token: signs every webhook, also where an API key sends. A list while it is
    being changed."""


class TwilioParameters(Settings):
    """What goes along with every message."""

    messaging_service_sid: Annotated[str, StringConstraints(pattern=r"^MG[0-9a-fA-F]{32}$")] | None = None
    """The messaging service that sends; it picks the sender where a message names none."""
    status_callback: HttpUrl | None = None
    """Where Twilio sends receipts: this account's callback URL. Without it, where the messaging service says;
    without that, there are none."""
    mms: bool = False
    """Whether the SMS senders can send media by MMS."""
    templates: dict[str, ContentSid] = {}
    """Names of templates, as "name" or "name/language", and their Content SIDs."""


class TwilioAccount(ProviderAccount):
    """The SMS or the WhatsApp senders of one Twilio account."""

    provider: Literal["twilio"] = "twilio"
    channel: Literal["sms", "whatsapp"] = "sms"
    """sms or whatsapp."""
    url: HttpUrl = HttpUrl("https://api.twilio.com")
    """Where the REST API is: another place for another region."""
    credentials: TwilioCredentials
    """What the gateway proves itself with."""
    callback: TwilioCallback
    """What Twilio proves its callbacks with."""
    parameters: TwilioParameters = TwilioParameters()
    """What goes along with every message."""

    @model_validator(mode="after")
    def _some_sender(self) -> TwilioAccount:
        if not self.senders and self.parameters.messaging_service_sid is None:
            raise ValueError("needs from, parameters.messaging_service_sid, or both")
        return self


class _Taken(Wire):
    sid: str = Field(min_length=1)


class _Refusal(Wire):
    code: int
    message: str = ""


class Twilio:
    """Sends through one Twilio account, and reads what comes back for it."""

    provider: ClassVar[str] = "twilio"
    channel: ClassVar[str] = "sms"
    # The most that an account can have; each has its own.
    capabilities: Capabilities = Capabilities(
        content=_EVERYWHERE | _MMS | _WHATSAPP, receipts=True, read_receipts=True, fetches_media=True
    )
    Account: ClassVar[type[ProviderAccount]] = TwilioAccount

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self.capabilities = _capabilities(account)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        account, parameters = self._account, self._account.parameters
        if submission.content.type not in self.capabilities.content:
            raise MessageRefused(
                "unsupported_content", f"this account does not send {submission.content.type}"
            )
        form = message_form(submission, account.channel, parameters.templates)
        if parameters.messaging_service_sid is not None:
            form["MessagingServiceSid"] = parameters.messaging_service_sid
        if parameters.status_callback is not None:
            form["StatusCallback"] = str(parameters.status_callback)
        request = HttpRequest("POST", self._url, self._authorization | FORM, write_form(form))
        return _read_answer(await out.http.request(request, timeout_seconds=account.timeout_seconds))

    def verify(self, request: CallbackRequest) -> None:
        inbound.verify(request, revealed(self._account.callback.auth_token))

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return inbound.split(request)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply(body=b"<Response/>", content_type="text/xml")  # TwiML: nothing to do

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        return inbound.read_messages(item.body) if item.kind == "mo" else ()

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        return inbound.read_receipts(item.body) if item.kind == "dr" else ()

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        # A message can bring any URL: the credentials go to Twilio's own ones only.
        if not media_id.startswith(f"{self._account.base_url}/"):
            return None
        return HttpRequest("GET", media_id, self._authorization)

    async def check(self, out: Transports) -> str | None:
        # The account itself is out of reach of an API key; its messages are not.
        request = HttpRequest("GET", f"{self._url}?PageSize=1", self._authorization)
        response = await out.http.request(request, timeout_seconds=self._account.timeout_seconds)
        if not 200 <= response.status < 300:
            raise _failure(response)
        return f"account {self._account.credentials.account_sid}"

    @property
    def _url(self) -> str:
        sid = self._account.credentials.account_sid
        return f"{self._account.base_url}/2010-04-01/Accounts/{sid}/Messages.json"

    @property
    def _authorization(self) -> dict[str, str]:
        credentials = self._account.credentials
        user = credentials.api_key_sid or credentials.account_sid
        return {"authorization": basic(user, credentials.secret.get_secret_value())}


def _capabilities(account: TwilioAccount) -> Capabilities:
    parameters, whatsapp = account.parameters, account.channel == "whatsapp"
    media = _WHATSAPP if whatsapp else _MMS if parameters.mms else {}
    receipts = parameters.status_callback is not None or parameters.messaging_service_sid is not None
    return Capabilities(
        content=_EVERYWHERE | media,
        receipts=receipts,
        read_receipts=receipts and whatsapp,
        inbound=parameters.messaging_service_sid is not None or any(map(_is_number, account.senders)),
        session_window_seconds=86_400 if whatsapp else None,
        fetches_media=True,
    )


def _is_number(sender: str) -> bool:
    return sender.removeprefix("+").isdigit()  # else a name, to which nobody can write


def _read_answer(response: HttpResponse) -> Submitted:
    if not 200 <= response.status < 300:
        raise _failure(response)
    try:
        return Submitted((_Taken.model_validate_json(response.body).sid,))
    except ValidationError as error:
        raise unreadable(response) from error


def _failure(response: HttpResponse) -> ProviderError:
    try:
        refusal = _Refusal.model_validate_json(response.body)
    except ValidationError:
        return http_failure(response)
    code, text = str(refusal.code), without_numbers(refusal.message or None)
    known = FAILURES.get(refusal.code)
    if known is None:
        return http_failure(response, code=code, text=text)
    kind, reason = known
    return ProviderError(kind, reason=reason, code=code, text=text, retry_after_seconds=retry_after(response))
