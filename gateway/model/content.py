"""What a message says, in one normal form for every channel; tagged by `type`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from gateway.model.base import Contract

Text = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2_048)]


def _by_type(variants: Any) -> BeforeValidator:
    """Refuses a `type` that none of the variants has; pydantic's own words for it would quote the input."""
    known = [kind for each in get_args(variants) for kind in get_args(each.model_fields["type"].annotation)]

    def check(value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") not in known:
            raise ValueError(f"needs a type: one of {', '.join(known)}")
        return value

    return BeforeValidator(check)


class ReplyButton(Contract):
    type: Literal["reply"] = "reply"
    id: Short
    title: Short


class UrlButton(Contract):
    type: Literal["url"]
    title: Short
    url: Url


class CallButton(Contract):
    type: Literal["call"]
    title: Short
    phone: Short


class LocationButton(Contract):
    type: Literal["location"]
    title: Short


_Button = ReplyButton | UrlButton | CallButton | LocationButton
Button = Annotated[_Button, Field(discriminator="type"), _by_type(_Button)]
Buttons = Annotated[tuple[Button, ...], Field(max_length=64)]


class TextContent(Contract):
    type: Literal["text"] = "text"
    text: Text
    preview_url: bool = False
    buttons: Buttons = ()


class MediaContent(Contract):
    """An image, video, audio, document or sticker: by `url`, or by an id the provider gave before."""

    type: Literal["image", "video", "audio", "document", "sticker"]
    url: Url | None = None
    media_id: Short | None = None
    caption: Text | None = None
    filename: Short | None = None
    mime_type: Short | None = None
    buttons: Buttons = ()

    @model_validator(mode="after")
    def _one_source(self) -> MediaContent:
        if (self.url is None) == (self.media_id is None):
            raise ValueError("needs exactly one of url and media_id")
        return self


class LocationContent(Contract):
    type: Literal["location"] = "location"
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: Short | None = None
    address: Short | None = None


class ContactContent(Contract):
    type: Literal["contact"] = "contact"
    name: Short
    phones: tuple[Short, ...]
    emails: tuple[Short, ...] = ()


class ListRow(Contract):
    id: Short
    title: Short
    description: Short | None = None


class ListSection(Contract):
    title: Short | None = None
    rows: Annotated[tuple[ListRow, ...], Field(min_length=1)]


class ListContent(Contract):
    type: Literal["list"] = "list"
    text: Text
    button: Short
    sections: Annotated[tuple[ListSection, ...], Field(min_length=1)]


class TemplateParameters(Contract):
    """Values for the placeholders of an approved template, in their order."""

    header: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()


class TemplateContent(Contract):
    type: Literal["template"] = "template"
    name: Short
    language: Short
    parameters: TemplateParameters = TemplateParameters()


class ReactionContent(Contract):
    """An emoji on a message; an empty one takes the reaction back."""

    type: Literal["reaction"] = "reaction"
    to: Short
    emoji: Annotated[str, StringConstraints(max_length=32)]


class TypingContent(Contract):
    type: Literal["typing"] = "typing"


class ReadContent(Contract):
    """Tells the sender of an MO that it was read."""

    type: Literal["read"] = "read"
    of: Short


class RawContent(Contract):
    """The provider's own body, for what has no normal form."""

    type: Literal["raw"] = "raw"
    payload: dict[str, Any]


_Content = (
    TextContent
    | MediaContent
    | LocationContent
    | ContactContent
    | ListContent
    | TemplateContent
    | ReactionContent
    | TypingContent
    | ReadContent
    | RawContent
)
Content = Annotated[_Content, Field(discriminator="type"), _by_type(_Content)]

# Types of what is no message: it says something about the moment, and is kept in no thread.
PASSING = frozenset({"typing", "read"})


class ButtonReply(Contract):
    type: Literal["button_reply"] = "button_reply"
    id: str
    title: str | None = None


class ListReply(Contract):
    type: Literal["list_reply"] = "list_reply"
    id: str
    title: str | None = None


EventName = Literal[
    "opted_in",
    "opted_out",
    "blocked",
    "unblocked",
    "conversation_started",
    "referral",
    "number_changed",
    "typing",
    "message_deleted",
    "device_registered",
]


class EventContent(Contract):
    """Something that happened in a conversation and is not a message; `details` are the provider's."""

    type: Literal["event"] = "event"
    name: EventName
    details: dict[str, Any] = {}


class UnsupportedContent(Contract):
    """An MO that has no normal form yet, named as its provider names it."""

    type: Literal["unsupported"] = "unsupported"
    provider_type: str
    raw: dict[str, Any] | None = None
    """The part of the provider's message that has no normal form, as it came."""


InboundMedia = Literal["image", "video", "audio", "document", "sticker"]


class InboundMediaContent(Contract):
    """Media in an MO. `url` where the provider gives one; `media_id` where it must be asked for."""

    type: InboundMedia
    url: str | None = None
    media_id: str | None = None
    caption: str | None = None
    filename: str | None = None
    mime_type: str | None = None


class InboundText(Contract):
    """Text in an MO; unlike outbound text it may be empty, since a person sent it."""

    type: Literal["text"] = "text"
    text: str


_InboundContent = (
    InboundText
    | InboundMediaContent
    | LocationContent
    | ContactContent
    | ReactionContent
    | ButtonReply
    | ListReply
    | EventContent
    | UnsupportedContent
)
InboundContent = Annotated[_InboundContent, Field(discriminator="type"), _by_type(_InboundContent)]
