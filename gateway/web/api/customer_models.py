"""The people of an application as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.model.base import Contract, Instant, rfc3339
from gateway.rtm.names import UserId
from gateway.store.customers import Customer, KnownDevice
from gateway.web.api.paging import PageQuery

AttributeValue = str | int | float | bool | list[str | int | float | bool]


class CustomerItem(Contract):
    user_id: UserId
    attributes: dict[str, Any] = {}
    """Values of the types that the profile says, and otherwise text, numbers, true, false or lists of them;
    null takes one away. At most 64 a person, of 16 KiB together."""


class _ShownAsItem:
    """Describes anything as a CustomerItem: each of a batch is read by itself, so that what is wrong with one
    does not keep the others out."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(CustomerItem.__pydantic_core_schema__)


class CustomerBatch(Contract):
    customers: Annotated[list[Annotated[Any, _ShownAsItem()]], Field(min_length=1, max_length=100)]


class CustomerOutcome(Contract):
    user_id: str | None = None
    """Absent where it cannot be one."""
    outcome: Literal["created", "changed", "refused"]
    code: str | None = None
    """Why it is refused, as in problems."""
    detail: str | None = None


class UpsertAnswer(Contract):
    outcomes: list[CustomerOutcome]
    """In the order of the request."""


class CustomerQuery(PageQuery):
    attribute: Annotated[str, Field(max_length=64)] | None = None
    """The name of an attribute that the profile says is indexed; only together with `value`."""
    value: Annotated[str, Field(max_length=1_024)] | None = None
    """The value that it has."""

    @model_validator(mode="after")
    def _both(self) -> CustomerQuery:
        if (self.attribute is None) != (self.value is None):
            raise ValueError("attribute and value are given together")
        return self


class DeviceAnswer(Contract):
    device_id: str
    platform: str | None = None
    app_version: str | None = None
    has_push_token: bool
    online: bool
    last_seen_at: Instant | None = None


class CustomerAnswer(Contract):
    user_id: str
    attributes: dict[str, AttributeValue]
    devices: list[DeviceAnswer]
    topics: list[str]
    created_at: Instant | None = None
    updated_at: Instant | None = None


class CustomerPage(Contract):
    items: list[CustomerAnswer]
    next: str | None = None


def shown(customer: Customer) -> dict[str, Any]:
    """A person as they are answered: without push tokens."""
    told = {
        "user_id": customer.user_id,
        "attributes": dict(customer.attributes),
        "devices": [_device(device) for device in customer.devices],
        "topics": list(customer.topics),
        "created_at": rfc3339(customer.created_at) if customer.created_at else None,
        "updated_at": rfc3339(customer.updated_at) if customer.updated_at else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _device(device: KnownDevice) -> dict[str, Any]:
    told = {
        "device_id": device.device_id,
        "platform": device.platform,
        "app_version": device.app_version,
        "has_push_token": bool(device.push_token),
        "online": device.online,
        "last_seen_at": rfc3339(device.last_seen_at) if device.last_seen_at else None,
    }
    return {name: value for name, value in told.items() if value is not None}
