"""What all of Meta's messaging products share: signed callbacks, the subscription challenge, Graph errors and
how they end an attempt.

Graph API v25.0; facts read in November 2026 from Meta's documentation of webhooks, error responses and rate
limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from gateway.errors import CallbackRefused, FailureKind, ProviderError
from gateway.model.account import Settings
from gateway.model.base import Wire
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.transports.classify import http_failure, retry_after
from gateway.transports.port import HttpResponse
from handlers.shared.secret import Secret, Secrets
from handlers.shared.signatures import same, signed

Meaning = tuple[FailureKind, str]

_SIGNATURE = "x-hub-signature-256"
_USAGE = "x-business-use-case-usage"
_NO_WAITS: Mapping[int, float] = MappingProxyType({})


class MetaCallback(Settings):
    """What Meta proves its callbacks with."""

    app_secret: Secrets
    """The app's secret: signs every delivery. A list while it is being changed."""
    verify_token: Secret
    """A word of your choice, entered at Meta beside the callback URL: proves the subscription request."""


def verify_meta(request: CallbackRequest, *, app_secrets: Sequence[str], verify_token: str) -> None:
    """Raises CallbackRefused unless it is a delivery signed with one of the app secrets, or a subscription
    request that knows our verify token."""
    if request.method == "GET":
        token = request.query.get("hub.verify_token", "")
        if request.query.get("hub.mode") != "subscribe" or not same(token, verify_token):
            raise CallbackRefused("not a subscription request with this account's verify token")
        return
    scheme, _, signature = request.headers.get(_SIGNATURE, "").partition("=")
    if scheme != "sha256" or not signed(signature, app_secrets, request.body):
        raise CallbackRefused(f"the {_SIGNATURE} header is missing or wrong")


def reply_to_meta(request: CallbackRequest) -> CallbackReply:
    """The challenge back for a subscription request, else an empty 200."""
    if request.method != "GET":
        return CallbackReply()
    return CallbackReply(body=request.query.get("hub.challenge", "").encode(errors="replace"))


class GraphError(Wire):
    """An error of the Graph API: the `error` of an answer, or one of the `errors` in a status."""

    code: int
    error_subcode: int | None = None
    title: str | None = None
    message: str | None = None
    error_data: Any = None
    is_transient: bool | None = None

    @property
    def text(self) -> str | None:
        """The most telling of Meta's own words."""
        details = self.error_data.get("details") if isinstance(self.error_data, dict) else None
        return details if isinstance(details, str) and details else self.message or self.title

    @property
    def full_code(self) -> str:
        """The code, with its subcode where there is one: 10/2018278."""
        return f"{self.code}/{self.error_subcode}" if self.error_subcode else str(self.code)


class _Refusal(Wire):
    error: GraphError


class _Usage(Wire):
    estimated_time_to_regain_access: float = Field(0, ge=0, le=525_600)  # minutes


_USAGES = TypeAdapter(dict[str, tuple[_Usage, ...]])


def graph_error(response: HttpResponse) -> GraphError | None:
    """The error that an answer of the Graph API tells, if it tells one."""
    try:
        return _Refusal.model_validate_json(response.body).error
    except ValidationError:
        return None


def graph_failure(
    response: HttpResponse,
    known: Callable[[GraphError], Meaning | None],
    *,
    waits: Mapping[int, float] = _NO_WAITS,
    subcodes: bool = False,
) -> ProviderError | None:
    """Why an answer of the Graph API is not a success; None for one that is.

    `known` says what an error means, `waits` how many seconds to wait after which code where Meta names no
    time. `subcodes`: whether the subcode is told, too, since only it says what happened.
    """
    error = graph_error(response)
    succeeded = 200 <= response.status < 300
    if error is None:
        return None if succeeded else http_failure(response)
    code = error.full_code if subcodes else str(error.code)
    meaning = known(error)
    if meaning is None and not succeeded:
        return http_failure(response, code=code, text=error.text)
    kind, reason = meaning or (FailureKind.PERMANENT, "provider_error")
    seconds = retry_after(response) or _regain_seconds(response, kind) or waits.get(error.code)
    return ProviderError(kind, reason=reason, code=code, text=error.text, retry_after_seconds=seconds)


def _regain_seconds(response: HttpResponse, kind: FailureKind) -> float | None:
    """How long the slowest of the account's limits lasts. Meta says it in minutes, in a header of JSON: a
    list of limits for each business."""
    if kind is not FailureKind.THROTTLED:
        return None
    try:
        usages = _USAGES.validate_json(response.headers.get(_USAGE, "").encode(errors="replace"))
    except ValidationError:
        return None
    minutes = (each.estimated_time_to_regain_access for limits in usages.values() for each in limits)
    return max(minutes, default=0.0) * 60 or None
