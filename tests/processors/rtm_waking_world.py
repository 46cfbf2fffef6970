"""What the tests of waking devices share: people who are away, and push services that do as they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from gateway.broker.port import Delivery
from gateway.errors import FailureKind, ProviderError
from gateway.model.account import ProviderAccount, RetrySchedule
from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.items import wake_reference
from gateway.rtm.names import Device
from handlers.contract import Capabilities, Handler
from handlers.providers.rtm import Rtm
from handlers.shared.splitting import Limit
from processors.catalogue import Catalogue
from processors.rtm.wakeups import WakeProcessor
from tests.handlers.fake_http import FakeHttp
from tests.processors.conftest import World, done
from tests.processors.fakes import Provider, delivery_of
from tests.processors.rtm_world import BOBS, BROKER, PHONE, TABLET, TRACE, to_ann

CAN = Capabilities(content={"text": Limit(20)}, receipts=True)
NOTE = {"title": "News", "text": "Something happened"}


class Push(Provider):
    """A push service."""

    channel: ClassVar[str] = "mobile_push"


class Browsers(Provider):
    channel: ClassVar[str] = "web_push"


ANDROID = ProviderAccount(
    account="fcm-1",
    provider="scripted",
    channel="mobile_push",
    retry=RetrySchedule(intervals_seconds=(5, 30)),
)
WEB = ProviderAccount(account="web-1", provider="scripted", channel="web_push")


@dataclass
class Waking:
    """A world with an account for Android and one for browsers."""

    world: World
    android: Push = field(default_factory=lambda: Push(CAN))
    web: Browsers = field(default_factory=lambda: Browsers(CAN))
    accounts: dict[str, ProviderAccount] = field(
        default_factory=lambda: {"rtm-1": BROKER, "fcm-1": ANDROID, "web-1": WEB}
    )
    receipts_wait: bool = False

    def configure(self, **application: Any) -> None:
        handlers: dict[str, Handler] = {"rtm-1": Rtm(BROKER), "fcm-1": self.android, "web-1": self.web}
        usual = {"app_id": "shop", "name": "Shop", "push": {"android": "fcm-1", "web": "web-1"}}
        shop = Application.model_validate({**usual, **application})
        world = self.world
        world.catalogue = Catalogue(1, {"shop": shop}, self.accounts, handlers)
        world.limiter.configure(self.accounts)

    @property
    def processor(self) -> WakeProcessor:
        world, ways_out = self.world, FakeHttp().transports
        return WakeProcessor(
            world.transactions,
            world.customers,
            world.limiter,
            ways_out,
            lambda: world.catalogue,
            world.metrics,
            self._receipts_wait,
        )

    async def _receipts_wait(self) -> bool:
        return self.receipts_wait

    async def submit(self, **fields: Any) -> Delivery:
        """Send an MT; the delivery that wakes for it."""
        delivery = to_ann(**{"notification": NOTE, **fields})
        published = await done(self.world.mt, replace(delivery, headers={**delivery.headers, **TRACE}))
        [wake] = [each for each in published if each.routing_key == "imgw.rtm.wake"]
        return delivery_of(wake)

    async def rows(self) -> list[Mapping[str, Any]]:
        """What the MT's log says of waking, without when."""
        found = (await self.world.record()).wakeups
        return [{name: value for name, value in row.items() if name != "at"} for row in found]

    def counts(self) -> dict[tuple[str, str], float]:
        [metric] = self.world.metrics.rtm_wakeups.collect()
        return {
            (each.labels["account"], each.labels["outcome"]): each.value
            for each in metric.samples
            if each.name.endswith("_total")
        }


async def away(rtm: World) -> Waking:
    """Ann with a phone and a tablet and Bob with a browser, none of them connected."""
    waking = Waking(rtm)
    waking.configure()
    await register(rtm, PHONE, "android")
    await register(rtm, TABLET, "android")
    await register(rtm, BOBS, "web")
    return waking


async def register(world: World, device: Device, platform: str) -> None:
    await world.customers.touch(device, now(), platform=platform, push_token=token_of(device))


def token_of(device: Device) -> str:
    return f"token-{device.user_id}-{device.device_id}"


def woken(provider: Provider) -> list[str]:
    return sorted(submission.to.id for submission in provider.sent)


def submitted(device: Device, account: str = "fcm-1") -> dict[str, Any]:
    ids = [f"p-{wake_reference('shop', 'm-1', device)}"]
    return {"device": name(device), "account": account, "provider_message_ids": ids}


def failed(device: Device, reason: str, account: str = "fcm-1") -> dict[str, Any]:
    return {"device": name(device), "account": account, "reason": reason}


def name(device: Device) -> str:
    return f"{device.user_id}/{device.device_id}"


def failure(kind: FailureKind, reason: str = "provider_error", after: float | None = None) -> ProviderError:
    return ProviderError(kind, reason=reason, code="E1", retry_after_seconds=after)
