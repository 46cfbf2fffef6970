"""Takes what devices publish at the MQTT broker of one account, together with the other instances of the rtm
daemon.

Each instance has a slot (gateway/store/bridge_slots.py), and with it a session at the broker of its own. That
nothing is lost when an instance dies or the broker is restarted rests on what brokers do with sessions; of
Mosquitto 2.0.11 this was tried (2026-11):

- It deals out what matches a shared subscription to all sessions that have it, in turn, also to those that
  are offline: it goes on queueing for them. So the session of an instance that died is taken over by another,
  under its client id, emptied and ended; and one that stops ends its own, unless nobody else is left. The
  same holds for the sessions of an account that has another name by now, or is gone from this broker.
- It forgets shared subscriptions when it is restarted, although it keeps the sessions and what is queued in
  them. Until the bridge is back, what devices publish has no subscriber: they get a PUBACK with reason 16 and
  have to publish it again. Ordinary subscriptions it keeps. So with `inbound: subscription` nothing has to be
  repeated, at the price that one instance works and the others stand by for its slot.
- What is queued stays queued when the session unsubscribes. MQTT does not promise that (5.0, section 3.10.4),
  so a session is unsubscribed only when it seems to be empty, where it ever is.

Presence is subscribed to by every instance for itself: it comes retained, and applying it twice does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from gateway.errors import ProviderError, UnavailableError
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import UP_KINDS, up_filter
from gateway.store.bridge_slots import BridgeSlots, Slot
from gateway.transports.mqtt.received import Received

logger = structlog.get_logger("rtm")

LEASE_SECONDS = 15.0
"""How long a slot stays with an instance that does not renew it."""
GROUP = "imgw"
_LOOK_SECONDS = LEASE_SECONDS / 3
_FIRST_SLOT = 0
_POLL_SECONDS = 0.1
_QUIET_SECONDS = 1.0
_EMPTY_WITHIN_SECONDS = 30.0  # a session that is always busy is not going to be quiet by itself


class Listener(Protocol):
    """The part of gateway.transports.mqtt.listener.MqttListener that a bridge needs."""

    @property
    def trouble(self) -> str | None: ...

    @property
    def unacknowledged(self) -> int: ...

    @property
    def quiet_seconds(self) -> float: ...

    def start(self) -> None: ...

    async def unsubscribe(self) -> None: ...

    async def stop(self, *, end_session: bool) -> None: ...


Listen = Callable[[str, Sequence[str], Callable[[Received], None]], Listener]
"""Makes a listener from a client id, filters, and whom to hand what comes."""


class Bridge:
    """One account's. `take` is handed what comes in, and acknowledges it."""

    def __init__(
        self, account: RtmAccount, slots: BridgeSlots, listen: Listen, take: Callable[[Received], None]
    ) -> None:
        self._account = account.account
        self._place = account.place
        self._shared = account.parameters.inbound == "shared_subscription"
        self._filters = filters(shared=self._shared)
        self._slots = slots
        self._listen = listen
        self._take = take
        self._slot: int | None = None
        self._listener: Listener | None = None
        self._stands_by = False
        self._task: asyncio.Task[None] | None = None
        self._emptying: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken right now, in words for an operator; None when all is well, also while
        another instance does it and this one stands by."""
        if self._listener is not None:
            return self._listener.trouble
        return None if self._stands_by else "no slot yet"

    @property
    def listening(self) -> bool:
        return self._listener is not None and self._listener.trouble is None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"bridge of {self._account}")

    async def stop(self, within_seconds: float, *, for_good: bool = False) -> None:
        """Leave no session behind that nobody empties, unless this was the last instance: then it is kept
        for the next one, but not `for_good`, when none will come to this broker."""
        for task in (self._task, self._emptying):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        if self._listener is None or self._slot is None:
            return
        listener, slot = self._listener, self._slot
        ended = False
        try:
            ended = await asyncio.wait_for(self._leave(listener, slot, for_good), within_seconds)
        except (TimeoutError, UnavailableError, ProviderError) as error:
            logger.warning("bridge.session_kept", account=self._account, slot=slot, error=str(error))
        finally:
            self._slots.let_go(self._account, slot)
            if not ended:
                await listener.stop(end_session=False)

    async def _leave(self, listener: Listener, slot: int, for_good: bool) -> bool:
        """Whether the session is ended."""
        others_stay = await self._slots.leave(self._account, slot)
        if not for_good and not (others_stay and self._shared):
            return False
        await self._end(listener, Slot(self._account, slot))
        return True

    async def _run(self) -> None:
        said = ""
        while True:
            try:
                await self._hold()
                said = ""
            except UnavailableError as error:
                if said != str(error):
                    logger.warning("bridge.waiting", account=self._account, error=str(error))
                said = str(error)
            except Exception:
                logger.exception("bridge.bug", account=self._account)
            await asyncio.sleep(_LOOK_SECONDS if self._stands_by else _POLL_SECONDS * 5)

    async def _hold(self) -> None:
        """Listen under a slot for as long as it is ours."""
        slot = await self._slots.claim(self._account, LEASE_SECONDS, place=self._place)
        if not self._shared and slot != _FIRST_SLOT:
            self._stands_by = True
            await self._slots.release(self._account, slot)
            return
        self._stands_by = False
        listener = self._listen(_client_id(Slot(self._account, slot)), self._filters, self._take)
        self._slot, self._listener = slot, listener
        listener.start()
        logger.info("bridge.listening", account=self._account, slot=slot)
        try:
            await self._until_lost(slot)
        except asyncio.CancelledError:  # by a stop, which sees to the session
            raise
        except BaseException:
            await self._let_go(listener, slot)
            raise
        logger.warning("bridge.slot_lost", account=self._account, slot=slot)
        await self._let_go(listener, slot)

    async def _let_go(self, listener: Listener, slot: int) -> None:
        self._slots.let_go(self._account, slot)
        await listener.stop(end_session=False)
        self._slot = self._listener = None

    async def _until_lost(self, slot: int) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            # While the store is away the slot may pass to somebody else; then the broker keeps the two apart,
            # and what is not acknowledged comes again.
            with contextlib.suppress(UnavailableError):
                if not await self._slots.renew(self._account, slot, LEASE_SECONDS):
                    return
            if self._emptying is None or self._emptying.done():
                name = f"emptying for {self._account}"
                self._emptying = asyncio.create_task(self._empty_abandoned(), name=name)

    async def _empty_abandoned(self) -> None:
        try:
            slot = await self._slots.abandoned(self._account, LEASE_SECONDS, place=self._place)
            if slot is not None:
                await self._empty(slot)
        except UnavailableError:  # it looks again
            pass
        except Exception:
            logger.exception("bridge.bug", account=self._account)

    async def _empty(self, slot: Slot) -> None:
        """Take what the session of an instance that is gone still holds, and end it."""
        logger.info("bridge.emptying", account=slot.account, slot=slot.number)
        listener = self._listen(_client_id(slot), self._filters, self._take)
        ended = False
        renewing = asyncio.create_task(self._keep_renewing(slot))
        listener.start()
        try:
            await self._until_emptied(listener)
            await self._end(listener, slot)
            ended = True
        except (UnavailableError, ProviderError) as error:  # it is found again when its time is over
            logger.warning("bridge.emptying_failed", account=slot.account, slot=slot.number, error=str(error))
        finally:
            renewing.cancel()
            if not ended:
                self._slots.let_go(slot.account, slot.number)
                await listener.stop(end_session=False)

    async def _keep_renewing(self, slot: Slot) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with contextlib.suppress(UnavailableError):
                await self._slots.renew(slot.account, slot.number, LEASE_SECONDS)

    async def _until_emptied(self, listener: Listener) -> None:
        loop, connected_at = asyncio.get_running_loop(), None
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            if listener.trouble is not None:
                continue
            connected_at = connected_at or loop.time()
            if _is_quiet(listener) or loop.time() - connected_at > _EMPTY_WITHIN_SECONDS:
                return

    async def _end(self, listener: Listener, slot: Slot) -> None:
        """Take on nothing new, deal with what is there, and end the session."""
        await listener.unsubscribe()
        await _quiet(listener)
        await listener.stop(end_session=True)
        await self._slots.release(slot.account, slot.number)
        logger.info("bridge.session_ended", account=slot.account, slot=slot.number)


def _client_id(slot: Slot) -> str:
    return f"imgw-rtm-{slot.account}-{slot.number}"


def filters(*, shared: bool) -> tuple[str, ...]:
    """All that an instance subscribes to."""
    group = f"$share/{GROUP}/" if shared else ""
    return (
        *(f"{group}{up_filter(kind)}" for kind in UP_KINDS if kind != "presence"),
        up_filter("presence"),
    )


def _is_quiet(listener: Listener) -> bool:
    return listener.unacknowledged == 0 and listener.quiet_seconds >= _QUIET_SECONDS


async def _quiet(listener: Listener) -> None:
    while not _is_quiet(listener):  # noqa: ASYNC110  quiet is what does not happen: nothing could say so
        await asyncio.sleep(_POLL_SECONDS)
