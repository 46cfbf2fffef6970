"""SMS, MMS, WhatsApp, Viber and Messenger, through Vonage: the Messages API (v1), or the older SMS API, as
the account says.

Out, Messages API: text; media by URL (MMS, WhatsApp, Messenger; pictures and documents on Viber); one URL
button on Viber; on WhatsApp reply buttons, lists, locations, stickers, reactions, quoting and templates
(header, body and URL parameters). SMS API: text. Both: raw bodies. `ttl` follows `expires_at`, except on
WhatsApp and Messenger, which have none.
In: text, media, locations, reactions, pressed buttons and choices from lists (which look the same), answers.
Other kinds, and binary SMS, as `unsupported`. A long SMS may come in parts, each a message of its own.
Receipts: submitted, delivered, read (WhatsApp, Viber, Messenger), failed, expired; by our reference, too,
which travels as `client_ref` where it fits.
Not here: RCS, video on Viber, contacts, read marks, typing, Vonage's own failover.

There is no idempotency key: a message sent again after an unknown outcome may arrive twice. The SMS API gives
an id for each part of a long text. Its webhooks, by GET or POST, must be signed, which is asked for at
Vonage; those of the Messages API always are.

Source: Vonage's reference of both APIs, its lists of errors, its guides to signing and to webhooks, and its
Python library, November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from gateway.errors import MessageRefused, ProviderError
from gateway.model.account import ProviderAccount
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import ReactionContent
from gateway.model.receipt import DeliveryReceipt
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Transports
from handlers.contract import Capabilities, InboundMessage, Submission, Submitted
from handlers.providers.vonage import inbound, sms
from handlers.providers.vonage.capabilities import EVERYTHING, capabilities_of
from handlers.providers.vonage.codes import MESSAGE_FAILURES
from handlers.providers.vonage.credentials import authorization, credentials_form
from handlers.providers.vonage.outbound import body_of
from handlers.providers.vonage.settings import VonageAccount, VonageKey
from handlers.shared.forms import FORM, write_form
from handlers.shared.json_bodies import write_request
from handlers.shared.numbers import without_numbers
from handlers.shared.secret import revealed

_URLS = {"sms": "https://rest.nexmo.com", "messages": "https://api.nexmo.com"}
_MEDIA_HOSTS = (".nexmo.com", ".vonage.com")


class _Taken(Wire):
    message_uuid: str = Field(min_length=1)


class _Balance(Wire):
    value: float


class Vonage:
    """Sends through one Vonage account, and reads what comes back for it."""

    provider: ClassVar[str] = "vonage"
    channel: ClassVar[str] = "sms"
    capabilities: Capabilities = EVERYTHING  # the most that an account can have; each has its own
    Account: ClassVar[type[ProviderAccount]] = VonageAccount

    def __init__(self, account: VonageAccount) -> None:
        self._account = account
        self._by_sms_api = account.parameters.api == "sms"
        self.capabilities = capabilities_of(account)

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        kind = submission.content.type
        if kind not in self.capabilities.content:
            raise MessageRefused("unsupported_content", f"this account does not send {kind}")
        request = self._sms(submission) if self._by_sms_api else self._message(submission)
        response = await out.http.request(request, timeout_seconds=self._account.timeout_seconds)
        if self._by_sms_api:
            return sms.read_answer(response)
        return _read_answer(submission, response)

    def verify(self, request: CallbackRequest) -> None:
        callback = self._account.callback
        secrets = revealed(callback.signature_secret)
        if self._by_sms_api:
            sms.verify(request, secrets, callback.algorithm)
        else:
            inbound.verify(request, secrets)

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return sms.split(request) if self._by_sms_api else inbound.split(request.body)

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply()

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        if item.kind != "mo":
            return ()
        return sms.read_messages(item.body) if self._by_sms_api else inbound.read_messages(item.body)

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        if item.kind != "dr":
            return ()
        return sms.read_receipts(item.body) if self._by_sms_api else inbound.read_receipts(item.body)

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        # A message can bring any URL: the credentials go to Vonage's own ones only.
        try:
            url = urlsplit(media_id)
        except ValueError:
            return None
        if url.scheme != "https" or not (url.hostname or "").endswith(_MEDIA_HOSTS):
            return None
        return HttpRequest("GET", media_id, self._authorization)

    async def check(self, out: Transports) -> str | None:
        if not isinstance(self._account.credentials, VonageKey):
            return None  # an application can do nothing that costs nothing
        url = f"{self._account.base_url or _URLS['sms']}/account/get-balance"
        request = HttpRequest("GET", url, self._authorization)
        response = await out.http.request(request, timeout_seconds=self._account.timeout_seconds)
        if not 200 <= response.status < 300:
            raise _failure(response)
        try:
            return f"balance {_Balance.model_validate_json(response.body).value:.2f}"
        except ValidationError as error:
            raise unreadable(response) from error

    def _sms(self, submission: Submission) -> HttpRequest:
        form, status_callback = sms.message_form(submission), self._account.parameters.status_callback
        form |= credentials_form(self._account.credentials)
        if status_callback is not None:
            form["callback"] = str(status_callback)
        return HttpRequest("POST", f"{self._url}/sms/json", FORM, write_form(form))

    def _message(self, submission: Submission) -> HttpRequest:
        account, parameters = self._account, self._account.parameters
        body = body_of(submission, account.channel, parameters.viber_category)
        if parameters.status_callback is not None:
            body |= {"webhook_url": str(parameters.status_callback), "webhook_version": "v1"}
        headers = {**self._authorization, "content-type": "application/json"}
        return HttpRequest("POST", f"{self._url}/v1/messages", headers, write_request(body))

    @property
    def _url(self) -> str:
        return self._account.base_url or _URLS[self._account.parameters.api]

    @property
    def _authorization(self) -> dict[str, str]:
        return {"authorization": authorization(self._account.credentials)}


def _read_answer(submission: Submission, response: HttpResponse) -> Submitted:
    if not 200 <= response.status < 300:
        raise _failure(response)
    try:
        taken = _Taken.model_validate_json(response.body)
    except ValidationError as error:
        raise unreadable(response) from error
    return Submitted(
        (taken.message_uuid,), receipts_follow=not isinstance(submission.content, ReactionContent)
    )


def _failure(response: HttpResponse) -> ProviderError:
    try:
        problem = inbound.Problem.model_validate_json(response.body)
    except ValidationError:
        problem = inbound.Problem()
    code, text = problem.code or None, without_numbers(problem.detail or None)
    known = MESSAGE_FAILURES.get(code or "")
    if known is None:
        return http_failure(response, code=code, text=text)
    kind, reason = known
    return ProviderError(kind, reason=reason, code=code, text=text, retry_after_seconds=retry_after(response))
