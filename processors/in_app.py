"""What the rtm daemon is made of: bridges, what is told to devices and wakes them, and the end of logins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.broker.topology import DR_IN, RTM_OUT, RTM_WAKE
from gateway.rtm.account import RtmAccount
from gateway.rtm.doorkeeper import Doorkeeper
from gateway.rtm.dynamic_security import DynamicSecurity, listening
from gateway.store.bridge_slots import BridgeSlots
from gateway.store.broker_logins import BrokerLogins
from gateway.store.inbox import Inbox
from processors.catalogue import Catalogue
from processors.loop import Loop
from processors.rtm.assembly import InletParts, build_bridges
from processors.rtm.bridges import Bridges
from processors.rtm.downlinks import DownlinkProcessor
from processors.rtm.logins import LoginSweep
from processors.rtm.requests import Requests
from processors.rtm.uplinks import WINDOW
from processors.rtm.wakeups import WakeProcessor
from processors.ways_out import WaysOut
from processors.wiring import Parts, queue_loop


@dataclass(frozen=True, slots=True)
class InAppWork:
    """All of the rtm daemon's work."""

    bridges: Bridges
    loops: tuple[Loop, ...]
    sweep: LoginSweep
    security: DynamicSecurity

    @property
    def trouble(self) -> str | None:
        """What does not go on right now, in words for an operator."""
        if not all(loop.consuming for loop in self.loops):
            return "not every queue is being consumed"
        return self.bridges.trouble

    def start(self) -> None:
        for loop in self.loops:
            loop.start()
        self.bridges.start()
        self.sweep.start()

    async def stop(self) -> None:
        await self.sweep.stop()
        await asyncio.gather(self.bridges.stop(), *(loop.stop() for loop in self.loops))
        await self.security.close()


def build_in_app(parts: Parts, ways_out: WaysOut) -> InAppWork:
    def catalogue() -> Catalogue:
        return parts.catalogue.current

    security = DynamicSecurity(
        ways_out.mqtt,
        listening(parts.name, connect_timeout_seconds=parts.settings.http.connect_timeout_seconds),
    )
    logins = BrokerLogins(parts.database)
    return InAppWork(
        bridges=_bridges(parts, ways_out),
        loops=_loops(parts, ways_out),
        sweep=LoginSweep(
            Doorkeeper(security, logins),
            logins,
            parts.customers,
            lambda: [
                account
                for account in catalogue().accounts.values()
                if isinstance(account, RtmAccount) and account.enabled
            ],
            parts.metrics,
        ),
        security=security,
    )


def _bridges(parts: Parts, ways_out: WaysOut) -> Bridges:
    inbox = Inbox(parts.database)
    shared = InletParts(
        broker=parts.broker,
        mqtt=ways_out.mqtt,
        customers=parts.customers,
        requests=Requests(parts.customers, parts.threads, parts.topics, inbox),
        slots=BridgeSlots(parts.database, parts.name),
        configured=parts.catalogue,
        metrics=parts.metrics,
        loop_of=lambda queue, processor: queue_loop(parts, queue, processor, WINDOW),
        on_rabbitmq=parts.settings.broker.url is not None,
        connect_timeout_seconds=parts.settings.http.connect_timeout_seconds,
    )
    return build_bridges(shared, grace_seconds=parts.settings.processor.grace_seconds)


def _loops(parts: Parts, ways_out: WaysOut) -> tuple[Loop, ...]:
    def catalogue() -> Catalogue:
        return parts.catalogue.current

    async def receipts_wait() -> bool:
        return await parts.broker.depth(DR_IN) > 0

    workers = parts.settings.processor.workers
    downlinks = DownlinkProcessor(ways_out.mqtt, parts.limiter, parts.customers, catalogue, parts.metrics)
    wakeups = WakeProcessor(
        parts.transactions,
        parts.customers,
        parts.limiter,
        ways_out.all,
        catalogue,
        parts.metrics,
        receipts_wait,
    )
    return (
        queue_loop(parts, RTM_OUT, downlinks, workers),
        queue_loop(parts, RTM_WAKE, wakeups, workers),
    )
