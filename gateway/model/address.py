"""Who a message goes to or comes from, and the conversation it belongs to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from gateway.model.base import Contract

AddressKind = Literal[
    "msisdn",
    "bsuid",
    "psid",
    "chat_id",
    "user_id",
    "openid",
    "device_token",
    "subscription",
    "email",
    "device",  # of the in-app channel: user id and device id, with a / between them
    "topic",  # of the in-app channel: a topic, or an expression of several
]
# A push subscription is the longest: its endpoint alone may have 400 characters.
AddressId = Annotated[str, StringConstraints(min_length=1, max_length=2_048, strip_whitespace=True)]

# What a plain string in an MT's `to` means on each channel.
USUAL_KIND: dict[str, AddressKind] = {
    "whatsapp": "msisdn",
    "sms": "msisdn",
    "rcs": "msisdn",
    "messenger": "psid",
    "instagram": "psid",
    "telegram": "chat_id",
    "wechat": "openid",
    "mobile_push": "device_token",
    "web_push": "subscription",
}


class Address(Contract):
    """A recipient or a sender: `id` means what `kind` says."""

    kind: AddressKind
    id: AddressId


class Person(Contract):
    """The sender of an MO: an address that an MT can be sent to, and a name where the provider tells one."""

    kind: AddressKind
    id: AddressId
    name: str | None = None


class Thread(Contract):
    """The conversation a message belongs to, or the announcement it is part of."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
    type: Literal["conversation", "announcement"]
    title: Annotated[str, StringConstraints(min_length=1, max_length=1_024)] | None = None


def on_channel(to: str | Address, channel: str) -> Address:
    """The full address for `to`: a string takes the channel's usual kind, `user_id` where it has none."""
    if isinstance(to, Address):
        return to
    return Address(kind=USUAL_KIND.get(channel, "user_id"), id=to)
