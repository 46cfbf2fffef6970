"""The errors of the WhatsApp Cloud API: codes, HTTP statuses and bodies as Meta documents them.

Source: Meta's "Error codes" and "Errors webhooks" pages for the Cloud API, version 25.0, read in 2026. Copies
of the first disagree about the HTTP status of the throttling codes, 400 or 429; here it is 429.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import orjson

from handlers.simulator.desk import Answer

ERROR_CODES_URL = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes/"
)


@dataclass(frozen=True, slots=True)
class MetaError:
    """One documented error."""

    code: int
    status: int
    title: str
    details: str
    type: str = "OAuthException"


_DOCUMENTED = (
    MetaError(1, 400, "API Unknown", "Invalid request or possible server error"),
    MetaError(2, 503, "API Service", "Temporary due to downtime or due to being overloaded"),
    MetaError(4, 429, "Application request limit reached", "The app has reached its API call rate limit"),
    MetaError(10, 403, "Permission Denied", "Permission is either not granted or has been removed"),
    MetaError(
        100, 400, "Invalid parameter", "The request has a parameter that is not supported or misspelled"
    ),
    MetaError(190, 401, "Access token has expired", "The access token has expired"),
    MetaError(
        368, 403, "Temporarily blocked for policies violations", "The account is restricted or disabled"
    ),
    MetaError(80007, 429, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit"),
    MetaError(130429, 429, "Rate limit hit", "Cloud API message throughput has been reached"),
    MetaError(
        130472, 400, "User's number is part of an experiment", "Message was not sent as part of an experiment"
    ),
    MetaError(
        130497,
        403,
        "Business account is restricted from messaging users in this country.",
        "Not allowed here",
    ),
    MetaError(131000, 500, "Something went wrong", "Message failed to send due to an unknown error"),
    MetaError(131005, 403, "Access denied", "Permission is either not granted or has been removed"),
    MetaError(131008, 400, "Required parameter is missing", "The request is missing a required parameter"),
    MetaError(131009, 400, "Parameter value is not valid", "One or more parameter values are invalid"),
    MetaError(131016, 500, "Service unavailable", "A service is temporarily unavailable"),
    MetaError(131021, 400, "Recipient cannot be sender", "Sender and recipient phone number is the same"),
    MetaError(131026, 400, "Message undeliverable", "Message undeliverable"),
    MetaError(
        131030, 400, "Recipient phone number not in allowed list", "Add the number to the allowed list"
    ),
    MetaError(131031, 403, "Account has been locked", "The account has been restricted or disabled"),
    MetaError(
        131042, 400, "Business eligibility payment issue", "There was an error with the payment method"
    ),
    MetaError(
        131047,
        400,
        "Re-engagement message",
        "More than 24 hours have passed since the recipient last replied to the sender number",
    ),
    MetaError(
        131048, 429, "Spam rate limit hit", "Too many earlier messages were blocked or flagged as spam"
    ),
    MetaError(
        131049, 400, "Meta chose not to deliver", "Not delivered to maintain healthy ecosystem engagement"
    ),
    MetaError(
        131050, 400, "User has stopped marketing messages", "The recipient chose to stop marketing messages"
    ),
    MetaError(131051, 400, "Unsupported message type", "Message type is currently not supported"),
    MetaError(131052, 400, "Media download error", "Unable to download the media sent by the user"),
    MetaError(131053, 400, "Media upload error", "Unable to upload the media used in the message"),
    MetaError(
        131056,
        429,
        "(Business Account, Consumer Account) pair rate limit hit",
        "Too many messages sent from this phone number to the same phone number in a short period of time",
    ),
    MetaError(131057, 500, "Account in maintenance mode", "The account is in maintenance mode"),
    MetaError(
        132000, 400, "Template Param Count Mismatch", "The number of parameters does not match the template"
    ),
    MetaError(
        132001, 404, "Template does not exist", "The template does not exist in the specified language"
    ),
    MetaError(132005, 400, "Template Hydrated Text Too Long", "Translated text is too long"),
    MetaError(132007, 400, "Template Format Character Policy Violated", "Template content violates a policy"),
    MetaError(
        132012, 400, "Template Parameter Format Mismatch", "Parameters are not formatted as in the template"
    ),
    MetaError(132015, 400, "Template is Paused", "The template is paused due to low quality"),
    MetaError(132016, 400, "Template is Disabled", "The template was disabled for good due to low quality"),
    MetaError(133004, 503, "Server Temporarily Unavailable", "Server is temporarily unavailable"),
    MetaError(133010, 400, "Phone number Not Registered", "Phone number not registered on the platform"),
    MetaError(135000, 400, "Generic user error", "Message failed to send because of an unknown error"),
)
ERRORS = {error.code: error for error in _DOCUMENTED}

# The names that rules may use instead of a code.
NAMES = {
    "not_on_whatsapp": 131026,
    "outside_window": 131047,
    "opted_out": 131050,
    "template_unknown": 132001,
    "template_parameters": 132000,
    "media": 131053,
    "country": 130497,
    "policy": 368,
}


def known(case: str) -> bool:
    """Whether a rule may name this."""
    return case in NAMES or (case.isdecimal() and int(case) in ERRORS)


def by_case(case: str | None, default: int) -> MetaError:
    """The error that a rule names; the default where it names none, or one of another provider."""
    if case is None or not known(case):
        return ERRORS[default]
    return ERRORS[NAMES.get(case) or int(case)]


def refusal(error: MetaError, details: str | None = None) -> Answer:
    """The HTTP answer for a documented error."""
    return _answer(
        error.status,
        {
            "message": f"(#{error.code}) {error.title}",
            "type": error.type,
            "code": error.code,
            "error_data": {"messaging_product": "whatsapp", "details": details or error.details},
        },
    )


def invalid_parameter(what: str) -> Answer:
    """Code 100, which says in its message which parameter it is and why."""
    return _answer(400, {"message": f"(#100) {what}", "type": "OAuthException", "code": 100})


def invalid_token() -> Answer:
    return _answer(
        401,
        {
            "message": "Invalid OAuth access token - Cannot parse access token",
            "type": "OAuthException",
            "code": 190,
        },
    )


def no_such_object(object_id: str) -> Answer:
    message = (
        f"Unsupported post request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api"
    )
    error = {"message": message, "type": "GraphMethodException", "code": 100, "error_subcode": 33}
    return _answer(400, error)


def in_status(error: MetaError) -> dict[str, Any]:
    """The entry in `errors` of a failed status."""
    return {
        "code": error.code,
        "title": error.title,
        "message": error.title,
        "error_data": {"details": error.details},
        "href": ERROR_CODES_URL,
    }


def _answer(status: int, error: dict[str, Any]) -> Answer:
    return Answer(status, orjson.dumps({"error": error | {"fbtrace_id": f"A{secrets.token_urlsafe(16)}"}}))
