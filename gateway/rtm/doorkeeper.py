"""Lets devices in at brokers that the gateway tells about them (`access: dynamic_security`): a login for each
device that was given a token, and a role with exactly its topics.

What Mosquitto 2.0.11 does (2026-11), and what follows from it:

- Whatever changes a login disconnects who uses it, without publishing the will. So a new token cuts the
  connection that was made with the one before; the client comes back with the new one, to the same session.
- A session whose login is deleted goes on, but nothing more is put into it. So the login of a device whose
  token has ended is only disabled, and deleted when its session is sure to be over.
- Every change writes the file of all logins. So as little is changed as will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog

from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.dynamic_security import Answer, Command, DynamicSecurity
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.tokens import MAX_SECONDS, SESSION_SECONDS, ClientToken
from gateway.store.broker_logins import BrokerLogins
from gateway.transports.port import MqttMessage

logger = structlog.get_logger("rtm")

LOGIN_KEPT = timedelta(seconds=SESSION_SECONDS, hours=1)
"""For how long after its last token a login is kept, disabled: longer than any session of its device, whose
time runs from when it was cut off, which may be a while after its token has ended."""

_TRIES = 3
_FOR_EVER = timedelta(seconds=MAX_SECONDS) + LOGIN_KEPT + timedelta(days=1)
# What the plugin says when there is nothing to do.
_NO_CLIENT = "Client not found"
_CLIENT_EXISTS = "Client already exists"
_ROLE_EXISTS = "Role already exists"
_NO_ROLE = "Role not found"


def deletions(account: str) -> str:
    """The calendar, in BrokerLogins, of when an account's logins are deleted; the account's own is that of
    when they are disabled. No account has such a name."""
    return f"{account}/kept"


class Doorkeeper:
    """For all accounts. Where the broker finds out itself (`access: external`) there are no logins to make:
    only the presence of who is dismissed is taken away."""

    def __init__(self, security: DynamicSecurity, logins: BrokerLogins) -> None:
        self._security = security
        self._logins = logins

    async def admit(self, account: RtmAccount, device: Device, token: ClientToken) -> None:
        """Let the device in with this token, and with no other, until it ends. Raises RtmRefused with
        `unavailable`, and StoreUnavailable."""
        if account.parameters.access != "dynamic_security":
            return
        # One turn for all: who had to wait again for the second half would often be told for nothing.
        async with self._security.turn(account):
            # First, so that no login is left that nobody takes away.
            await self._logins.note(deletions(account.account), device.login, token.expires_at + LOGIN_KEPT)
            await self._logins.note(account.account, device.login, token.expires_at)
            for _ in range(_TRIES):
                if await self._renewed(account, device, token) or await self._made(account, device, token):
                    return
        raise RtmRefused("unavailable")  # somebody takes it away again and again

    async def dismiss(self, account: RtmAccount, device: Device) -> None:
        """What is retained of the device's presence is taken away. Where logins are the gateway's to make, it
        is no longer let in, and if it is connected, it is cut off. Harmless when repeated. Raises RtmRefused
        with `unavailable`, and StoreUnavailable."""
        ours = account.parameters.access == "dynamic_security"
        if ours:
            await self.delete(account, [device.login])
        await self.clear_presence(account, [device])
        if ours:
            until = now() + _FOR_EVER
            await self._logins.forget(account.account, device.login, until)
            await self._logins.forget(deletions(account.account), device.login, until)

    async def disable(self, account: RtmAccount, logins: Sequence[str]) -> None:
        """Cut them off, and let them in no more; their sessions go on. Raises RtmRefused."""
        await self._in_turn(account, [{"command": "disableClient", "username": login} for login in logins])

    async def enable(self, account: RtmAccount, login: str) -> None:
        """Let it in again. Raises RtmRefused."""
        await self._in_turn(account, [_enabling(login)])

    async def delete(self, account: RtmAccount, logins: Sequence[str]) -> None:
        """Cut them off, and forget them. Raises RtmRefused."""
        commands: list[Command] = []
        for login in logins:
            commands.append({"command": "deleteClient", "username": login})
            commands.append({"command": "deleteRole", "rolename": login})
        await self._in_turn(account, commands)

    async def clear_presence(self, account: RtmAccount, devices: Iterable[Device]) -> None:
        """Take away what the broker retains of their presence: whoever is cut off has no will. Raises
        RtmRefused with `unavailable`."""
        cleared = [MqttMessage(device.up("presence"), b"", retain=True) for device in devices]
        await self._security.publish(account, cleared)

    async def _renewed(self, account: RtmAccount, device: Device, token: ClientToken) -> bool:
        """Whether there was a login, which has this token now."""
        login = device.login
        answers = await self._run(
            account,
            [
                {"command": "setClientPassword", "username": login, "password": token.value},
                {"command": "getClient", "username": login},
            ],
        )
        if any("error" in answer for answer in answers):
            return False
        if answers[1]["data"]["client"].get("disabled"):
            await self._run(account, [_enabling(login)])
        return True

    async def _made(self, account: RtmAccount, device: Device, token: ClientToken) -> bool:
        """Whether there is a new login, with this token."""
        login = device.login
        client = {
            "command": "createClient",
            "username": login,
            "clientid": login,
            "password": token.value,
            "roles": [{"rolename": login}],
        }
        answers = await self._run(account, [_role(device), client])
        return "error" not in answers[1]

    async def _in_turn(self, account: RtmAccount, commands: Sequence[Command]) -> None:
        async with self._security.turn(account):
            await self._run(account, commands)

    async def _run(self, account: RtmAccount, commands: Sequence[Command]) -> list[Answer]:
        answers = await self._security.run(account, commands)
        expected = (_NO_CLIENT, _CLIENT_EXISTS, _ROLE_EXISTS, _NO_ROLE)
        for answer in answers:
            if answer.get("error", _NO_CLIENT) not in expected:
                logger.warning(
                    "dynamic_security.refused",
                    account=account.account,
                    command=answer.get("command"),
                    error=answer["error"],
                )
                raise RtmRefused("unavailable")
        return answers


def _enabling(login: str) -> Command:
    return {"command": "enableClient", "username": login}


def _role(device: Device) -> Command:
    """What it may receive is what it may subscribe to, so the plugin's default, all, can stay."""
    allowed = [("publishClientSend", topic) for topic in device.publications]
    allowed += [("subscribeLiteral", topic) for topic in device.subscriptions]
    acls = [{"acltype": kind, "topic": topic, "allow": True} for kind, topic in allowed]
    return {"command": "createRole", "rolename": device.login, "acls": acls}
