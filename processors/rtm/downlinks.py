"""Tells devices what is for them beside MT: answers to what they sent, and what others did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson
import structlog
from pydantic import ValidationError

from gateway.broker.port import Delivery, Headers, Publication
from gateway.broker.topology import RTM_OUT, after, tier_for
from gateway.errors import FailureKind, ProviderError
from gateway.model.account import WAIT_TIERS_SECONDS
from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.expressions import Expression, parse
from gateway.rtm.items import Downlink
from gateway.rtm.names import Device, sync
from gateway.rtm.publications import publication
from gateway.rtm.refusals import RtmRefused
from gateway.store.customers import Customers
from gateway.telemetry.metrics import Metrics
from gateway.transports.port import MqttMessage, MqttTransport
from processors.catalogue import Catalogue
from processors.limiter import Limiter
from processors.outcome import Dead, Done, Outcome
from processors.sending import learn

logger = structlog.get_logger("rtm")

# How many people are told in one go.
PAGE = 1_000

_STALLED_TIER = 1
_AFTER = "x-after"  # of all who are to be told, in order, the last one who has been
_LOOKS = "x-looks"  # how often it has been tried in vain


@dataclass(frozen=True, slots=True)
class _Told:
    """A downlink with what was made of its words: one device, one person, or all whom topics mean."""

    downlink: Downlink
    correlation: bytes | None
    device: Device | None = None
    expression: Expression | None = None


class DownlinkProcessor:
    """Processes deliveries of `imgw.rtm.out`.

    An account's MQTT broker that is away keeps nobody waiting but its own: what is for it waits in the wait
    tiers, until it is not worth telling any more. A page of an audience takes one slot.
    """

    def __init__(
        self,
        transport: MqttTransport,
        limiter: Limiter,
        customers: Customers,
        catalogue: Callable[[], Catalogue],
        metrics: Metrics,
    ) -> None:
        self._transport = transport
        self._limiter = limiter
        self._customers = customers
        self._catalogue = catalogue
        self._metrics = metrics

    async def process(self, delivery: Delivery) -> Outcome:
        told = _read(delivery.body)
        if isinstance(told, Dead):
            return told
        downlink = told.downlink
        account = self._catalogue().accounts.get(downlink.account)
        if not isinstance(account, RtmAccount):
            return Dead("unknown_account", downlink.account)
        if downlink.expires_at <= now():
            self._count(downlink, "expired")
            return Done()
        if self._limiter.stalled(account.account, beside=True):
            return self._put_off(_later(downlink, delivery, _STALLED_TIER), downlink)
        topics, last = await self._topics(told, delivery.headers)
        failed = await self._tell(account, told, topics, delivery) if topics else None
        # To those on the pages that follow, what is refused to this one may go out nevertheless.
        if failed is not None and (last is None or isinstance(failed, Done)):
            return failed
        if last is not None:
            return Done([_same(delivery, {_AFTER: last, _LOOKS: 0})])
        self._count(downlink, "published")
        return Done()

    async def _tell(
        self, account: RtmAccount, told: _Told, topics: Sequence[str], delivery: Delivery
    ) -> Outcome | None:
        """None once it is published; else what becomes of the delivery: it waits, or is refused for good."""
        downlink, messages = told.downlink, _messages(topics, told, delivery.headers)
        seconds = await self._limiter.enter(account.account, beside=True)
        if seconds:
            return self._put_off(_later(downlink, delivery, seconds), downlink)
        try:
            await self._publish(account, messages)
        except ProviderError as error:
            _log(downlink, error)
            if error.kind is FailureKind.PERMANENT:
                self._count(downlink, "refused")
                return Dead("refused", f"the MQTT broker does not take it: {error.reason}")
            return self._put_off(_after_failure(downlink, delivery), downlink)
        return None

    async def _publish(self, account: RtmAccount, messages: Sequence[MqttMessage]) -> None:
        """In a slot that was had before, which is left. Raises ProviderError."""
        name, seconds = account.account, account.timeout_seconds
        try:
            await self._transport.publish(account.server, messages, timeout_seconds=seconds)
            learn(self._limiter, name, None)
        except ProviderError as error:
            if error.kind is FailureKind.AUTH:  # of one topic, it may be: no reason to be silent on others
                self._limiter.answered(name)
            else:
                learn(self._limiter, name, error)
            raise
        finally:
            self._limiter.leave(name, beside=True)

    async def _topics(self, told: _Told, headers: Headers) -> tuple[list[str], str | None]:
        """Where to publish it, and behind whom to go on; None when nobody is left."""
        downlink = told.downlink
        if told.device is not None:
            return [told.device.responses], None
        if told.expression is None:
            return [sync(downlink.app_id, downlink.user_id or "")], None
        since = headers.get(_AFTER)
        people = await self._customers.audience(
            downlink.app_id,
            told.expression,
            after=since if isinstance(since, str) else None,
            limit=PAGE,
        )
        last = people[-1] if len(people) == PAGE else None
        return [sync(downlink.app_id, user_id) for user_id in people], last

    def _put_off(self, later: Done, downlink: Downlink) -> Done:
        self._count(downlink, "waiting")
        return later

    def _count(self, downlink: Downlink, outcome: str) -> None:
        self._metrics.rtm_downlinks.labels(downlink.account, downlink.kind, outcome).inc()


def _read(body: bytes) -> _Told | Dead:
    try:
        downlink = Downlink.model_validate_json(body)
    except ValidationError as error:
        return Dead("invalid_message", f"not a downlink: {error.error_count()} fields are wrong")
    try:
        correlation = None if downlink.correlation is None else bytes.fromhex(downlink.correlation)
    except ValueError:
        return Dead("invalid_message", "correlation is not hexadecimal")
    if downlink.kind == "response":
        if downlink.user_id is None or downlink.device_id is None:
            return Dead("invalid_message", "a response needs user_id and device_id")
        device = Device(downlink.app_id, downlink.user_id, downlink.device_id)
        return _Told(downlink, correlation, device=device)
    if downlink.user_id is not None:
        return _Told(downlink, correlation)
    if downlink.audience is None:
        return Dead("invalid_message", "a sync needs user_id or audience")
    try:
        return _Told(downlink, correlation, expression=parse(downlink.audience))
    except RtmRefused as refusal:
        return Dead("invalid_message", refusal.detail)


def _messages(topics: Sequence[str], told: _Told, headers: Headers) -> list[MqttMessage]:
    """The same for all of them: they share its payload and properties."""
    downlink = told.downlink
    one = publication(
        "",
        orjson.dumps(downlink.payload),
        kind=downlink.kind,
        expires_at=downlink.expires_at,
        at=now(),
        correlation=told.correlation,
        trace=headers,
    )
    return [replace(one, topic=topic) for topic in topics]


def _log(downlink: Downlink, error: ProviderError) -> None:
    logger.warning(
        "downlink.failed",
        account=downlink.account,
        told=downlink.kind,
        failure=error.kind.value,
        reason=error.reason,
    )


def _after_failure(downlink: Downlink, delivery: Delivery) -> Done:
    """Later and later."""
    looks = delivery.headers.get(_LOOKS, 0)
    looks = looks if isinstance(looks, int) and looks >= 0 else 0
    seconds = WAIT_TIERS_SECONDS[min(looks, len(WAIT_TIERS_SECONDS) - 1)]
    return _later(downlink, delivery, seconds, looks=looks + 1)


def _later(downlink: Downlink, delivery: Delivery, seconds: float, *, looks: int | None = None) -> Done:
    """Again after a wait tier, which is no longer than it is worth waiting."""
    worth = (downlink.expires_at - now()).total_seconds()
    tiers = [tier for tier in WAIT_TIERS_SECONDS if tier <= min(tier_for(seconds), worth)]
    again = _same(delivery, {} if looks is None else {_LOOKS: looks})
    return Done([after(max(tiers, default=WAIT_TIERS_SECONDS[0]), RTM_OUT, again)])


def _same(delivery: Delivery, more: Headers) -> Publication:
    headers = {**delivery.headers, **more}
    return Publication("", RTM_OUT, delivery.body, delivery.type, delivery.message_id, headers)
