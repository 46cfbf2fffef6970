"""Why something of the in-app channel is not taken: stable codes, for clients and for callers of the API."""

from __future__ import annotations

from gateway.errors import RefusedError

# Each code with what it means and the HTTP status that it has in the API.
REFUSALS: dict[str, tuple[str, int]] = {
    "invalid_payload": ("it is not JSON, or does not follow the schema", 400),
    "too_large": ("it is larger than what is taken", 413),
    "unknown_application": ("there is no such application, or it is not enabled", 404),
    "unknown_user": ("the application knows no such person", 404),
    "unknown_device": ("the person has no such device", 404),
    "unknown_topic": ("there is no such topic, or the person does not follow it", 404),
    "unknown_thread": ("there is no such thread, or it is not this person's", 404),
    "unknown_message": ("there is no such message, or it is not for this person", 404),
    "thread_closed": ("the thread is closed", 409),
    "thread_one_way": ("the thread is an announcement: nobody answers it", 409),
    "thread_fixed": ("people do not close this thread, nor open what the application has closed", 403),
    "already_exists": ("there is one of this name already", 409),
    "topic_not_open": ("people do not subscribe to this topic by themselves", 403),
    "invalid_expression": ("the expression of topics does not parse", 400),
    "not_indexed": ("people cannot be found by this attribute", 400),
    "invalid_attribute": ("an attribute is not of the type that the application profile says", 400),
    "no_secret": ("the application profile has no secret to sign tokens with", 409),
    "no_account": ("the application may use no account of the in-app channel, or several", 409),
    "invalid_profile": ("an application profile that cannot be used as it is", 400),
    "changed_meanwhile": ("it was changed by somebody else meanwhile; read it again", 409),
    "still_enabled": ("an application that is enabled is not removed; disable it first", 409),
    "still_in_use": ("something that is configured still names it", 409),
    "unsupported_media_type": ("the body is not application/json", 415),
    "too_many": ("it has asked for more than is answered at once; try again in a minute", 429),
    "unavailable": ("the gateway cannot tell right now; try again", 503),
}


class RtmRefused(RefusedError):
    """Something of the in-app channel that is not taken; `code` is one of REFUSALS, `detail` for a person."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        self.code = code
        self.detail = detail or REFUSALS[code][0]
        super().__init__(f"{code}: {self.detail}")

    @property
    def status(self) -> int:
        """As an HTTP status."""
        return REFUSALS[self.code][1]
