"""People of the shop for the tests of the API."""

from __future__ import annotations

from typing import Any

from tests.integration.api_site import Site

ALL = "/applications/shop/customers"
ATTRIBUTES = {
    "city": {"indexed": True},
    "age": {"type": "integer", "indexed": True},
    "weight": {"type": "number", "indexed": True},
    "member": {"type": "boolean", "indexed": True},
    "since": {"type": "time", "indexed": True},
    "note": {},
}


async def upsert(site: Site, *customers: Any) -> list[dict[str, Any]]:
    answer = await site.ask("POST", ALL, {"customers": list(customers)})
    assert answer.status == 200, answer.body
    outcomes: list[dict[str, Any]] = answer.body["outcomes"]
    return outcomes


def person(user_id: Any, **attributes: Any) -> dict[str, Any]:
    return {"user_id": user_id, "attributes": attributes}
