"""What all of Meta's messaging products share: signed callbacks, the subscription challenge, Graph errors.

Graph API v25.0; facts read in November 2026 from Meta's documentation of webhooks and error responses.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from gateway.errors import CallbackRefused
from gateway.model.base import Wire
from gateway.model.callback import CallbackReply, CallbackRequest
from gateway.transports.port import HttpResponse
from handlers.shared.signatures import same, signed

_SIGNATURE = "x-hub-signature-256"


def verify_meta(request: CallbackRequest, *, app_secret: str, verify_token: str) -> None:
    """Raises CallbackRefused unless it is a delivery signed with the app secret, or a subscription request
    that knows our verify token."""
    if request.method == "GET":
        token = request.query.get("hub.verify_token", "")
        if request.query.get("hub.mode") != "subscribe" or not same(token, verify_token):
            raise CallbackRefused("not a subscription request with this account's verify token")
        return
    scheme, _, signature = request.headers.get(_SIGNATURE, "").partition("=")
    if scheme != "sha256" or not signed(signature, app_secret, request.body):
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


class _Refusal(Wire):
    error: GraphError


def graph_error(response: HttpResponse) -> GraphError | None:
    """The error that an answer of the Graph API tells, if it tells one."""
    try:
        return _Refusal.model_validate_json(response.body).error
    except ValidationError:
        return None
