"""What the bridge puts on the gateway's queues, and what is put there for the rtm daemon to pass on to
devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import orjson

from gateway.broker.port import Headers, Publication
from gateway.broker.topology import RTM_OUT, RTM_WAKE, TYPE_DOWNLINK, TYPE_WAKE
from gateway.model.base import Contract, Identifier, Instant, Name, event_id
from gateway.rtm.names import Device, DeviceId, UserId

_WAKE_MARK = "#wake-"  # neither application nor message ids have it, and numbers of parts are none


class UpItem(Contract):
    """An MO or a receipt on its way to its processor: the device's own words, and whose they are.

    The body of a callback item of an account of the channel.
    """

    app_id: Name
    user_id: UserId
    device_id: DeviceId
    payload: Any
    """As the device wrote it: an UpMessage or an UpReceipt."""
    answer: bool = False
    """Whether the device named a response topic: then it wants to hear that its MO was taken."""
    correlation: str | None = None
    """The correlation data that came along, in hexadecimal; comes back with the answer."""

    @property
    def device(self) -> Device:
        return Device(self.app_id, self.user_id, self.device_id)


class Downlink(Contract):
    """Something to be told to devices, beside MT: an answer to one, or what others did (`sync`)."""

    account: Name
    kind: Literal["response", "sync"]
    app_id: Name
    user_id: UserId | None = None
    """To this person; None: to all who follow `audience`."""
    device_id: DeviceId | None = None
    """Only to this device, as an answer is."""
    audience: str | None = None
    """An expression of topics."""
    payload: dict[str, Any]
    correlation: str | None = None
    """In hexadecimal."""
    expires_at: Instant
    """Until when it is worth telling."""


class WakeUp(Contract):
    """An MT whose recipient's devices are to be woken by push where none of them is connected."""

    app_id: Name
    message_id: Identifier
    attempt: int = 1
    """How often it has been tried."""
    after: UserId | None = None
    """Of a topic's followers, in order, the last one that has been dealt with."""
    devices: tuple[str, ...] | None = None
    """Only these (user id/device id), which had to wait: all others have been dealt with, or are by another
    wake-up."""
    doubted: bool = False
    """Whether these were left out the first time because they counted as connected. Now it does not matter
    what their presence says, but whether anybody has said that the MT is there."""


def answer_to(
    account: str,
    device: Device,
    payload: dict[str, Any],
    expires_at: datetime,
    headers: Headers,
    *,
    correlation: str | None = None,
) -> Publication:
    """The publication by which a device gets this answer."""
    downlink = Downlink(
        account=account,
        kind="response",
        app_id=device.app_id,
        user_id=device.user_id,
        device_id=device.device_id,
        payload=payload,
        correlation=correlation,
        expires_at=expires_at,
    )
    return down_publication(downlink, headers)


def down_publication(downlink: Downlink, headers: Headers) -> Publication:
    body = orjson.dumps(downlink.model_dump(mode="json", exclude_none=True))
    return Publication("", RTM_OUT, body, TYPE_DOWNLINK, None, headers)


def wake_publication(wake: WakeUp, headers: Headers) -> Publication:
    # Without `doubted: false`, which an older version would not take.
    body = orjson.dumps(wake.model_dump(mode="json", exclude_defaults=True))
    return Publication("", RTM_WAKE, body, TYPE_WAKE, wake.message_id, headers)


def wake_reference(app_id: str, message_id: str, device: Device) -> str:
    """What the push message that wakes a device is called at its provider: another name for each device,
    and never that of the MT itself, which the push message does not deliver."""
    return f"{app_id}/{message_id}{_WAKE_MARK}{event_id(device.user_id, device.device_id)[:12]}"


def is_wake_reference(reference: str | None) -> bool:
    """Whether a receipt is for a push message that woke a device: it is no news of any MT."""
    return reference is not None and _WAKE_MARK in reference
