"""Mosquitto's dynamic security plugin: sends it commands, and waits for what it says.

Seen with Mosquitto 2.0.11 (2026-11): commands are JSON on a control topic, several in one publication, and
done one after the other; the answers to all come in one publication, to whoever listens, so each names the
publication that it answers. A command that fails does not keep those after it from being done. Meanwhile
nothing else is done, and nothing is published; and what has come in is done, whether or not somebody still
waits for its answer: 2,500 at once kept everybody waiting for a minute.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import orjson
import structlog

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import uuid7
from gateway.rtm.account import RtmAccount
from gateway.rtm.refusals import RtmRefused
from gateway.together import together
from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.received import Received
from gateway.transports.port import MqttMessage, MqttServer, MqttTransport

logger = structlog.get_logger("rtm")

Command = Mapping[str, Any]
Answer = Mapping[str, Any]

TOPIC = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{TOPIC}/response"
_POLL_SECONDS = 0.02
_PAUSE_SECONDS = 0.25
_RECEIVE_MAXIMUM = 100
# Enough that the broker always has something to do, and little enough that MT do not wait for long.
_TURNS = 20
# Who does not get a turn in this time is told to come again in five seconds.
_WAIT_SECONDS = 5.0


class Listener(Protocol):
    """What is needed of MqttListener."""

    def start(self) -> None: ...

    @property
    def trouble(self) -> str | None: ...

    async def stop(self, *, end_session: bool) -> None: ...


Listen = Callable[[MqttServer, Callable[[Received], None]], Listener]


def listening(name: str, *, connect_timeout_seconds: float) -> Listen:
    """How the answers are listened to: over a connection of its own. `name` is the process's."""

    def listen(server: MqttServer, take: Callable[[Received], None]) -> Listener:
        return MqttListener(
            server,
            # A process may have several of these.
            f"{name}-answers-{secrets.token_hex(4)}",
            [ANSWERS],
            take,
            session_seconds=0,
            receive_maximum=_RECEIVE_MAXIMUM,
            connect_timeout_seconds=connect_timeout_seconds,
        )

    return listen


class DynamicSecurity:
    """The plugins of all accounts' brokers. A connection that listens is made at an account's first command,
    and kept until `close`."""

    def __init__(self, mqtt: MqttTransport, listen: Listen, *, timeout_seconds: float = 10.0) -> None:
        self._mqtt = mqtt
        self._listen = listen
        self._timeout_seconds = timeout_seconds
        self._listeners: dict[str, tuple[MqttServer, Listener]] = {}
        self._waiting: dict[str, asyncio.Future[list[Answer]]] = {}
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_TURNS))

    @asynccontextmanager
    async def turn(self, account: RtmAccount) -> AsyncIterator[None]:
        """To be had for all the commands that belong together, and by not more than twenty at once. Raises
        RtmRefused with `unavailable`, before anything is done, when too many others come first."""
        turns = self._turns[account.account]
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await turns.acquire()
        except TimeoutError as error:
            logger.warning("dynamic_security.busy", account=account.account, wait_seconds=_WAIT_SECONDS)
            raise RtmRefused("unavailable") from error
        try:
            yield
        finally:
            turns.release()

    async def run(self, account: RtmAccount, commands: Sequence[Command]) -> list[Answer]:
        """Have the commands done, in a turn; returns the answer to each, with `error` where it was not.
        Raises RtmRefused with `unavailable` when there is no telling whether they were."""
        mark = uuid7()
        answered: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting[mark] = answered
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._until_heard(account)
                await self._until_published(account, [_publication(commands, mark)])
                answers = await answered
        except (ProviderError, TimeoutError) as error:
            raise _unavailable(account, error) from error
        finally:
            del self._waiting[mark]
        if len(answers) != len(commands):
            logger.warning("dynamic_security.unreadable", account=account.account)
            raise RtmRefused("unavailable")
        return answers

    async def publish(self, account: RtmAccount, messages: Sequence[MqttMessage]) -> None:
        """Publish devices' presence, which goes with the commands. Raises RtmRefused with `unavailable`."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._until_published(account, messages)
        except (ProviderError, TimeoutError) as error:
            raise _unavailable(account, error, "presence.not_cleared") from error

    async def close(self) -> None:
        listeners, self._listeners = list(self._listeners.values()), {}
        await together([_stop(server, listener) for server, listener in listeners])

    async def _until_published(self, account: RtmAccount, messages: Sequence[MqttMessage]) -> None:
        """Tried again while none of them can have reached the broker, as just after it was restarted."""
        while True:
            try:
                await self._mqtt.publish(account.server, messages, timeout_seconds=self._timeout_seconds)
            except ProviderError as error:
                if error.kind is not FailureKind.TRANSIENT:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def _until_heard(self, account: RtmAccount) -> None:
        """The answer would be lost while nobody listens."""
        listener = await self._listener(account)
        deadline = time.monotonic() + self._timeout_seconds
        while (trouble := listener.trouble) is not None:
            if time.monotonic() + _POLL_SECONDS > deadline:
                raise TimeoutError(trouble)
            await asyncio.sleep(_POLL_SECONDS)

    async def _listener(self, account: RtmAccount) -> Listener:
        kept = self._listeners.get(account.account)
        if kept is not None and kept[0] == account.server:
            return kept[1]
        listener = self._listen(account.server, self._take)
        self._listeners[account.account] = (account.server, listener)
        listener.start()
        if kept is not None:  # the account has changed
            await _stop(*kept)
        return listener

    def _take(self, received: Received) -> None:
        received.acknowledge()
        mark, answers = _read(received.payload)
        waiting = self._waiting.get(mark)
        if waiting is not None and not waiting.done():
            waiting.set_result(answers)


async def _stop(server: MqttServer, listener: Listener) -> None:
    """With MQTT 5 the session ends with its connection: one that hangs need not be reached once more."""
    await listener.stop(end_session=server.protocol == "3.1.1")


def _read(payload: bytes) -> tuple[str, list[Answer]]:
    """Which publication is answered, and how; an empty mark when it does not say."""
    try:
        answers: list[Answer] = orjson.loads(payload)["responses"]
        return str(answers[0]["correlationData"]), answers
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return "", []


def _publication(commands: Sequence[Command], mark: str) -> MqttMessage:
    told = [{**command, "correlationData": mark} for command in commands]
    return MqttMessage(TOPIC, orjson.dumps({"commands": told}))


def _unavailable(
    account: RtmAccount, error: Exception, event: str = "dynamic_security.unavailable"
) -> RtmRefused:
    told = str(error) or "no answer in time"
    way_out = "may the gateway's login publish to imgw/v1/#?"
    if account.parameters.access == "dynamic_security":
        way_out = f"is the plugin loaded, and may the gateway's login use {TOPIC} and imgw/v1/#?"
    logger.warning(event, account=account.account, error=f"{told}; {way_out}")
    return RtmRefused("unavailable")
