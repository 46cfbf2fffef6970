"""`/v1/applications/<app_id>/customers`: the people of an application, and their devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError

from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.store.customers import Customer, Customers
from gateway.store.erasure import Erasure
from gateway.store.threads import Threads
from gateway.together import together
from gateway.web.api import attributes
from gateway.web.api.configured import Configured, Door, application_of, dismiss
from gateway.web.api.customer_models import (
    CustomerAnswer,
    CustomerBatch,
    CustomerItem,
    CustomerPage,
    CustomerQuery,
    UpsertAnswer,
    shown,
)
from gateway.web.api.operations import Call, Nothing, Operation, Route, bind
from gateway.web.api.paging import page
from gateway.web.api.reading import faults_of
from gateway.web.api.thread_models import ThreadPage, ThreadQuery

logger = structlog.get_logger("api")

_TAG, _ALL = "customers", "/applications/{app_id}/customers"
_ONE = f"{_ALL}/{{user_id}}"

UPSERT = Operation(
    id="upsertCustomers",
    method="POST",
    path=_ALL,
    tag=_TAG,
    summary="Add people, or change attributes of those there are",
    query=Nothing,
    body=CustomerBatch,
    answer=UpsertAnswer,
    description="Each by itself: what is wrong with one is told in its place, and the others are done."
    " An attribute that is absent stays; one that is null is taken away.",
)
LIST = Operation(
    id="listCustomers",
    method="GET",
    path=_ALL,
    tag=_TAG,
    summary="List people, or find them by an attribute",
    query=CustomerQuery,
    body=Nothing,
    answer=CustomerPage,
    refusals=("not_indexed", "invalid_attribute"),
)
GET = Operation("getCustomer", "GET", _ONE, _TAG, "Get a person", Nothing, Nothing, CustomerAnswer)
DELETE = Operation(
    id="deleteCustomer",
    method="DELETE",
    path=_ONE,
    tag=_TAG,
    summary="Delete a person, with everything about them",
    query=Nothing,
    body=Nothing,
    status=204,
    description="Profile, devices, threads, MO, and the MT to them alone with their receipts. What is told "
    "again afterwards, by a device whose token lasts, makes them known again.",
)
DELETE_DEVICE = Operation(
    id="deleteDevice",
    method="DELETE",
    path=f"{_ONE}/devices/{{device_id}}",
    tag=_TAG,
    summary="Delete a device",
    query=Nothing,
    body=Nothing,
    status=204,
    description="Where the gateway makes the logins (`access: dynamic_security`), that ends its connection."
    " Elsewhere the device is let in for as long as its token lasts, and is known again when it publishes.",
)
LIST_THREADS = Operation(
    id="listThreadsOfCustomer",
    method="GET",
    path=f"{_ONE}/threads",
    tag=_TAG,
    summary="List the threads of a person, and of the topics that they follow",
    query=ThreadQuery,
    body=Nothing,
    answer=ThreadPage,
)
OPERATIONS = (UPSERT, LIST, GET, DELETE, DELETE_DEVICE, LIST_THREADS)


@dataclass(frozen=True, slots=True)
class CustomerRoutes:
    configured: Configured
    customers: Customers
    threads: Threads
    erasure: Erasure
    door: Door

    def routes(self) -> list[Route]:
        return [
            bind(UPSERT, self.upsert),
            bind(LIST, self.list),
            bind(GET, self.get),
            bind(DELETE, self.delete),
            bind(DELETE_DEVICE, self.delete_device),
            bind(LIST_THREADS, self.list_threads),
        ]

    async def upsert(self, call: Call[Nothing, CustomerBatch]) -> dict[str, Any]:
        application = await application_of(self.configured, call.app_id)
        outcomes: list[dict[str, Any]] = []
        wanted: dict[str, dict[str, Any]] = {}
        for given in call.body.customers:
            outcome, changes = _read(application, given, wanted)
            outcomes.append(outcome)
            if changes is not None:
                wanted[outcome["user_id"]] = changes
        refused = await self._too_large(application, wanted)
        fitting = {user_id: changes for user_id, changes in wanted.items() if user_id not in refused}
        added = await self.customers.upsert(application.app_id, fitting, now()) if fitting else set()
        for outcome in outcomes:
            if "outcome" not in outcome:
                outcome.update(_outcome(outcome["user_id"], refused, added))
        return {"outcomes": outcomes}

    async def list(self, call: Call[CustomerQuery, Nothing]) -> dict[str, Any]:
        application, query = await application_of(self.configured, call.app_id), call.query
        where = None
        if query.attribute is not None and query.value is not None:
            where = {query.attribute: attributes.sought(application, query.attribute, query.value)}
        rows = await self.customers.page(
            application.app_id, where=where, after=query.after, limit=query.one_more
        )
        return page(query, rows, lambda customer: customer.user_id, shown)

    async def get(self, call: Call[Nothing, Nothing]) -> dict[str, Any]:
        await application_of(self.configured, call.app_id)
        return shown(await known(self.customers, call.app_id, call.user_id))

    async def delete(self, call: Call[Nothing, Nothing]) -> None:
        application = await application_of(self.configured, call.app_id)
        customer = await self.customers.get(call.app_id, call.user_id)
        for known_device in customer.devices if customer else ():
            device = Device(call.app_id, call.user_id, known_device.device_id)
            await dismiss(self.configured, self.door, application, device)
        # Also when nobody is known: what was cut off before goes on.
        if not await self.erasure.erase(call.app_id, call.user_id):
            raise RtmRefused("unknown_user")
        logger.info("customer.deleted", app_id=call.app_id)

    async def delete_device(self, call: Call[Nothing, Nothing]) -> None:
        application = await application_of(self.configured, call.app_id)
        await known(self.customers, call.app_id, call.user_id)
        device = Device(call.app_id, call.user_id, call.ids["device_id"])
        await dismiss(self.configured, self.door, application, device)
        if not await self.customers.remove_device(device):
            raise RtmRefused("unknown_device")
        logger.info("device.deleted", app_id=call.app_id)

    async def list_threads(self, call: Call[ThreadQuery, Nothing]) -> dict[str, Any]:
        await application_of(self.configured, call.app_id)
        customer, query = await known(self.customers, call.app_id, call.user_id), call.query
        rows = await self.threads.of_user(
            call.app_id,
            call.user_id,
            customer.topics,
            status=query.status,
            after=query.after,
            limit=query.one_more,
        )
        return page(query, rows, lambda thread: thread.thread_id, lambda thread: thread.described())

    async def _too_large(
        self, application: Application, wanted: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, RtmRefused]:
        """Whose attributes would be too many or too large, with those that they have."""
        there = await together([self.customers.get(application.app_id, user_id) for user_id in wanted])
        refused = {}
        for (user_id, changes), customer in zip(wanted.items(), there, strict=True):
            try:
                attributes.bounded(customer.attributes if customer else {}, changes)
            except RtmRefused as error:
                refused[user_id] = error
        return refused


async def known(customers: Customers, app_id: str, user_id: str) -> Customer:
    """Raises RtmRefused with `unknown_user`."""
    found = await customers.get(app_id, user_id)
    if found is None:
        raise RtmRefused("unknown_user")
    return found


def _read(
    application: Application, given: Any, before: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The beginning of the outcome of one person of a batch, and the attributes that are to be written."""
    try:
        item = CustomerItem.model_validate(given)
    except ValidationError as error:
        fault = faults_of(error)[0]
        refused = RtmRefused("invalid_payload", f"{fault.field}: {fault.detail}")
        return _refusal(refused), None
    told = {"user_id": item.user_id}
    if item.user_id in before:
        return told | _refusal(RtmRefused("invalid_payload", "the person is in the batch already")), None
    try:
        return told, attributes.checked(application, item.attributes)
    except RtmRefused as refused:
        return told | _refusal(refused), None


def _outcome(user_id: str, refused: Mapping[str, RtmRefused], added: set[str]) -> dict[str, Any]:
    if user_id in refused:
        return _refusal(refused[user_id])
    return {"outcome": "created" if user_id in added else "changed"}


def _refusal(refused: RtmRefused) -> dict[str, Any]:
    return {"outcome": "refused", "code": refused.code, "detail": refused.detail}
