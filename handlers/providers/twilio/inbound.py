"""Proves and reads Twilio's webhooks: forms in which the names of the fields tell what happened.

Items are the fields as a JSON object. Ids: the MessageSid, which repetitions share; where a message brings
several media, the second and further ones have their number behind it.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence

import orjson
from pydantic import Field

from gateway.errors import CallbackRefused
from gateway.model.address import Person
from gateway.model.base import Wire
from gateway.model.callback import CallbackItem, CallbackRequest, ItemKind
from gateway.model.content import (
    ButtonReply,
    EventContent,
    EventName,
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    ListReply,
    LocationContent,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt
from handlers.contract import InboundMessage
from handlers.providers.twilio.codes import STATUSES, VALIDITY_OVER, reason_for
from handlers.shared.forms import read_form
from handlers.shared.json_bodies import read_callback, write_item
from handlers.shared.signatures import same, signed

_SIGNATURE = "x-twilio-signature"
_BODY_HASH = "bodySHA256"
_URL = re.compile(r"(https?)://([^/:?#]+)(?::[0-9]+)?(.*)", re.DOTALL)
_PORTS = {"http": ":80", "https": ":443"}

_CONSENT: dict[str, EventName] = {"STOP": "opted_out", "START": "opted_in"}
_TOPS: dict[str, InboundMedia] = {"image": "image", "video": "video", "audio": "audio"}
# The types of WhatsApp messages that are told by other fields than their type, or are nothing but text.
_READ = frozenset({"text", "image", "video", "audio", "document", "location", "button", "interactive"})


class Incoming(Wire):
    """One message."""

    id: str = Field(alias="MessageSid", min_length=1)
    sender: str = Field(alias="From")
    to: str = Field("", alias="To")
    body: str = Field("", alias="Body")
    type: str = Field("", alias="MessageType")
    profile_name: str = Field("", alias="ProfileName")
    replied_to: str = Field("", alias="OriginalRepliedMessageSid")
    consent: str = Field("", alias="OptOutType")
    button_text: str = Field("", alias="ButtonText")
    button_payload: str = Field("", alias="ButtonPayload")
    list_id: str = Field("", alias="ListId")
    list_title: str = Field("", alias="ListTitle")
    latitude: str = Field("", alias="Latitude")
    longitude: str = Field("", alias="Longitude")
    label: str = Field("", alias="Label")
    address: str = Field("", alias="Address")


class Told(Wire):
    """One status of a message."""

    id: str = Field(alias="MessageSid", min_length=1)
    status: str = Field(alias="MessageStatus")
    code: str = Field("", alias="ErrorCode")
    text: str = Field("", alias="ErrorMessage")
    channel_text: str = Field("", alias="ChannelStatusMessage")


def verify(request: CallbackRequest, auth_tokens: Sequence[str]) -> None:
    """Raises CallbackRefused unless it is signed with one of the tokens: the URL and the form's fields in
    alphabetical order, or the URL alone where that holds the hash of the body."""
    said, proved = "", True
    if _BODY_HASH in request.query:
        proved = same(request.query[_BODY_HASH].lower(), hashlib.sha256(request.body).hexdigest())
    elif request.method != "GET":
        said = "".join(name + value for name, value in sorted(set(read_form(request.body))))
    given = request.headers.get(_SIGNATURE, "")
    matches = [
        signed(given, auth_tokens, (url + said).encode(), algorithm="sha1", encoding="base64")
        for url in _spellings(request.url)
    ]
    if not (proved and any(matches)):
        raise CallbackRefused(f"the {_SIGNATURE} header is missing or wrong")


def _spellings(url: str) -> tuple[str, ...]:
    """Twilio signs the URL with its port or without, which depends on the product; both are the same URL."""
    found = _URL.fullmatch(url)
    if found is None:
        return (url,)
    scheme, host, rest = found.groups()
    return url, f"{scheme}://{host}{rest}", f"{scheme}://{host}{_PORTS[scheme]}{rest}"


def split(request: CallbackRequest) -> tuple[CallbackItem, ...]:
    """The one message, status or other event of a request."""
    if _BODY_HASH in request.query:  # JSON comes from other products than messaging
        return (write_item("event", read_callback(request.body)),)
    fields = dict(request.query if request.method == "GET" else read_form(request.body))
    if not fields:
        raise CallbackRefused("the request has no fields", status=400)
    return (write_item(_kind(fields), fields),)


def _kind(fields: dict[str, str]) -> ItemKind:
    if not fields.get("MessageSid"):
        return "event"
    if fields.get("MessageStatus"):
        return "dr"
    return "mo" if fields.get("From") else "event"


def read_messages(body: bytes) -> tuple[InboundMessage, ...]:
    """The message of an item; several where it brings several media."""
    fields = orjson.loads(body)
    message = Incoming.model_validate(fields)
    return tuple(
        InboundMessage(
            provider_message_id=message.id if number == 1 else f"{message.id}:{number}",
            sender=Person(kind="msisdn", id=_bare(message.sender), name=message.profile_name or None),
            to=_bare(message.to) or None,
            content=content,
            in_reply_to=message.replied_to or None,
        )
        for number, content in enumerate(_contents(message, fields), start=1)
    )


def _bare(address: str) -> str:
    return address.removeprefix("whatsapp:")


def _contents(message: Incoming, fields: dict[str, object]) -> tuple[InboundContent, ...]:
    if media := tuple(_media(message, fields)):
        return media
    return (_content(message, fields),)


def _content(message: Incoming, fields: dict[str, object]) -> InboundContent:
    if message.consent in _CONSENT:
        return EventContent(name=_CONSENT[message.consent], details={"text": message.body})
    if message.button_payload or message.button_text:
        return ButtonReply(
            id=message.button_payload or message.button_text, title=message.button_text or None
        )
    if message.list_id:
        return ListReply(id=message.list_id, title=message.list_title or None)
    if message.latitude:
        return LocationContent(
            latitude=float(message.latitude),
            longitude=float(message.longitude),
            name=message.label or None,
            address=message.address or None,
        )
    if message.type in _READ or message.body or not message.type:
        return InboundText(text=message.body)
    return UnsupportedContent(provider_type=message.type, raw=fields)


def _media(message: Incoming, fields: dict[str, object]) -> Iterator[InboundMediaContent]:
    for number in itertools.count():
        url, mime_type = fields.get(f"MediaUrl{number}"), fields.get(f"MediaContentType{number}")
        if not isinstance(url, str) or not url:
            return
        known = mime_type if isinstance(mime_type, str) else ""
        yield InboundMediaContent(
            type="sticker" if message.type == "sticker" else _media_kind(known),
            url=url,
            caption=(message.body or None) if number == 0 else None,
            mime_type=known or None,
        )


def _media_kind(mime_type: str) -> InboundMedia:
    return _TOPS.get(mime_type.partition("/")[0].lower(), "document")


def read_receipts(body: bytes) -> tuple[DeliveryReceipt, ...]:
    """The receipt of an item. A status that has no meaning for us keeps its name, with status None."""
    told = Told.model_validate_json(body)
    news = STATUSES.get(told.status)
    reason = reason_for(told.code, told.channel_text or told.text) if news == "failed" else None
    expired = reason is not None and reason.provider_code == str(VALIDITY_OVER)
    receipt = DeliveryReceipt(
        provider_message_id=told.id,
        status="expired" if expired else news,
        provider_status=told.status,
        reason=reason,
    )
    return (receipt,)
