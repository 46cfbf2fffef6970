"""Applications and accounts in the store, and the version by which daemons notice that they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from gateway.errors import ConfigurationError, Problem
from gateway.store.connect import Database, store_errors
from gateway.store.secrets import SecretBox

Document = dict[str, Any]
_VERSION_ID = "catalogue"
_UNREADABLE = "were sealed with another key, and the file has none instead; `secrets: []` in it removes them"


@dataclass(frozen=True, slots=True)
class _Kept:
    """Secrets as they are sealed in the store, and the same sealed with the key that seals now."""

    stored: list[Any]
    anew: list[Any]


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """Everything that is configured, as raw documents by name, with secrets in the clear."""

    version: int
    applications: Mapping[str, Document]
    accounts: Mapping[str, Document]


class CatalogueStore:
    """Reads and replaces what is configured. Documents are kept whole, under their name, secrets sealed.

    An application has a revision (`rev`), which grows with each change: so that of two people who change the
    same one at the same time, the second is told.
    """

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
        opened = self._box.open(_by_name(applications)), self._box.open(_by_name(accounts))
        return StoredCatalogue(version, *opened)

    async def revs(self) -> dict[str, int]:
        """The revision of each application, by name."""
        with store_errors():
            rows = await self._applications.find({}, {"rev": 1}).to_list(None)
        return {row["_id"]: row.get("rev", 0) for row in rows}

    async def put(
        self, applications: Mapping[str, Document], accounts: Mapping[str, Document], *, prune: bool = False
    ) -> int:
        """Add or replace these by name; with `prune`, remove all others. Returns the new version.

        Secrets are SecretStr values in the documents. An application without `secrets` keeps those that it
        has. The version moves last, so that whoever sees it sees all of the change.

        Raises ConfigurationError, before anything is written, when secrets that are to be kept were sealed
        with another key.
        """
        with store_errors():
            kept = await self._kept([name for name, given in applications.items() if "secrets" not in given])
            await _write(self._applications, _applications(self._box.seal(applications), kept))
            await _write(self._accounts, _accounts(self._box.seal(accounts)))
            if prune:
                await self._applications.delete_many({"_id": {"$nin": list(applications)}})
                await self._accounts.delete_many({"_id": {"$nin": list(accounts)}})
            return await self._changed()

    async def application(self, app_id: str) -> tuple[Document, int] | None:
        """One application with its secrets in the clear, and its revision: 0 when it was never changed since
        there are any."""
        with store_errors():
            row = await self._applications.find_one({"_id": app_id})
        return None if row is None else (self._box.open(row["document"]), row.get("rev", 0))

    async def put_application(self, document: Document, *, expected: int | None) -> bool:
        """Replace the application of this `app_id` if it still has the revision `expected`; with None, add it
        if there is none. False when it is not like that: then nothing has changed. Its secrets are SecretStr.
        """
        app_id, sealed = document["app_id"], self._box.seal(document)
        with store_errors():
            if expected is None:
                try:
                    await self._applications.insert_one({"_id": app_id, "document": sealed, "rev": 1})
                except DuplicateKeyError:
                    return False
            else:
                as_seen = {"_id": app_id, "rev": expected or None}  # None is also what is not there
                update = {"$set": {"document": sealed}, "$inc": {"rev": 1}}
                result = await self._applications.update_one(as_seen, update)
                if not result.matched_count:
                    return False
            await self._changed()
        return True

    async def remove_application(self, app_id: str) -> bool:
        """False when there is none."""
        with store_errors():
            result = await self._applications.delete_one({"_id": app_id})
            if result.deleted_count:
                await self._changed()
        return bool(result.deleted_count)

    async def _kept(self, names: Collection[str]) -> dict[str, _Kept]:
        """The secrets of these applications, where they have any."""
        with_secrets = {"_id": {"$in": list(names)}, "document.secrets": {"$exists": True}}
        rows = await self._applications.find(with_secrets, {"document.secrets": 1}).to_list(None)
        found: dict[str, _Kept] = {}
        problems: list[Problem] = []
        for row in rows:
            stored = row["document"]["secrets"]
            try:
                anew = self._box.seal([SecretStr(secret) for secret in self._box.open(stored)])
                found[row["_id"]] = _Kept(stored, anew)
            except ConfigurationError:
                problems.append(Problem(f"application {row['_id']}: secrets", _UNREADABLE))
        if problems:
            raise ConfigurationError(problems)
        return found

    async def _changed(self) -> int:
        document = await self._meta.find_one_and_update(
            {"_id": _VERSION_ID}, {"$inc": {"version": 1}}, upsert=True, return_document=True
        )
        return int(document["version"])


async def account_names(database: Database, having: Mapping[str, Any] | None = None) -> list[str]:
    """The names of the accounts in the store, in order; only of those whose fields are like that, where it is
    said. Needs no key."""
    fields = {f"document.{field}": value for field, value in (having or {}).items()}
    with store_errors():
        rows = await database.db["accounts"].find(fields, {"_id": 1}).sort("_id", 1).to_list(None)
    return [row["_id"] for row in rows]


def _applications(documents: Mapping[str, Document], kept: Mapping[str, _Kept]) -> list[UpdateOne]:
    return [
        UpdateOne({"_id": name}, _replaced(document, kept.get(name)), upsert=True)
        for name, document in documents.items()
    ]


def _replaced(document: Document, kept: _Kept | None) -> list[Document]:
    """Replaces the document of an application. MongoDB itself carries over the secrets that a new one has no
    word of: they may have changed since they were looked at, and then they stay as they are."""
    secrets: Any = "$document.secrets"
    if kept is not None:
        unchanged = {"$eq": [secrets, {"$literal": kept.stored}]}
        secrets = {"$cond": [unchanged, {"$literal": kept.anew}, secrets]}
    merged = {"$mergeObjects": [{"secrets": secrets}, {"$literal": document}]}
    return [{"$set": {"document": merged, "rev": {"$add": [{"$ifNull": ["$rev", 0]}, 1]}}}]


def _accounts(documents: Mapping[str, Document]) -> list[ReplaceOne[Document]]:
    return [
        ReplaceOne({"_id": name}, {"_id": name, "document": document}, upsert=True)
        for name, document in documents.items()
    ]


async def _write(collection: Any, writes: Sequence[UpdateOne | ReplaceOne[Document]]) -> None:
    if writes:
        await collection.bulk_write(writes)


def _by_name(rows: Iterable[Document]) -> dict[str, Document]:
    return {row["_id"]: row["document"] for row in rows}
