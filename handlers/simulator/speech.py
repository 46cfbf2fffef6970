"""What a person sends, before any provider has put it into its own words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from handlers.simulator.base import Model

Short = Annotated[str, Field(min_length=1, max_length=1_024)]


class Pressed(Model):
    """A button or list row: the id that its message gave it, and what is written on it."""

    id: Short
    title: str = ""


class SentMedia(Model):
    """A file that the person sent; `id` is made up, nothing can be fetched."""

    type: Literal["image", "video", "audio", "document", "sticker"]
    id: Short = "1003383421387256"
    mime_type: Short = "application/octet-stream"
    filename: Short | None = None


class SentLocation(Model):
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: Short | None = None
    address: Short | None = None


class Speech(Model):
    """One message of a person: a text, a press of a button or row, a file (with `text` as its caption), or a
    place."""

    sender: Annotated[str, Field(min_length=1, max_length=128)]
    """The person's address, as the provider writes it."""
    name: str = "Kerry Fisher"
    text: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    button: Pressed | None = None
    row: Pressed | None = None
    media: SentMedia | None = None
    location: SentLocation | None = None
    in_reply_to: Short | None = None
    """The provider's id of the message that it answers."""
    edit_of: Short | None = None
    """The provider's id of the person's earlier message that `text` corrects."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Speech:
        said = [part for part in (self.button, self.row, self.media, self.location) if part is not None]
        if len(said) > 1 or (not said and self.text is None):
            raise ValueError("needs one of text, button, row, media and location")
        return self
