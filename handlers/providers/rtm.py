"""The gateway's own in-app channel, over an MQTT broker (MQTT 5; 3.1.1 without what is its own).

Out: everything but templates, as it is, in JSON (gateway/rtm/wire.py); media by URL only, since there is
nobody who would keep them under an id. To all devices of a person (`user_id`), to one device (`device`: user
id, a /, device id), or to all who follow a topic (`topic`), each on the `down` topic of their own: a device
then needs the same few topics whatever its person follows, and no more. QoS 1, kept by the broker for devices
that are away until the message expires.
Receipts: devices say `delivered` and `read` themselves, of a reaction, too. Nothing is said of a typing mark
or a mark that something was read: those are gone after seconds, and `submitted` is the end of them.
In: MO and receipts come over MQTT as well, by the rtm daemon, which puts them on the gateway's queues as
items (gateway/rtm/items.py). There are no HTTP callbacks: all are refused.

Sending twice shows once: a repetition has the same `message_id`, and clients drop one that they had. A
message to many followers goes in pages, each with the account's `timeout_seconds` for itself; one that fails
half way is repeated to all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from gateway.errors import CallbackRefused, FailureKind, MessageRefused, ProviderError
from gateway.model.account import ProviderAccount
from gateway.model.address import Address, Person
from gateway.model.base import now
from gateway.model.callback import CallbackItem, CallbackReply, CallbackRequest
from gateway.model.content import (
    PASSING,
    EventContent,
    InboundContent,
    InboundMediaContent,
    MediaContent,
    TypingContent,
)
from gateway.model.receipt import DeliveryReceipt, Reporter
from gateway.rtm.account import RtmAccount
from gateway.rtm.items import UpItem
from gateway.rtm.names import PREFIX, Device, down, mo_name, read_device_name, read_up
from gateway.rtm.publications import PASSING_LASTS, publication
from gateway.rtm.wire import UpContent, UpMedia, UpMessage, UpReceipt, message_down
from gateway.transports.failing import refused_to_some
from gateway.transports.port import HttpRequest, MqttMessage, Transports
from handlers.contract import Capabilities, InboundMessage, Submission, Submitted
from handlers.shared.audiences import pages

_MOST_BUTTONS = 64  # as many as a message can have
_CHECK_TOPIC = f"{PREFIX}/check"


class Rtm:
    """Publishes what is for devices, and reads what they publish."""

    provider: ClassVar[str] = "rtm"
    channel: ClassVar[str] = "rtm"
    Account: ClassVar[type[ProviderAccount]] = RtmAccount
    capabilities: Capabilities = Capabilities(
        content={
            "text": None,
            "image": None,
            "video": None,
            "audio": None,
            "document": None,
            "sticker": None,
            "location": None,
            "contact": None,
            "list": None,
            "reaction": None,
            "typing": None,
            "read": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons=dict.fromkeys(("reply", "url", "call", "location"), _MOST_BUTTONS),
        mixed_buttons=True,
        buttons_under=frozenset({"text", "image", "video", "audio", "document", "sticker"}),
        replies=True,
        idempotent=True,
        in_app=True,
    )

    def __init__(self, account: RtmAccount) -> None:
        self._account = account

    async def send(self, submission: Submission, out: Transports) -> Submitted:
        _check(submission)
        passing = submission.content.type in PASSING
        expires_at = _expiry(submission.expires_at, now(), passing=passing)
        refusal: ProviderError | None = None
        taken = False
        for number, topics in enumerate(_pages(submission)):
            at = now()
            if number and expires_at is not None and expires_at <= at:
                raise _too_late()
            try:
                await self._publish(_messages(submission, topics, at, expires_at), out)
                taken = True
            except ProviderError as error:
                if error.reason == "provider_unavailable":  # the next page would fare no better
                    raise
                refusal = refusal or error  # what is refused to one keeps it from none of the others
        if refusal is not None:
            raise refused_to_some(refusal) if taken else refusal
        return Submitted((submission.key,), receipts_follow=not passing)

    def verify(self, request: CallbackRequest) -> None:
        raise CallbackRefused("this account takes no callbacks: devices speak over MQTT")

    def split(self, request: CallbackRequest) -> Sequence[CallbackItem]:
        return ()

    def reply(self, request: CallbackRequest) -> CallbackReply:
        return CallbackReply(status=404)

    def parse_mo(self, item: CallbackItem) -> Sequence[InboundMessage]:
        if item.kind != "mo":
            return ()
        up = UpItem.model_validate_json(item.body)
        said = UpMessage.model_validate(up.payload)
        message = InboundMessage(
            provider_message_id=mo_name(up.device, said.id),
            sender=Person(kind="user_id", id=up.user_id),
            content=_read(said.content),
            in_reply_to=said.in_reply_to,
            sent_at=said.sent_at,
            origin=up,
        )
        return (message,)

    def parse_dr(self, item: CallbackItem) -> Sequence[DeliveryReceipt]:
        if item.kind != "dr":
            return ()
        up = UpItem.model_validate_json(item.body)
        said = UpReceipt.model_validate(up.payload)
        receipt = DeliveryReceipt(
            reference=f"{up.app_id}/{said.message_id}",
            status=said.status,
            provider_status=said.status,
            occurred_at=said.at,
            reporter=Reporter(
                app_id=up.app_id,
                user_id=up.user_id,
                device_id=up.device_id,
                correlation=up.correlation,
            ),
        )
        return (receipt,)

    async def media(self, media_id: str, out: Transports) -> HttpRequest | None:
        return None

    async def check(self, out: Transports) -> str | None:
        # Nobody listens there, and the broker forgets it at once.
        await self._publish([MqttMessage(_CHECK_TOPIC, b"", expiry_seconds=1)], out)
        server = self._account.server
        return f"MQTT broker {server.host}, port {server.port}"

    async def _publish(self, messages: Sequence[MqttMessage], out: Transports) -> None:
        account = self._account
        await out.mqtt.publish(account.server, messages, timeout_seconds=account.timeout_seconds)


def _check(submission: Submission) -> None:
    content = submission.content
    if content.type == "template":
        raise MessageRefused("unsupported_content", "the in-app channel has no template")
    if isinstance(content, MediaContent) and content.url is None:
        raise MessageRefused("media_unsupported", "the in-app channel takes media by url, not by media_id")


def _named(submission: Submission) -> tuple[str, str]:
    """Its application and its id, as devices know them."""
    app_id, _, message_id = submission.key.partition("/")
    return app_id, message_id


def _pages(submission: Submission) -> Iterator[list[str]]:
    """The topics that it is published to, a page at a time. Raises MessageRefused."""
    app_id, _ = _named(submission)
    if submission.to.kind != "topic":
        yield [_topic(submission.to, app_id)]
        return
    if not submission.audience:
        raise MessageRefused("recipient_unreachable", "nobody follows what it is for")
    for page in pages(submission.audience):
        yield [down(app_id, user_id) for user_id in page]


def _topic(to: Address, app_id: str) -> str:
    """That of a person or of a device. Raises MessageRefused."""
    if to.kind == "user_id" and _known(Device(app_id, to.id, "any")):
        return down(app_id, to.id)
    user_id, device_id = read_device_name(to.id)
    device = Device(app_id, user_id, device_id or "")
    if to.kind == "device" and _known(device):
        return device.down
    if to.kind not in ("user_id", "device"):
        raise MessageRefused("invalid_recipient", f"the in-app channel has no {to.kind}")
    form = "a user id" if to.kind == "user_id" else "a user id and a device id with a / between them"
    raise MessageRefused("invalid_recipient", f"a {to.kind} is {form}")


def _messages(
    submission: Submission, topics: Sequence[str], at: datetime, expires_at: datetime | None
) -> list[MqttMessage]:
    """A page of it: the same for all, who share its payload and properties."""
    app_id, message_id = _named(submission)
    payload = message_down(
        message_id=message_id,
        app_id=app_id,
        to=submission.to,
        sender=submission.sender,
        thread=submission.thread,
        content=submission.content,
        in_reply_to=submission.in_reply_to,
        sent_at=at,
        expires_at=expires_at,
    )
    one = publication(
        "",
        payload,
        kind="message",
        expires_at=expires_at,
        at=at,
        correlation=message_id.encode(),
        trace=submission.trace,
        message_id=message_id,
    )
    return [replace(one, topic=topic) for topic in topics]


def _too_late() -> ProviderError:
    """For good: clients would drop it. Receipts of those who have it already still count."""
    return ProviderError(
        FailureKind.PERMANENT,
        reason="expired_before_send",
        code="expired",
        text="its time passed before all its followers had it",
    )


def _known(device: Device) -> bool:
    """Whether there can be such a device, by the form of its ids."""
    return read_up(device.up("up")) is not None


def _expiry(expires_at: datetime | None, at: datetime, *, passing: bool) -> datetime | None:
    if not passing:
        return expires_at
    soon = at + PASSING_LASTS
    return soon if expires_at is None else min(soon, expires_at)


def _read(content: UpContent) -> InboundContent:
    if isinstance(content, UpMedia):
        return InboundMediaContent(**content.model_dump())
    return EventContent(name="typing") if isinstance(content, TypingContent) else content
