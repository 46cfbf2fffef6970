"""FCM's answers, as far as they are read.

Source: Firebase's reference of the HTTP v1 API and Google's error model (google.rpc.Status), November 2026.
"""

from __future__ import annotations

import re

from pydantic import Field, ValidationError

from gateway.model.base import Wire
from gateway.transports.port import HttpResponse

_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


class Accepted(Wire):
    """The answer to a message."""

    name: str = Field(min_length=1)


class Detail(Wire):
    """One of several kinds: FcmError has a code, RetryInfo a delay."""

    error_code: str | None = Field(None, alias="errorCode")
    retry_delay: str | None = Field(None, alias="retryDelay")


class Error(Wire):
    status: str | None = None
    message: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def code(self) -> str | None:
        """FCM's own code where there is one, else the one that all of Google's APIs have."""
        return next((each.error_code for each in self.details if each.error_code), self.status)

    @property
    def retry_after_seconds(self) -> float | None:
        delays = (_SECONDS.fullmatch(each.retry_delay or "") for each in self.details)
        return next((float(delay[1]) for delay in delays if delay), None)


class Refusal(Wire):
    error: Error


def error_in(response: HttpResponse) -> Error:
    """The error that an answer tells; an empty one where it tells none."""
    try:
        return Refusal.model_validate_json(response.body).error
    except ValidationError:
        return Error()


def token_refused(response: HttpResponse) -> bool:
    """Whether our access token is refused. The credentials for Apple's or a browser's service, which FCM
    holds for the project, are refused with the same status."""
    return response.status == 401 and error_in(response).code != "THIRD_PARTY_AUTH_ERROR"
