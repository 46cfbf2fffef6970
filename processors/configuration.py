"""A folder of configuration files: validated as a whole, together with what is configured already, and
applied."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from gateway.config_files import RawDocument, read_documents
from gateway.errors import ConfigurationError, Problem
from gateway.model.application import Application
from gateway.store.catalog import CatalogueStore, StoredCatalogue
from gateway.store.customers import Customers
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
    raw, problems = read_documents(folder, environ)
    apps = _documents(raw.applications, stored.applications, "app_id", "application")
    accounts = _documents(raw.accounts, stored.accounts, "account", "account")
    unreadable = {problem.where for problem in problems}
    catalogue = None
    try:
        catalogue = build_catalogue(registry, apps, accounts, version=stored.version)
    except ConfigurationError as error:
        # A field whose reference leads nowhere is wrong for that reason only.
        problems.extend(problem for problem in error.problems if problem.where not in unreadable)
    problems.extend(_written_out(raw.applications, _application))
    problems.extend(
        _written_out(raw.accounts, lambda document: registry.account(document.content, document.where))
    )
    if problems or catalogue is None:
        raise ConfigurationError(problems)
    return Checked(
        catalogue,
        {document.content["app_id"]: _sealable(document) for document in raw.applications},
        {document.content["account"]: _sealable(document) for document in raw.accounts},
    )


async def apply(checked: Checked, store: CatalogueStore, customers: Customers, *, prune: bool) -> int:
    """Write it to the store; returns the new version. Daemons take it over within seconds, and then people
    are found by the attributes that are indexed."""
    version = await store.put(checked.applications, checked.accounts, prune=prune)
    for application in checked.catalogue.applications.values():
        await customers.ensure(application)
    return version


def _documents(
    given: list[RawDocument], stored: Mapping[str, Mapping[str, Any]], key: str, kind: str
) -> dict[str, Mapping[str, Any]]:
    names = (document.content.get(key) for document in given)
    replaced = {name for name in names if isinstance(name, str)}
    kept = {f"{kind} {name} (stored)": content for name, content in stored.items() if name not in replaced}
    return {**kept, **{document.where: document.content for document in given}}


def _application(document: RawDocument) -> Application:
    return Application.model_validate(document.content, by_name=False)


def _written_out(documents: list[RawDocument], read: Callable[[RawDocument], BaseModel]) -> Iterator[Problem]:
    """The secrets that stand in a file themselves."""
    for document in documents:
        try:
            settings = read(document)
        except (ConfigurationError, ValidationError):
            continue  # reported as what it is
        for path in secret_paths(settings):
            if _is_one_of_many(path) and ".".join(path[:-1]) in document.from_reference:
                continue  # one reference where a list could stand
            if ".".join(path) not in document.from_reference:
                what = "a secret is not written into a file; refer to it as ${env:NAME} or ${file:PATH}"
                yield Problem(f"{document.where}: {'.'.join(path)}", what)


def secret_paths(settings: BaseModel) -> list[tuple[str, ...]]:
    """Where the secrets of an account or an application are, as paths of field names and positions in
    lists."""
    return list(_paths(settings.model_dump(by_alias=True, exclude_unset=True), ()))


def _is_one_of_many(path: tuple[str, ...]) -> bool:
    return path[-1].isdigit()


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, SecretStr):
        yield path
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _paths(item, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _paths(item, (*path, str(number)))


def _sealable(document: RawDocument) -> dict[str, Any]:
    """The document with everything that came from a reference as SecretStr, so that the store seals it.

    Its secrets are among that; so is what somebody put as a reference where no secret was thought of, as in
    a header.
    """
    return {name: _wrapped(value, name, document.from_reference) for name, value in document.content.items()}


def _wrapped(value: Any, field: str, fields: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _wrapped(item, f"{field}.{name}", fields) for name, item in value.items()}
    if isinstance(value, list):
        return [_wrapped(item, f"{field}.{number}", fields) for number, item in enumerate(value)]
    return SecretStr(value) if isinstance(value, str) and field in fields else value
