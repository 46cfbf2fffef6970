"""What can be configured of a generic HTTP provider's callbacks: how they are proved and read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.model.account import Settings
from handlers.providers.custom_http.words import Header, IdForm, Word
from handlers.shared.pointers import Pointer
from handlers.shared.secret import Secrets
from handlers.shared.signatures import Algorithm, Encoding


class Hmac(Settings):
    """The provider signs the body of every callback."""

    scheme: Literal["hmac"]
    """hmac."""
    header: Header
    """The header that carries the signature."""
    algorithm: Algorithm = "sha256"
    """The hash: sha1, sha256 or sha512."""
    encoding: Encoding = "hex"
    """How the signature is written: hex or base64."""
    prefix: str = ""
    """What stands before the signature in the header, such as "sha256="."""
    secret: Secrets
    """The key of the HMAC; a list while it is being changed."""


class SharedSecret(Settings):
    """The provider sends a fixed secret with every callback. Prefer hmac where the provider has it."""

    scheme: Literal["shared_secret"]
    """shared_secret."""
    header: Header | None = None
    """The header that carries the secret."""
    parameter: str | None = None
    """The parameter of the query that carries it, for providers that can send no header. Then the secret is
    part of a URL, which servers on the way may log."""
    secret: Secrets
    """The whole value of that header or parameter; a list while it is being changed."""

    @model_validator(mode="after")
    def _one_place(self) -> SharedSecret:
        if (self.header is None) == (self.parameter is None):
            raise ValueError("needs exactly one of header and parameter")
        return self


class ItemKinds(Settings):
    """How a receipt is told from a message."""

    pointer: Pointer
    """JSON pointer to the field that tells."""
    dr: tuple[Word, ...]
    """Its values for receipts."""
    mo: tuple[Word, ...]
    """Its values for messages. Anything with another value is kept as an event."""


class ReceiptFields(Settings):
    """Where in a callback item the parts of a receipt are."""

    id: Pointer
    """The provider's id of the message."""
    id_form: IdForm = "text"
    """What it is: text, or a number in hex or in decimal, where the answer to the send gave it in the other
    form."""
    status: Pointer
    """The status."""
    statuses: dict[Word, Literal["submitted", "delivered", "read", "failed", "expired"]]
    """What the provider's statuses mean. One that is not here is logged and changes nothing."""
    reference: Pointer | None = None
    """Our reference, where it is echoed."""
    time: Pointer | None = None
    """When it happened: seconds or milliseconds since 1970, or ISO 8601."""
    code: Pointer | None = None
    """The error code; see `parameters.failure.codes`."""
    text: Pointer | None = None
    """The error text."""


class MessageFields(Settings):
    """Where in a callback item the parts of a message are."""

    id: Pointer
    """The provider's id of the message: what repetitions are recognised by."""
    sender: Pointer = Field(alias="from")
    """Who wrote; an answer is sent there."""
    text: Pointer
    """What was written. A message without text or media is passed on as unsupported."""
    media_url: Pointer | None = None
    """Where the media of a message is, as a URL; its text is the caption then."""
    mime_type: Pointer | None = None
    """The MIME type of the media: without it, it is a document."""
    to: Pointer | None = None
    """Which of our numbers or names it was written to."""
    name: Pointer | None = None
    """The sender's name."""
    time: Pointer | None = None
    """When it was written: seconds or milliseconds since 1970, or ISO 8601."""


class CustomCallback(Settings):
    """How the provider's callbacks are proved and read."""

    verification: Annotated[Hmac | SharedSecret, Field(discriminator="scheme")]
    """What proves that a callback is the provider's. There is no way to go without."""
    format: Literal["json", "form", "query"] = "json"
    """How they are written: a body in JSON, a form, or a GET request that says all in its query. Pointers
    to the fields of the latter two are /name."""
    items: Pointer | None = None
    """JSON pointer to the list of items, where one request can hold several. Pointers below start at an
    item."""
    kind: ItemKinds | None = None
    """Needed where both receipts and messages come."""
    dr: ReceiptFields | None = None
    """Receipts; without it the account has none."""
    mo: MessageFields | None = None
    """Messages; without it the account takes none."""
    answer: str = ""
    """What the provider wants to hear, as plain text, besides status 200."""

    @model_validator(mode="after")
    def _told_apart(self) -> CustomCallback:
        if self.dr is None and self.mo is None:
            raise ValueError("needs dr, mo, or both")
        if self.dr is not None and self.mo is not None and self.kind is None:
            raise ValueError("needs kind, which tells dr from mo")
        if self.format != "json" and self.items is not None:
            raise ValueError("items are only in JSON")
        if self.format == "query" and isinstance(self.verification, Hmac):
            raise ValueError("hmac proves a body, and a query has none")
        return self
