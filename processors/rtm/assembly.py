"""Puts together what takes the publications of each account's devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.broker.port import Broker
from gateway.rtm.account import RtmAccount
from gateway.store.bridge_slots import BridgeSlots
from gateway.store.customers import Customers
from gateway.telemetry.metrics import Metrics
from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.received import LeftOver, Received
from gateway.transports.port import MqttTransport
from processors.catalogue import Configured
from processors.loop import Loop
from processors.outcome import Processor
from processors.rtm.bridge import Bridge, Listen
from processors.rtm.bridges import Bridges, Inlet
from processors.rtm.inlets import MqttInlet, QueueInlet
from processors.rtm.requests import Requests
from processors.rtm.responses import Responses
from processors.rtm.uplinks import WINDOW, Uplinks

_SESSION_SECONDS = 86_400
# Of the time that a stop may take; the queues need theirs, too.
_MOST_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class InletParts:
    """What all inlets share."""

    broker: Broker
    mqtt: MqttTransport
    customers: Customers
    requests: Requests
    slots: BridgeSlots
    configured: Configured
    metrics: Metrics
    loop_of: Callable[[str, Processor], Loop]
    on_rabbitmq: bool
    connect_timeout_seconds: float


def build_bridges(parts: InletParts, *, grace_seconds: float) -> Bridges:
    def build(account: RtmAccount) -> Inlet:
        uplinks = Uplinks(
            account,
            parts.broker,
            parts.customers,
            parts.requests,
            Responses(account, parts.mqtt, parts.metrics),
            parts.configured,
            parts.metrics,
        )
        if account.parameters.inbound == "amq_topic":
            return QueueInlet(parts.broker, uplinks, parts.loop_of, on_rabbitmq=parts.on_rabbitmq)
        return MqttInlet(Bridge(account, parts.slots, _listening_at(account, parts), uplinks.take), uplinks)

    return Bridges(
        lambda: parts.configured.current.accounts,
        build,
        parts.metrics,
        stop_within_seconds=min(grace_seconds, _MOST_STOP_SECONDS),
    )


def _listening_at(account: RtmAccount, parts: InletParts) -> Listen:
    left_over = LeftOver()

    def listen(client_id: str, filters: Sequence[str], take: Callable[[Received], None]) -> MqttListener:
        return MqttListener(
            account.server,
            client_id,
            filters,
            take,
            session_seconds=_SESSION_SECONDS,
            receive_maximum=WINDOW,
            connect_timeout_seconds=parts.connect_timeout_seconds,
            left_over=left_over,
        )

    return listen
