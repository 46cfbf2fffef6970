"""One push token, one device: it is an installation of an app, which another person may have signed in to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from gateway.store.connect import store_errors

_Holder = tuple[datetime, str, str]  # since when, person, device


async def settle_push_tokens(collection: Any, push_tokens: Collection[str]) -> None:
    """Leave each of these tokens to the device that told it last, of all in this collection of people.

    Whoever writes a token settles it afterwards. So of two that write the same one at the same time, the
    later one to settle sees both, and both would leave it to the same device.
    """
    if not push_tokens:
        return
    with store_errors():
        cursor = collection.find({"devices.push_token": {"$in": list(push_tokens)}}, {"devices": 1})
        people = await cursor.to_list(None)
        writes = [write for token in push_tokens for write in _taken_away(token, people)]
        if writes:
            await collection.bulk_write(writes, ordered=False)


def _taken_away(token: str, people: list[Mapping[str, Any]]) -> Iterator[UpdateOne]:
    holders: list[_Holder] = [
        (device["token_at"], person["_id"], device["id"])
        for person in people
        for device in person["devices"]
        if device.get("push_token") == token
    ]
    for token_at, user_id, device_id in sorted(holders)[:-1]:
        # Not when it was told again meanwhile.
        as_seen = {"id": device_id, "push_token": token, "token_at": token_at}
        yield UpdateOne(
            {"_id": user_id, "devices": {"$elemMatch": as_seen}},
            {"$unset": {"devices.$.push_token": "", "devices.$.token_at": ""}},
        )
