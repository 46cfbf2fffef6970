"""The logins that the gateway has made at MQTT brokers, and when they end with their token."""

from __future__ import annotations

from datetime import datetime

from gateway.store.connect import Database, store_errors

COLLECTION = "broker_logins"


class BrokerLogins:
    def __init__(self, database: Database) -> None:
        self._collection = database.db[COLLECTION]

    async def note(self, account: str, login: str, expires_at: datetime) -> None:
        """Before the login is made. The time noted last counts: a new token puts an end to the one before,
        also when that would have lasted longer."""
        update = {"$set": {"expires_at": expires_at}, "$setOnInsert": {"account": account, "login": login}}
        with store_errors():
            # The server itself tries again when another process adds it at the same time.
            await self._collection.update_one({"_id": _key(account, login)}, update, upsert=True)

    async def expired(self, account: str, at: datetime, limit: int) -> list[str]:
        """Logins whose last token has ended by then, the oldest first."""
        query = {"account": account, "expires_at": {"$lte": at}}
        with store_errors():
            cursor = self._collection.find(query, {"login": 1}).sort("expires_at", 1).limit(limit)
            return [row["login"] for row in await cursor.to_list(limit)]

    async def forget(self, account: str, login: str, at: datetime) -> bool:
        """It was taken away at the broker; False, and it stays, when a newer token has been noted since: one
        that ends after `at`."""
        key = _key(account, login)
        with store_errors():
            result = await self._collection.delete_one({"_id": key, "expires_at": {"$lte": at}})
            if result.deleted_count:
                return True
            return await self._collection.find_one({"_id": key}, {"_id": 1}) is None


def _key(account: str, login: str) -> str:
    return f"{account}/{login}"
