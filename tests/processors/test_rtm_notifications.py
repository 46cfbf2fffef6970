"""What wakes a device, as the real push services are asked for it: fcm, apns and web_push."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from gateway.model.address import Address, Thread
from gateway.model.application import Application, PushPlatform
from gateway.model.base import now
from gateway.model.message import MTMessage
from gateway.model.receipt import Status
from gateway.store.customers import Customer, KnownDevice
from gateway.store.records import MTRecord
from handlers.contract import Submitted
from handlers.shared.push_receipts import receipt_token
from processors.catalogue import Catalogue
from processors.rtm.notifications import submission_of, targets
from tests.handlers.cases import (
    apns,
    apns_accounts,
    apns_sends,
    fcm,
    fcm_accounts,
    fcm_sends,
    web_push,
    web_push_accounts,
    web_push_sends,
)
from tests.handlers.cases.push_rows import EXPIRES_AT, RECEIPT_URL, SECRET, UNTIL_THEN
from tests.handlers.fake_http import Answer, FakeHttp
from tests.handlers.rows import Sent, Table
from tests.handlers.tables import REGISTRY, build

REFERENCE = "shop/order-4711-shipped#wake-fd401fd5ba0f"  # of alice's phone
APNS_ID = "cb39e494-8d71-543a-b663-320904b0f7c4"  # of that reference
UNTIL = int(EXPIRES_AT.timestamp())
RECEIPT = {"token": receipt_token(SECRET, REFERENCE), "url": RECEIPT_URL}


@dataclass(frozen=True, slots=True)
class Service:
    """A push service: how it knows the device, what it says, and what it must be asked, by the title that is
    expected, if one is, and the words."""

    table: Table
    platform: PushPlatform
    push_token: str
    answers: tuple[Answer, ...]
    provider_message_id: str
    requests: Callable[[str | None, str], list[Sent]]


def of_firebase(title: str | None, text: str) -> list[Sent]:
    message = {
        "token": fcm_accounts.TO.id,
        "notification": _shown(title, text),
        "data": {"reference": REFERENCE, "receipt": orjson.dumps(RECEIPT).decode()},
        **fcm_accounts.platforms("low", until=UNTIL, replacing="order-4711"),
    }
    url = "https://fcm.example/v1/projects/shop-1/messages:send"
    headers = {"authorization": "Bearer ya29.first", "content-type": "application/json"}
    return [fcm_accounts.TOKEN_REQUEST, Sent("POST", url, headers, {"message": message})]


def of_apple(title: str | None, text: str) -> list[Sent]:
    headers = {
        "authorization": apns_accounts.ASKING,
        "apns-id": APNS_ID,
        "apns-topic": apns_accounts.TOPIC,
        "apns-push-type": "alert",
        "apns-priority": "5",
        "apns-expiration": str(UNTIL),
        "apns-collapse-id": "order-4711",
    }
    alert = {"alert": _shown(title, text), "sound": "default", "mutable-content": 1, "thread-id": "t-1"}
    document = {"aps": alert, "data": {"reference": REFERENCE, "receipt": RECEIPT}}
    url = f"https://apns.example/3/device/{apns_accounts.TO.id.lower()}"
    return [Sent("POST", url, headers, document)]


def of_mozilla(title: str | None, text: str) -> list[Sent]:
    headers = {
        "authorization": f"vapid for {web_push_accounts.MOZILLA} by {web_push_accounts.CONTACT}",
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": UNTIL_THEN,
        "urgency": "low",
        "topic": "order-4711",
    }
    # Browsers show nothing without a title: the account has one for what has none.
    shown = {**_shown(title or "Shop", text), "data": {"reference": REFERENCE, "receipt": RECEIPT}}
    document = {"web_push": 8030, "notification": shown, "mutable": True}
    return [Sent("POST", web_push_accounts.PLACE, headers, document)]


SERVICES = [
    Service(
        fcm.TABLE,
        "android",
        fcm_accounts.TO.id,
        (fcm_accounts.GRANTED, fcm_sends.TAKEN),
        fcm_sends.NAME,
        of_firebase,
    ),
    Service(apns.TABLE, "ios", apns_accounts.TO.id, (apns_sends.TAKEN,), APNS_ID, of_apple),
    Service(
        web_push.TABLE,
        "web",
        web_push_accounts.subscription().id,
        (web_push_sends.TAKEN,),
        web_push_sends.LOCATION,
        of_mozilla,
    ),
]
EVERY = pytest.mark.parametrize("service", SERVICES, ids=[each.table.provider for each in SERVICES])


@EVERY
async def test_a_push_service_shows_the_notification_and_nothing_of_the_message(service: Service) -> None:
    notification = {"title": "Your order", "text": "There is news"}
    taken, asked = await wake(
        service, notification, thread_title="Order 4711", attributes={"title": "Not this one"}
    )
    assert taken == Submitted((service.provider_message_id,))
    assert asked == service.requests("Your order", "There is news")


@EVERY
async def test_a_push_service_shows_the_threads_title_or_else_the_applications_name(service: Service) -> None:
    notification = {"text": "There is news"}
    _, asked = await wake(service, notification, thread_title="Order 4711", name="The shop")
    assert asked == service.requests("Order 4711", "There is news")
    _, asked = await wake(service, notification, name="The shop")
    assert asked == service.requests("The shop", "There is news")


@EVERY
async def test_a_push_service_takes_a_notification_for_which_there_is_no_title(service: Service) -> None:
    _, asked = await wake(service, {"text": "There is news"})
    assert asked == service.requests(None, "There is news")


@EVERY
async def test_a_push_service_takes_the_longest_notification_in_one_push(service: Service) -> None:
    taken, asked = await wake(service, {"title": "é" * 256, "text": "€" * 1_024})
    assert taken == Submitted((service.provider_message_id,))
    assert asked == service.requests("é" * 126 + "…", "€" * 999 + "…")


async def wake(
    service: Service,
    notification: dict[str, str],
    *,
    thread_title: str | None = None,
    name: str = "",
    attributes: dict[str, str] | None = None,
) -> tuple[Submitted, list[Sent]]:
    """Wake the phone for an MT with this notification: what comes of it, and all that the service got."""
    account = REGISTRY.account(service.table.accounts["main"], "accounts/main.yaml")
    application = Application(app_id="shop", name=name, push={service.platform: account.account})
    catalogue = Catalogue(
        1, {"shop": application}, {account.account: account}, {account.account: build(service.table)}
    )
    alice = Customer("alice", devices=(KnownDevice("phone", service.platform, service.push_token),))
    record, mt = _transaction(notification, thread_title, attributes or {})
    assert record.to is not None
    (target,) = targets([alice], record.to, application, catalogue, ())
    http = FakeHttp(*service.answers)
    taken = await target.handler.send(submission_of(target, record, mt, application), http.transports)
    assert service.table.read is not None
    return taken, [service.table.read(request) for request in http.requests]


def _transaction(
    notification: dict[str, str], thread_title: str | None, attributes: dict[str, str]
) -> tuple[MTRecord, MTMessage]:
    published = {
        "app_id": "shop",
        "message_id": "order-4711-shipped",
        "channel": "rtm",
        "to": {"kind": "user_id", "id": "alice"},
        "from": "Shop",
        "content": {"type": "text", "text": "Your order is on its way to Vienna."},
        "notification": notification,
        "attributes": {"urgency": "low", "collapse_key": "order-4711", "brand": "acme", **attributes},
    }
    mt = MTMessage.model_validate(published, by_name=False)
    record = MTRecord(
        app_id="shop",
        message_id="order-4711-shipped",
        status=Status.SUBMITTED,
        accepted_at=now(),
        expires_at=EXPIRES_AT,
        body=json.dumps(published).encode(),
        to=Address(kind="user_id", id="alice"),
        thread=Thread(id="t-1", type="conversation", title=thread_title),
    )
    return record, mt


def _shown(title: str | None, text: str) -> dict[str, Any]:
    return {"body": text} if title is None else {"title": title, "body": text}
