"""A folder of configuration files: validated as a whole, together with what is configured already, and
applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gateway.config_files import RawDocument, read_folder
from gateway.errors import ConfigurationError, Problem
from gateway.model.account import ProviderAccount
from gateway.store.catalog import CatalogueStore, StoredCatalogue
from handlers.registry import Registry
from processors.catalogue import Catalogue, build_catalogue

NOTHING_STORED = StoredCatalogue(version=0, applications={}, accounts={})


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid configuration: what the files say, and the whole that it makes with what is stored."""

    catalogue: Catalogue
    applications: Mapping[str, dict[str, Any]]
    accounts: Mapping[str, dict[str, Any]]


def check_folder(
    folder: Path, environ: Mapping[str, str], registry: Registry, stored: StoredCatalogue = NOTHING_STORED
) -> Checked:
    """Validate a folder's files together with what is stored and not in them.

    Raises ConfigurationError with every problem, each naming its file and field: wrong values, unknown keys,
    names used twice, applications that name accounts which do not exist, secrets that are written out.
    """
    raw = read_folder(folder, environ)
    apps = _documents(raw.applications, stored.applications, "app_id", "application")
    accounts = _documents(raw.accounts, stored.accounts, "account", "account")
    problems: list[Problem] = []
    catalogue = None
    try:
        catalogue = build_catalogue(registry, apps, accounts, version=stored.version)
    except ConfigurationError as error:
        problems.extend(error.problems)
    problems.extend(_written_out(raw.accounts, registry))
    if problems or catalogue is None:
        raise ConfigurationError(problems)
    return Checked(
        catalogue,
        {document.content["app_id"]: document.content for document in raw.applications},
        {document.content["account"]: _with_secrets(document, registry) for document in raw.accounts},
    )


async def apply(checked: Checked, store: CatalogueStore, *, prune: bool) -> int:
    """Write it to the store; returns the new version. Daemons take it over within seconds."""
    return await store.put(checked.applications, checked.accounts, prune=prune)


def _documents(
    given: list[RawDocument], stored: Mapping[str, Mapping[str, Any]], key: str, kind: str
) -> dict[str, Mapping[str, Any]]:
    replaced = {document.content.get(key) for document in given}
    kept = {f"{kind} {name} (stored)": content for name, content in stored.items() if name not in replaced}
    return {**kept, **{document.where: document.content for document in given}}


def _written_out(documents: list[RawDocument], registry: Registry) -> Iterator[Problem]:
    """The secrets that stand in a file themselves."""
    for document in documents:
        try:
            account = registry.account(document.content, document.where)
        except ConfigurationError:
            continue  # reported as what it is
        for path in secret_paths(account):
            if ".".join(path) not in document.from_reference:
                what = "a secret is not written into a file; refer to it as ${env:NAME} or ${file:PATH}"
                yield Problem(f"{document.where}: {'.'.join(path)}", what)


def secret_paths(account: ProviderAccount) -> list[tuple[str, ...]]:
    """Where the secrets of an account are, as paths of field names."""
    return list(_paths(account.model_dump(by_alias=True, exclude_unset=True), ()))


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, SecretStr):
        yield path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _paths(item, (*path, str(name)))


def _with_secrets(document: RawDocument, registry: Registry) -> dict[str, Any]:
    """The document as it was read, with its secrets as SecretStr, so that the store seals them."""
    content = document.content
    for path in secret_paths(registry.account(content, document.where)):
        content = _wrapped(content, path)
    return content


def _wrapped(content: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    name, rest = path[0], path[1:]
    inner = _wrapped(content[name], rest) if rest else SecretStr(str(content[name]))
    return {**content, name: inner}
