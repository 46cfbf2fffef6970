"""Who takes part in the in-app channel, and the MQTT topics that are theirs.

Every id is one level of a topic. What a level, or a broker that translates topics, could misread is written
as %XX; clients need not know how: they are told their topics with their token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, get_args
from urllib.parse import unquote

from pydantic import StringConstraints

PREFIX = "imgw/v1"

UpKind = Literal["up", "rcpt", "req", "presence"]
"""What a device publishes: MO, receipts, requests, and whether it is there."""
UP_KINDS: tuple[UpKind, ...] = get_args(UpKind)

# Opaque ids of the application's own, best without meaning for anybody else: they stand in topics, which
# brokers log.
UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}$")]
DeviceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]

_APP_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}")
_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_NOT_AS_IT_IS = re.compile(r"[^A-Za-z0-9_-]")


def level(id: str) -> str:
    """An id as one level of a topic: everything but letters, digits, `_` and `-` as %XX. Dots, too, since
    RabbitMQ takes them for `/`."""
    return _NOT_AS_IT_IS.sub(_escaped, id)


@dataclass(frozen=True, slots=True)
class Device:
    """One device of one person in one application."""

    app_id: str
    user_id: str
    device_id: str

    @property
    def login(self) -> str:
        """Its user name and client id at the MQTT broker: `shop:alice:phone`."""
        return ":".join(map(level, (self.app_id, self.user_id, self.device_id)))

    def up(self, kind: UpKind) -> str:
        """Where it publishes what is of this kind."""
        return f"{self._own}/{kind}"

    @property
    def down(self) -> str:
        """What is for this device alone."""
        return f"{self._own}/down"

    @property
    def responses(self) -> str:
        """Where it hears what became of what it sent."""
        return f"{self._own}/res"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """All that it listens to."""
        user = (self.app_id, self.user_id)
        return (down(*user), sync(*user), self.down, self.responses)

    @property
    def publications(self) -> tuple[str, ...]:
        """All that it may publish to."""
        return tuple(self.up(kind) for kind in UP_KINDS)

    @property
    def _own(self) -> str:
        return f"{_user(self.app_id, self.user_id)}/d/{level(self.device_id)}"


def down(app_id: str, user_id: str) -> str:
    """What is for all devices of a person."""
    return f"{_user(app_id, user_id)}/down"


def sync(app_id: str, user_id: str) -> str:
    """What a person's devices hear of each other, and of the topics that the person follows."""
    return f"{_user(app_id, user_id)}/sync"


def up_filter(kind: UpKind) -> str:
    """The subscription to all that devices publish of this kind."""
    return f"{PREFIX}/+/u/+/d/+/{kind}"


def read_up(topic: str) -> tuple[Device, UpKind] | None:
    """Whose topic this is, and for what; None when it is none that a device publishes to."""
    parts = topic.split("/")
    if len(parts) != 8 or f"{parts[0]}/{parts[1]}" != PREFIX or (parts[3], parts[5]) != ("u", "d"):
        return None
    kind = next((known for known in UP_KINDS if known == parts[7]), None)
    app_id, user_id, device_id = (unquote(parts[at], errors="replace") for at in (2, 4, 6))
    known = _APP_ID.fullmatch(app_id) and _USER_ID.fullmatch(user_id) and _DEVICE_ID.fullmatch(device_id)
    device = Device(app_id, user_id, device_id)
    if kind is None or not known or device.up(kind) != topic:  # written in another way than ours
        return None
    return device, kind


def read_login(login: str) -> Device | None:
    """The device that a login is of; None when it is none."""
    parts = login.split(":")
    if len(parts) != 3:
        return None
    found = read_up(f"{PREFIX}/{parts[0]}/u/{parts[1]}/d/{parts[2]}/up")
    return found[0] if found else None


def device_name(user_id: str, device_id: str) -> str:
    """What a device is called within its application: in MT to it, in DR, and in the log."""
    return f"{user_id}/{device_id}"


def read_device_name(name: str) -> tuple[str, str | None]:
    """The user id and the device id in the name of a device; no device id where it is that of a person."""
    user_id, slash, device_id = name.partition("/")
    return user_id, device_id if slash else None


def device_names(user_id: str) -> tuple[str, str]:
    """What the names of a person's devices lie between, and those of no others."""
    return f"{user_id}/", f"{user_id}0"  # the 0 comes right after the /


def mo_name(device: Device, id: str) -> str:
    """What an MO has where those of other channels have their provider's id. `id` is the client's own."""
    return f"{device.app_id}/{device_name(device.user_id, device.device_id)}/{id}"


def read_mo_name(name: str) -> tuple[Device, str]:
    """The device that an MO is from, and the client's own id of it."""
    app_id, user_id, device_id, id = name.split("/")
    return Device(app_id, user_id, device_id), id


def _escaped(char: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in char[0].encode())


def _user(app_id: str, user_id: str) -> str:
    return f"{PREFIX}/{level(app_id)}/u/{level(user_id)}"
