"""What can be configured of a generic HTTP provider: all of it, as nothing is known of it beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, model_validator

from gateway.errors import FailureKind
from gateway.model.account import ProviderAccount, Settings
from gateway.model.base import Name
from gateway.model.receipt import REASONS
from handlers.providers.custom_http.callback_settings import CustomCallback
from handlers.providers.custom_http.words import Header, IdForm, Word
from handlers.shared.pointers import Pointer
from handlers.shared.secret import Secret
from handlers.shared.splitting import Unit
from handlers.shared.templates import placeholders

# What a template can say of a message; besides attributes.<name> and credentials.<name>.
MESSAGE_PLACEHOLDERS = (
    "reference",
    "to",
    "from",
    "text",
    "caption",
    "media_url",
    "media_type",
    "mime_type",
    "filename",
    "in_reply_to",
)
_FAMILIES = ("attributes.", "credentials.")


def _known(template: Any) -> Any:
    for name in placeholders(template):
        if name not in MESSAGE_PLACEHOLDERS and not name.startswith(_FAMILIES):
            names = ", ".join((*MESSAGE_PLACEHOLDERS, "attributes.<name>", "credentials.<name>"))
            raise ValueError(f"unknown placeholder {{{{{name}}}}}; there are {names}")
    return template


def _known_reason(reason: str) -> str:
    if reason not in REASONS:
        raise ValueError(f"not a reason code; there are {', '.join(REASONS)}")
    return reason


Template = Annotated[str, AfterValidator(_known)]
Path = Annotated[Template, StringConstraints(pattern=r"^([/?][^\s#]*)?$")]
JsonTemplate = Annotated[Any, AfterValidator(_known)]


class Basic(Settings):
    """HTTP Basic authentication."""

    username: Template
    """The user; may hold {{placeholders}}."""
    password: Template
    """The password, as {{credentials.<name>}}."""


class Request(Settings):
    """How a message is sent. Any text may hold {{placeholders}}."""

    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    """The HTTP method."""
    path: Path = ""
    """What follows the account's `url`: a path, a query, or both."""
    headers: dict[Header, Template] = {}
    """Headers besides the content type."""
    basic: Basic | None = None
    """HTTP Basic authentication, where the provider wants that."""
    json_body: JsonTemplate = Field(None, alias="json")
    """The body as JSON. A field that is nothing but a placeholder without a value is left out."""
    form: dict[str, Template] | None = None
    """The body as a form, instead of JSON."""

    @model_validator(mode="after")
    def _one_body(self) -> Request:
        if self.json_body is not None and self.form is not None:
            raise ValueError("takes at most one of json and form")
        return self

    def placeholders(self) -> Iterator[str]:
        basic = (self.basic.username, self.basic.password) if self.basic else ()
        parts = (self.path, self.headers, basic, self.json_body, self.form)
        return (name for part in parts for name in placeholders(part))


class Success(Settings):
    """How an answer says that the message was taken."""

    statuses: Annotated[tuple[int, ...], Field(min_length=1)] = (200, 201, 202, 204)
    """The HTTP statuses of success."""
    pointer: Pointer | None = None
    """JSON pointer to a field that tells success, for providers that answer 200 to everything."""
    equals: Word | None = None
    """The value it has then."""
    id: Pointer | None = None
    """JSON pointer to the provider's id of the message. Without it, our reference is the id."""
    id_form: IdForm = "text"
    """What it is: text, or a number in hex or in decimal, where receipts name it in the other form (SMPP)."""

    @model_validator(mode="after")
    def _pair(self) -> Success:
        if (self.pointer is None) != (self.equals is None):
            raise ValueError("pointer and equals go together")
        return self


class Meaning(Settings):
    """What an error code of the provider means."""

    kind: FailureKind
    """permanent, transient, throttled, uncertain or auth."""
    reason: Annotated[str, AfterValidator(_known_reason)]
    """One of the stable reason codes."""


class RetryAfter(Settings):
    """Where the provider says how long to wait."""

    header: Header = "Retry-After"
    """The header, as seconds or as an HTTP date."""
    pointer: Pointer | None = None
    """JSON pointer to it in the answer; looked at first."""
    unit: Literal["seconds", "milliseconds"] = "seconds"
    """The unit of a number at `pointer`."""


class Failure(Settings):
    """How an answer says why the message failed, and what the codes in answers and receipts mean."""

    code: Pointer | None = None
    """JSON pointer to the error code in an answer."""
    text: Pointer | None = None
    """JSON pointer to the error text in an answer."""
    codes: dict[Word, Meaning] = {}
    """What each error code means. A code that is not here is judged by the HTTP
    status, and is permanent where that says success."""
    retry_after: RetryAfter = RetryAfter()
    """Where the provider says how long to wait."""


class CustomParameters(Settings):
    """How the provider's send API works."""

    request: Request
    """How a message is sent."""
    success: Success = Success()
    """How an answer says that it was taken."""
    failure: Failure = Failure()
    """How an answer says why it was not."""
    max_characters: Annotated[int, Field(ge=1)] | None = None
    """The longest text that the provider takes in one message; what is longer goes in several."""
    counted_in: Unit = "characters"
    """What it counts there: characters, utf16 units, bytes, or septets of the GSM alphabet."""
    idempotent: bool = False
    """Whether the provider sends only once when {{reference}} comes twice."""


class CustomAccount(ProviderAccount):
    """One account at any provider that takes messages over HTTP."""

    provider: Literal["custom_http"] = "custom_http"
    channel: Name = "custom"
    """The channel that it counts as in routing: sms, viber, custom …"""
    url: HttpUrl
    """Where the provider's API is."""
    credentials: dict[Name, Secret] = {}
    """Secrets by names of your choice, used in templates as {{credentials.<name>}}."""
    callback: CustomCallback | None = None
    """How its callbacks are proved and read; without it, it sends only."""
    parameters: CustomParameters
    """How its API is called."""

    @model_validator(mode="after")
    def _consistent(self) -> CustomAccount:
        used = set(self.parameters.request.placeholders())
        for name in sorted(used):
            if name.startswith("credentials.") and name.removeprefix("credentials.") not in self.credentials:
                raise ValueError(f"parameters.request uses {{{{{name}}}}}, which credentials does not have")
        for name in ("to", "text", *(("reference",) if self.parameters.idempotent else ())):
            if name not in used:
                raise ValueError(f"parameters.request never uses {{{{{name}}}}}")
        return self
