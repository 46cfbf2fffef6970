"""Whom to wake by push for an MT of the in-app channel, through which account, and with what words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from gateway.errors import MessageRefused
from gateway.model.account import ProviderAccount
from gateway.model.address import Address, on_channel
from gateway.model.application import Application, PushPlatform
from gateway.model.content import TextContent
from gateway.model.message import MTMessage, Notification
from gateway.rtm.items import wake_reference
from gateway.rtm.names import Device, device_name, read_device_name
from gateway.store.customers import Customer, KnownDevice
from gateway.store.records import MTRecord
from handlers.contract import Handler, Submission
from handlers.shared.splitting import cut
from processors.catalogue import Catalogue

_PLATFORMS: tuple[PushPlatform, ...] = ("android", "ios", "web")


@dataclass(frozen=True, slots=True)
class Target:
    """A device that can be woken."""

    device: Device
    push_token: str = field(repr=False)
    account: ProviderAccount
    handler: Handler
    connected: bool
    """Whether it need not be woken, as far as presence tells: where the MT is for this device alone, since it
    is connected; else since any of its person's is."""

    @property
    def name(self) -> str:
        """As the log of the MT calls it."""
        return device_name(self.device.user_id, self.device.device_id)


def targets(
    people: Iterable[Customer],
    to: Address,
    application: Application,
    catalogue: Catalogue,
    done: Collection[str],
) -> list[Target]:
    """The devices that an MT to this address is for, those with a push token whose platform has an account,
    but for those that are `done` (by `Target.name`)."""
    pushes = _accounts(application, catalogue)
    found = []
    for person in people:
        devices = _meant(person, to)
        connected = any(known.online for known in devices)
        for known in devices:
            device = Device(application.app_id, person.user_id, known.device_id)
            through = pushes.get(known.platform or "")
            if through is None or not known.push_token:
                continue
            target = Target(device, known.push_token, *through, connected)
            if target.name not in done:
                found.append(target)
    return found


def submission_of(target: Target, record: MTRecord, mt: MTMessage, application: Application) -> Submission:
    """The push message for one device. Raises MessageRefused where the account cannot carry one, or the
    device's token can be none of its kind."""
    notification, account = mt.notification, target.account
    if notification is None or "text" not in target.handler.capabilities.content:
        raise MessageRefused("unsupported_content", f"account {account.account} has no text")
    limit = target.handler.capabilities.content["text"]
    # One push message is enough to wake a device: what does not fit in it, the MT itself says.
    text = notification.text if limit is None else cut(notification.text, limit)
    try:
        to = on_channel(target.push_token, target.handler.channel)
    except ValidationError as error:
        raise MessageRefused("invalid_recipient", "the push token is empty") from error
    return Submission(
        reference=wake_reference(record.app_id, record.message_id, target.device),
        to=to,
        sender=account.senders[0] if account.senders else None,
        content=TextContent(text=text),
        thread=record.thread,
        attributes=_attributes(record, mt, notification, application),
        expires_at=record.expires_at,
    )


def _accounts(application: Application, catalogue: Catalogue) -> dict[str, tuple[ProviderAccount, Handler]]:
    """The account for each platform, also one that is switched off; for those whose account is gone, or none
    for push, none."""
    found = {}
    for platform in _PLATFORMS:
        account = catalogue.accounts.get(application.push.get(platform, ""))
        if account is None:
            continue
        handler = catalogue.handlers[account.account]
        if not handler.capabilities.in_app:
            found[str(platform)] = (account, handler)
    return found


def _meant(person: Customer, to: Address) -> tuple[KnownDevice, ...]:
    """The devices of a person that an MT to this address is for."""
    if to.kind != "device":
        return person.devices
    _, device_id = read_device_name(to.id)
    only = person.device(device_id or "")
    return () if only is None else (only,)


def _attributes(
    record: MTRecord, mt: MTMessage, notification: Notification, application: Application
) -> dict[str, str]:
    """The MT's own, since urgency and the like are among them, and the title that push services look for."""
    title = notification.title or (record.thread and record.thread.title) or application.name
    return {**mt.attributes, "title": title} if title else dict(mt.attributes)
