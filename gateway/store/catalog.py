"""Applications and accounts in the store, and the version by which daemons notice that they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import ReplaceOne

from gateway.store.connect import Database, store_errors
from gateway.store.secrets import SecretBox

Document = dict[str, Any]
_VERSION_ID = "catalogue"


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """Everything that is configured, as raw documents by name, with secrets in the clear."""

    version: int
    applications: Mapping[str, Document]
    accounts: Mapping[str, Document]


class CatalogueStore:
    """Reads and replaces what is configured. Documents are kept whole, under their name, secrets sealed."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._applications = database.db["applications"]
        self._accounts = database.db["accounts"]
        self._meta = database.db["meta"]
        self._box = box

    async def version(self) -> int:
        """Grows with every change; 0 before the first."""
        with store_errors():
            document = await self._meta.find_one({"_id": _VERSION_ID})
        return int(document["version"]) if document else 0

    async def load(self) -> StoredCatalogue:
        """All of it. The version is read first: a change made meanwhile is seen as another version later."""
        version = await self.version()
        with store_errors():
            applications = await self._applications.find().to_list(None)
            accounts = await self._accounts.find().to_list(None)
        return StoredCatalogue(version, _by_name(applications), self._box.open(_by_name(accounts)))

    async def put(
        self, applications: Mapping[str, Document], accounts: Mapping[str, Document], *, prune: bool = False
    ) -> int:
        """Add or replace these by name; with `prune`, remove all others. Returns the new version.

        Secrets are SecretStr values in the documents. The version moves last, so that whoever sees it sees
        all of the change.
        """
        with store_errors():
            await _replace(self._applications, applications, prune)
            await _replace(self._accounts, self._box.seal(accounts), prune)
            document = await self._meta.find_one_and_update(
                {"_id": _VERSION_ID}, {"$inc": {"version": 1}}, upsert=True, return_document=True
            )
        return int(document["version"])


async def account_names(database: Database) -> list[str]:
    """The names of the accounts in the store, in order; needs no key."""
    with store_errors():
        rows = await database.db["accounts"].find({}, {"_id": 1}).sort("_id", 1).to_list(None)
    return [row["_id"] for row in rows]


async def _replace(collection: Any, documents: Mapping[str, Document], prune: bool) -> None:
    writes = [
        ReplaceOne({"_id": name}, {"_id": name, "document": document}, upsert=True)
        for name, document in documents.items()
    ]
    if writes:
        await collection.bulk_write(writes)
    if prune:
        await collection.delete_many({"_id": {"$nin": list(documents)}})


def _by_name(rows: Iterable[Document]) -> dict[str, Document]:
    return {row["_id"]: row["document"] for row in rows}
