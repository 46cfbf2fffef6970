"""What the rtm daemon is made of: what takes the publications of devices, account by account; what tells
devices and wakes them; and the end of logins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.broker.topology import DR_IN, RTM_OUT, RTM_WAKE
from gateway.rtm.account import RtmAccount
from gateway.rtm.doorkeeper import Doorkeeper
from gateway.rtm.dynamic_security import DynamicSecurity, listening
from gateway.store.bridge_slots import BridgeSlots
from gateway.store.broker_logins import BrokerLogins
from gateway.store.inbox import Inbox
from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.received import LeftOver, Received
from processors.catalogue import Catalogue
from processors.loop import Loop
from processors.rtm.bridge import Bridge, Listen
from processors.rtm.bridges import Bridges, Inlet
from processors.rtm.downlinks import DownlinkProcessor
from processors.rtm.inlets import MqttInlet, QueueInlet
from processors.rtm.logins import LoginSweep
from processors.rtm.requests import Requests
from processors.rtm.responses import Responses
from processors.rtm.uplinks import WINDOW, Uplinks
from processors.rtm.wakeups import WakeProcessor
from processors.ways_out import WaysOut
from processors.wiring import Parts, queue_loop

_SESSION_SECONDS = 86_400  # of the gateway's own, for when no rtm daemon runs
# Of the time that a stop may take; the queues need theirs, too.
_MOST_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RtmWork:
    """All of it, while it runs."""

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


def build_rtm(parts: Parts, ways_out: WaysOut) -> RtmWork:
    security = DynamicSecurity(
        ways_out.mqtt, listening(parts.name, connect_timeout_seconds=_connect_timeout_seconds(parts))
    )
    return RtmWork(_bridges(parts, ways_out), _loops(parts, ways_out), _sweep(parts, security), security)


def _bridges(parts: Parts, ways_out: WaysOut) -> Bridges:
    slots = BridgeSlots(parts.database, parts.name)
    requests = Requests(parts.customers, parts.threads, parts.topics, Inbox(parts.database))

    def build(account: RtmAccount) -> Inlet:
        uplinks = Uplinks(
            account,
            parts.broker,
            parts.customers,
            requests,
            Responses(account, ways_out.mqtt, parts.metrics),
            parts.catalogue,
            parts.metrics,
        )
        if account.parameters.inbound == "amq_topic":
            return QueueInlet(
                parts.broker,
                uplinks,
                lambda queue, processor: queue_loop(parts, queue, processor, WINDOW),
                on_rabbitmq=parts.settings.broker.url is not None,
            )
        return MqttInlet(Bridge(account, slots, _listening_at(account, parts), uplinks.take), uplinks)

    return Bridges(
        lambda: parts.catalogue.current.accounts,
        build,
        parts.metrics,
        stop_within_seconds=min(parts.settings.processor.grace_seconds, _MOST_STOP_SECONDS),
    )


def _listening_at(account: RtmAccount, parts: Parts) -> Listen:
    left_over = LeftOver()

    def listen(client_id: str, filters: Sequence[str], take: Callable[[Received], None]) -> MqttListener:
        return MqttListener(
            account.server,
            client_id,
            filters,
            take,
            session_seconds=_SESSION_SECONDS,
            receive_maximum=WINDOW,
            connect_timeout_seconds=_connect_timeout_seconds(parts),
            left_over=left_over,
        )

    return listen


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


def _sweep(parts: Parts, security: DynamicSecurity) -> LoginSweep:
    def accounts() -> list[RtmAccount]:
        every = parts.catalogue.current.accounts.values()
        return [account for account in every if isinstance(account, RtmAccount) and account.enabled]

    logins = BrokerLogins(parts.database)
    return LoginSweep(Doorkeeper(security, logins), logins, parts.customers, accounts, parts.metrics)


def _connect_timeout_seconds(parts: Parts) -> float:
    return parts.settings.http.connect_timeout_seconds
