"""What the refusals of the X API mean for us.

The API v2 tells problems by the last part of a URI, and some by the numbers of the API before it. A recipient
who takes no messages is a 403 without any code, which other APIs have for refused credentials.

Source: X's references of response codes (v2 and v1.1), and answers seen in public trackers of client
libraries, November 2026.
"""

from __future__ import annotations

import re
import time

from pydantic import ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.transports.classify import http_failure
from gateway.transports.port import HttpResponse
from handlers.providers.x_dm.wire import Problem, Wrong

Meaning = tuple[FailureKind, str]

PERMANENT, TRANSIENT, UNCERTAIN = FailureKind.PERMANENT, FailureKind.TRANSIENT, FailureKind.UNCERTAIN
THROTTLED, AUTH = FailureKind.THROTTLED, FailureKind.AUTH

PROBLEMS: dict[str, Meaning] = {
    "client-forbidden": (AUTH, "account_credentials"),
    "oauth1-permissions": (AUTH, "account_credentials"),
    "unsupported-authentication": (AUTH, "account_credentials"),
    "credits": (AUTH, "quota_exceeded"),
    "credits-depleted": (AUTH, "quota_exceeded"),
    "usage-capped": (THROTTLED, "quota_exceeded"),
    "rate-limit-exceeded": (THROTTLED, "rate_limited"),
    "invalid-request": (PERMANENT, "invalid_message"),
    "resource-not-found": (PERMANENT, "invalid_recipient"),
    "not-authorized-for-resource": (PERMANENT, "recipient_unreachable"),
}
CODES: dict[int, Meaning] = {
    # Credentials and the account: nothing can be sent until somebody acts.
    32: (AUTH, "account_credentials"),
    89: (AUTH, "account_credentials"),
    135: (AUTH, "account_credentials"),  # our clock is wrong
    215: (AUTH, "account_credentials"),
    220: (AUTH, "account_credentials"),
    261: (AUTH, "account_credentials"),
    64: (AUTH, "account_suspended"),
    326: (AUTH, "account_suspended"),
    416: (AUTH, "account_suspended"),
    # Too fast, or like a machine.
    88: (THROTTLED, "rate_limited"),
    226: (THROTTLED, "rate_limited"),
    344: (THROTTLED, "quota_exceeded"),
    # Passing.
    130: (TRANSIENT, "provider_unavailable"),
    131: (UNCERTAIN, "provider_error"),
    # The recipient.
    17: (PERMANENT, "invalid_recipient"),
    34: (PERMANENT, "invalid_recipient"),
    50: (PERMANENT, "invalid_recipient"),
    108: (PERMANENT, "invalid_recipient"),
    63: (PERMANENT, "recipient_gone"),
    150: (PERMANENT, "recipient_unreachable"),
    151: (PERMANENT, "recipient_unreachable"),
    349: (PERMANENT, "recipient_unreachable"),
    476: (PERMANENT, "recipient_unreachable"),
    # The message.
    324: (PERMANENT, "media_unsupported"),
    325: (PERMANENT, "media_unreachable"),
    354: (PERMANENT, "content_too_long"),
    386: (PERMANENT, "invalid_message"),
}
_NO_PERMISSION = "permission to dm"
_LIMITS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
_SECONDS = re.compile(r"[0-9]{1,11}")
_ECHO = re.compile(r"\[[^\]]*\]")  # what was sent comes back in brackets


def failure(response: HttpResponse) -> ProviderError | None:
    """The error that an answer tells; None for a success, also for one that cannot be read."""
    told = _told(response)
    if told is None and 200 <= response.status < 300:
        return None
    judged = http_failure(response)
    kind, reason = _meaning(told, response) or (judged.kind, judged.reason)
    seconds = judged.retry_after_seconds
    if seconds is None and kind is THROTTLED:
        seconds = _until_reset(response)
    code = judged.code if told is None else _code(told, response)
    return ProviderError(kind, reason=reason, code=code, text=_text(told), retry_after_seconds=seconds)


def _told(response: HttpResponse) -> Wrong | None:
    """The error that says most: the first with a kind or a number. Only the outer problem says of what kind
    it is, where there are problems in it; errors of old have no outer one."""
    try:
        problem = Problem.model_validate_json(response.body)
    except ValidationError:
        return None
    every = (problem, *problem.errors)
    return next((wrong for wrong in every if wrong.code is not None or wrong.type or wrong.title), None)


def _meaning(told: Wrong | None, response: HttpResponse) -> Meaning | None:
    if told is None:
        return None
    if told.code is not None and told.code in CODES:
        return CODES[told.code]
    if _NO_PERMISSION in (told.detail or "").lower():
        return PERMANENT, "recipient_unreachable"
    known = PROBLEMS.get(_kind(told))
    if known is None and (response.status == 403 or 200 <= response.status < 300):
        # What is wrong with the account has a kind or a number; this is about the one message.
        return PERMANENT, "provider_error"
    return known


def _kind(told: Wrong) -> str:
    return (told.type or "").rpartition("/")[2]


def _code(told: Wrong, response: HttpResponse) -> str:
    if told.code is not None:
        return str(told.code)
    kind = _kind(told)
    return kind if kind and kind != "about:blank" else f"http_{response.status}"


def _text(told: Wrong | None) -> str | None:
    return (told and _ECHO.sub("[…]", told.detail or told.message or told.title or "")) or None


def _until_reset(response: HttpResponse) -> float | None:
    """How long the limit lasts that is used up: the window's, or the day's."""
    used_up = [name for name in _LIMITS if response.headers.get(f"{name}-remaining") == "0"]
    resets = [response.headers.get(f"{name}-reset", "") for name in used_up or _LIMITS[:1]]
    at = [int(reset) for reset in resets if _SECONDS.fullmatch(reset)]
    return max(0.0, max(at) - time.time()) if at else None
