"""Finds the providers there are, and turns what is configured of an account into its handler."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType, ModuleType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

import handlers.providers
from gateway.errors import ConfigurationError, Problem
from gateway.model.account import ProviderAccount
from handlers.contract import Handler

ENTRY_POINTS = "imgw.handlers"


class Registry:
    """The providers by name. Nothing registers itself: a provider is found by where it lies.

    A module is loaded when its provider is asked for: a process pays for those that it has accounts of.
    """

    def __init__(self, providers: Mapping[str, type[Handler]], modules: Iterable[str] = ()) -> None:
        self._loaded = dict(providers)
        self._names = sorted({*providers, *modules})

    @classmethod
    def discover(cls) -> Registry:
        """Every module in handlers/providers, and every entry point of group `imgw.handlers`, which is a
        handler class under its provider's name. Raises ConfigurationError for an entry point that cannot be
        used, or takes a name that is taken."""
        modules = {module.name for module in pkgutil.iter_modules(handlers.providers.__path__)}
        found: dict[str, type[Handler]] = {}
        problems = []
        for entry in entry_points(group=ENTRY_POINTS):
            where = f"entry point {entry.name} of {entry.dist.name if entry.dist else 'unknown'}"
            if entry.name in modules or entry.name in found:
                problems.append(Problem(where, "a provider of this name is there already"))
                continue
            try:
                found[entry.name] = _loaded(entry)
            except (ImportError, AttributeError, TypeError) as error:
                problems.append(Problem(where, f"cannot be used: {error}"))
        if problems:
            raise ConfigurationError(problems)
        return cls(found, modules)

    def providers(self) -> Mapping[str, type[Handler]]:
        """All handler classes by provider, in alphabetical order."""
        return MappingProxyType({name: self._provider(name) for name in self._names})

    def _provider(self, name: str) -> type[Handler]:
        if name not in self._loaded:
            module = importlib.import_module(f"{handlers.providers.__name__}.{name}")
            self._loaded[name] = _class_in(module, name)
        return self._loaded[name]

    def account(self, raw: Mapping[str, Any], where: str) -> ProviderAccount:
        """The account, validated by its provider's own model.

        Raises ConfigurationError with a problem for each field that is wrong. `where` says where `raw` comes
        from ("accounts/wa.yaml"); what was given never shows in a problem, since it may be a secret.
        """
        name = raw.get("provider")
        if not isinstance(name, str) or name not in self._names:
            what = "is required" if name is None else "is not a provider"
            known = ", ".join(self._names)
            raise ConfigurationError([Problem(f"{where}: provider", f"{what}; there are {known}")])
        provider = self._provider(name)
        channel = {} if "channel" in raw else {"channel": provider.channel}
        try:
            return provider.Account.model_validate({**channel, **raw}, by_name=False)
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False)
            raise ConfigurationError([_problem(where, raw, detail) for detail in details]) from error

    def handler(self, account: ProviderAccount) -> Handler:
        """The handler of a validated account."""
        return self._provider(account.provider)(account)


def _class_in(module: ModuleType, provider: str) -> type[Handler]:
    """The class of a module whose `provider` is the module's name."""
    for value in vars(module).values():
        if isinstance(value, type) and vars(value).get("provider") == provider:
            return value
    raise TypeError(f"{module.__name__} has no class with provider = {provider!r}")


def _loaded(entry: EntryPoint) -> type[Handler]:
    found: type[Handler] = entry.load()
    if found.provider != entry.name:
        raise TypeError(f"its provider is {found.provider!r}")
    return found


def _problem(where: str, raw: Mapping[str, Any], detail: ErrorDetails) -> Problem:
    field = ".".join(_path(raw, detail["loc"]))
    return Problem(f"{where}: {field}" if field else where, _meaning(detail))


def _path(raw: Mapping[str, Any], location: tuple[int | str, ...]) -> Iterator[str]:
    """The location as it is in the document: without the tags that pydantic adds for a choice of models."""
    current: Any = raw
    for number, part in enumerate(location, start=1):
        if isinstance(current, Mapping) and isinstance(part, str):
            if part not in current and number < len(location):
                continue
            current = current.get(part)
        elif isinstance(current, list | tuple) and isinstance(part, int):
            current = current[part]
        elif isinstance(part, int) and isinstance(current, str):  # one value, where a list could stand
            continue
        yield str(part)


def _meaning(detail: ErrorDetails) -> str:
    """What is wrong, in words that do not hold what was given."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a setting"
        case "union_tag_invalid":
            return f"its {context['discriminator']} is none of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"needs {context['discriminator']}"
    message = detail["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
