"""WeChat's own messages, as far as they are read: answers of the API, and what it pushes to us.

Source: the official accounts' documentation, read in November 2026. What is pushed is XML of one level; its
elements' names are kept as they are, and their texts are read as what they stand for.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from gateway.model.base import Wire

VIDEO_MARK = "video:"  # before our media ids of videos, which are fetched in another way


class Told(Wire):
    """The part that any answer may have: `errcode` is absent from some that succeeded."""

    errcode: int | None = None
    errmsg: str | None = None


class Done(Wire):
    """The answer to a customer-service message: no id."""

    errcode: int


class TemplateTaken(Wire):
    """The answer to a template message."""

    msgid: int


class Uploaded(Wire):
    media_id: str = Field(min_length=1)


class FreshToken(Wire):
    access_token: str = Field(min_length=1, max_length=2_048)
    expires_in: int = Field(ge=1, le=86_400)


class VideoPlace(Wire):
    """Videos are not given by their id: the answer says where they are."""

    video_url: str = Field(min_length=1)


class Envelope(Wire):
    """What is pushed in secure mode."""

    encrypted: str = Field(alias="Encrypt", min_length=1)


class Push(Wire):
    """What all that is pushed has in common."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    to: str = Field(alias="ToUserName")
    sender: str = Field(alias="FromUserName", min_length=1)
    created: str | None = Field(None, alias="CreateTime")
    kind: str = Field(alias="MsgType")
    id: str | None = Field(None, alias="MsgId")
    event: str = Field("", alias="Event")
    key: str = Field("", alias="EventKey")
    ticket: str | None = Field(None, alias="Ticket")

    @property
    def key_of_push(self) -> str:
        """Its id; events have none, and are told apart by who, when and what (so says WeChat, but for the
        last: a scan and the follow that it leads to may come in one second)."""
        return self.id or f"{self.sender}:{self.created}:{self.event}"


class Said(Push):
    """A text; `menu_id` where it was chosen from a menu that we sent."""

    text: str = Field("", alias="Content")
    menu_id: str | None = Field(None, alias="bizmsgmenuid")


class Media(Push):
    media_id: str = Field(alias="MediaId", min_length=1)
    picture_url: str | None = Field(None, alias="PicUrl")
    format: str = Field("", alias="Format")
    recognised: str | None = Field(None, alias="Recognition")


class Place(Push):
    """A location that was sent."""

    latitude: float = Field(alias="Location_X")
    longitude: float = Field(alias="Location_Y")
    label: str | None = Field(None, alias="Label")


class Position(Push):
    """Where the person is, as WeChat reports it when a conversation is opened."""

    latitude: float = Field(alias="Latitude")
    longitude: float = Field(alias="Longitude")


class TemplateReceipt(Push):
    id: str = Field(alias="MsgID", min_length=1)
    status: str = Field(alias="Status")
