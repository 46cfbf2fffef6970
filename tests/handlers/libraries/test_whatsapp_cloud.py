"""pywa as the other side of whatsapp_cloud: it reads the same callbacks, and knows no error of a send that is
unknown here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pywa import errors, utils
from pywa.client import WhatsApp
from pywa.types.base_update import BaseUserUpdate, RawUpdate
from pywa.types.message import DeletedMessage, EditedMessage, Message
from pywa.types.message_status import MessageStatus
from pywa.types.user_preferences import UserMarketingPreferences

from gateway.errors import CallbackRefused, FailureKind
from gateway.model.address import Person
from gateway.model.content import (
    EventContent,
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    ReactionContent,
)
from handlers.contract import InboundMessage
from handlers.providers.whatsapp_cloud.codes import known_failure
from handlers.shared.meta import GraphError
from tests.handlers.cases.whatsapp_cloud import TABLE
from tests.handlers.cases.whatsapp_cloud_accounts import ACCESS_TOKEN, APP_SECRET, TO
from tests.handlers.cases.whatsapp_cloud_callbacks import ANN, delivery, incoming, prove, status
from tests.handlers.rows import posted
from tests.handlers.tables import build

PERSON = TO.id.removeprefix("+")


@pytest.fixture
def pywa() -> Iterator[WhatsApp]:
    with httpx.Client() as session:  # which is not used
        yield WhatsApp(phone_id="106540352242922", token=ACCESS_TOKEN, session=session)


def update_of(value: dict[str, Any], field: str = "messages") -> RawUpdate:
    # pywa needs the business-scoped user id of everybody who writes.
    value = {**value, "contacts": [{**ANN, "user_id": "US.1"}]}
    return RawUpdate(posted(delivery(value, field=field)), hmac_header=None, update_hash="h")


def ours_of(update: RawUpdate) -> InboundMessage:
    handler = build(TABLE)
    (item,) = handler.split(prove(update.raw))
    (message,) = handler.parse_mo(item)
    return message


def in_normal_form(theirs: BaseUserUpdate, content: InboundContent, **more: Any) -> InboundMessage:
    """What pywa read, in our words."""
    given = {
        "provider_message_id": theirs.id,
        "sender": Person(kind="msisdn", id=theirs.from_user.wa_id or "", name=theirs.from_user.name),
        "to": theirs.metadata.display_phone_number,
        "sent_at": theirs.timestamp,
        **more,
    }
    return InboundMessage(content=content, **given)


def _image(message: Message) -> InboundContent:
    assert message.image is not None
    return InboundMediaContent(
        type="image", media_id=message.image.id, mime_type=message.image.mime_type, caption=message.caption
    )


def _location(message: Message) -> InboundContent:
    assert message.location is not None
    return LocationContent(latitude=message.location.latitude, longitude=message.location.longitude)


def _reaction(message: Message) -> InboundContent:
    assert message.reaction is not None
    return ReactionContent(to=message.reaction.message_id, emoji=message.reaction.emoji or "")


@pytest.mark.parametrize(
    ("kind", "part", "content"),
    [
        ("text", {"body": "Hi"}, lambda message: InboundText(text=message.text)),
        ("image", {"id": "5", "mime_type": "image/jpeg", "sha256": "x", "caption": "Broken"}, _image),
        ("location", {"latitude": 51.5, "longitude": -0.12}, _location),
        ("reaction", {"message_id": "wamid.OUT", "emoji": "👍"}, _reaction),
    ],
)
def test_the_library_reads_the_same_of_a_message(
    kind: str, part: Any, content: Callable[[Message], InboundContent], pywa: WhatsApp
) -> None:
    update = update_of(incoming(kind, part, context={"id": "wamid.OUT", "from": "447700900100"}))
    theirs = Message.from_update(pywa, update)
    assert theirs.reply_to_message is not None
    quoted = theirs.reply_to_message.id
    assert ours_of(update) == in_normal_form(theirs, content(theirs), in_reply_to=quoted)


def test_the_library_reads_the_same_of_an_edit(pywa: WhatsApp) -> None:
    new = {"type": "text", "text": {"body": "Hi there"}}
    update = update_of(incoming("edit", {"original_message_id": "wamid.FIRST", "message": new}))
    theirs = EditedMessage.from_update(pywa, update)
    assert ours_of(update) == in_normal_form(
        theirs,
        InboundText(text=theirs.message.text or ""),
        provider_message_id=f"{theirs.original_message_id}:{theirs.id}",
        edited=True,
    )


def test_the_library_reads_the_same_of_a_deletion(pywa: WhatsApp) -> None:
    update = update_of(incoming("revoke", {"original_message_id": "wamid.FIRST"}))
    theirs = DeletedMessage.from_update(pywa, update)
    content = EventContent(name="message_deleted", details={"message_id": theirs.original_message_id})
    assert ours_of(update) == in_normal_form(theirs, content, deleted=True)


@pytest.mark.parametrize("value", ["stop", "resume"])
def test_the_library_reads_the_same_of_a_preference(value: str, pywa: WhatsApp) -> None:
    preference = {"wa_id": PERSON, "detail": "d", "category": "marketing_messages", "value": value}
    preference["timestamp"] = "1795341600"
    raw = {key: part for key, part in incoming("text", {}).items() if key != "messages"}
    update = update_of({**raw, "user_preferences": [preference]}, field="user_preferences")
    theirs = UserMarketingPreferences.from_update(pywa, update)
    ours = ours_of(update)
    wanted = ours.content == EventContent(name="opted_in", details=preference)
    assert (ours.sent_at, ours.sender.id, wanted) == (
        theirs.timestamp,
        theirs.from_user.wa_id,
        bool(theirs),
    )


@pytest.mark.parametrize("word", ["sent", "delivered", "read", "played", "failed"])
def test_the_library_reads_the_same_of_a_status(word: str, pywa: WhatsApp) -> None:
    told_why = {"errors": [{"code": 131026, "title": "t", "message": "m"}]} if word == "failed" else {}
    value = status(word, **told_why)
    del value["statuses"][0]["pricing"]
    update = update_of(value)
    theirs: MessageStatus[str] = MessageStatus.from_update(pywa, update)
    handler = build(TABLE)
    (item,) = handler.split(prove(update.raw))
    (ours,) = handler.parse_dr(item)
    code = None if theirs.error is None else str(theirs.error.code)
    assert (
        ours.provider_message_id,
        ours.provider_status,
        ours.reference,
        ours.occurred_at,
        None if ours.reason is None else ours.reason.provider_code,
    ) == (theirs.id, theirs.status.value, theirs.tracker, theirs.timestamp, code)


@pytest.mark.parametrize(("secret", "accepted"), [(APP_SECRET, True), ("another", False)])
def test_the_library_accepts_the_same_signatures(secret: str, accepted: bool) -> None:
    request = prove(posted(delivery(status("sent"))), secret)
    signature = request.headers["x-hub-signature-256"]
    assert utils.webhook_updates_validator(APP_SECRET, request.body, signature) is accepted
    if accepted:
        build(TABLE).verify(request)
        return
    with pytest.raises(CallbackRefused):
        build(TABLE).verify(request)


# Of calls, not of messages.
CALLS_ONLY = 131044


@pytest.mark.parametrize(
    ("family", "kinds"),
    [
        (errors.AuthorizationError, {FailureKind.AUTH}),
        # Too fast for one recipient is passing: the account goes on.
        (errors.ThrottlingError, {FailureKind.THROTTLED, FailureKind.TRANSIENT}),
        (errors.IntegrityError, {FailureKind.AUTH, FailureKind.PERMANENT}),
        (errors.SendMessageError, {FailureKind.AUTH, FailureKind.PERMANENT, FailureKind.TRANSIENT}),
    ],
)
def test_every_error_of_a_send_that_the_library_knows_is_known_here(
    family: type[errors.WhatsAppError], kinds: set[FailureKind]
) -> None:
    codes = {code for error in family.__subclasses__() for code in error.__error_codes__ or ()}
    known = {code: known_failure(GraphError(code=code)) for code in codes - {CALLS_ONLY}}
    assert [code for code, meaning in known.items() if meaning is None] == []
    assert {meaning[0] for meaning in known.values() if meaning} == kinds
