"""The settings of a process: what there is, what each means, and how they are read from IMGW_* and a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.errors import ConfigurationError, Problem
from gateway.settings_checks import Network, api_keys, fernet_keys, lower, networks, server_url, web_url
from gateway.settings_sources import CONFIG_FILE, PREFIX, Entry, Given, read_file, read_variables

_KEY_NEEDED = (
    "is needed with IMGW_STORE__URL; make one with: "
    "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
)

_WORDS: dict[object, str] = {int: "whole number", float: "number", Path: "path"}


Host = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]


class Section(BaseModel):
    """The base of the sections."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class BrokerSettings(Section):
    url: Annotated[SecretStr, server_url("amqp", "amqps")] | None = None
    """The RabbitMQ server, as amqp:// or amqps:// with user, password and virtual host. Without it, the
    embedded broker, which keeps its queues in the store."""
    mt_shards: Annotated[int, Field(ge=0, le=256)] = 0
    """How many queues the sharded intake has: MT published to exchange imgw.mt-sharded with the routing key
    <app_id>/<to> keep their order by recipient over several mt daemons. 0 for none. Only with RabbitMQ."""


class StoreSettings(Section):
    url: Annotated[SecretStr, server_url("mongodb", "mongodb+srv")] | None = None
    """The MongoDB server, as mongodb:// or mongodb+srv://. Without it, an embedded one that keeps its data in
    IMGW_DATA_DIR."""
    database: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,63}$")] = "imgw"
    """The database's name."""
    driver: Literal["motor", "pymongo"] = "motor"
    """Through which client library: motor, or its successor within PyMongo."""
    timeout_seconds: Seconds = 10.0
    """How long one operation may take before the store counts as away, in seconds."""


class SecretsSettings(Section):
    key: Annotated[SecretStr, AfterValidator(fernet_keys)] | None = None
    """The Fernet key that accounts' secrets are encrypted with in the store; several are separated by commas:
    the first encrypts, all decrypt. Needed with IMGW_STORE__URL; the embedded store makes its own."""


class WebSettings(Section):
    host: Host = "0.0.0.0"  # noqa: S104 - callbacks come from outside, usually through a reverse proxy
    """The address that the web daemon listens on for callbacks and the API."""
    port: Port = 8080
    """The port that it listens on; 0 takes any free one."""
    public_url: Annotated[str, AfterValidator(web_url)] | None = None
    """How providers reach the web daemon from outside, such as https://im.example.com. Some sign it with
    their callbacks. Without it, what the request says."""
    max_body_bytes: Annotated[int, Field(ge=1_024, le=67_108_864)] = 3 * 1_048_576 + 65_536
    """The largest request body that is taken, in bytes. Meta sends up to 3 MiB."""


class ApiSettings(Section):
    keys: Annotated[SecretStr, AfterValidator(api_keys)] | None = None
    """What callers of /v1 prove themselves with, as `Authorization: Bearer <key>`; several are separated by
    commas, 22 characters or more each. Without any, /v1 answers 404 to everything."""
    max_media_bytes: Annotated[int, Field(ge=1_024, le=10_737_418_240)] = 104_857_600
    """The largest media of an MO that /v1/media passes on, in bytes."""


class AdminSettings(Section):
    host: Host = "127.0.0.1"
    """The address that each daemon serves /metrics, /livez and /readyz on."""
    port: Port | None = None
    """The port for it; 0 takes any free one. Without it, 9464 for mt and all, 9465 for mo, 9466 for dr, 9467
    for retry, 9468 for web, 9469 for rtm."""


class HttpSettings(Section):
    allowed_private_networks: Annotated[tuple[Network, ...], BeforeValidator(networks)] = ()
    """Networks that requests to providers may go to although they are not on the public internet, as in
    10.1.0.0/16,fd00::/8. Everything else that is not public is refused, so that no account's URL reaches
    machines it should not."""
    connect_timeout_seconds: Seconds = 5.0
    """How long connecting to a provider may take, TLS included, in seconds."""
    max_response_bytes: Annotated[int, Field(ge=1_024, le=67_108_864)] = 1_048_576
    """The largest answer of a provider that is read, in bytes."""


class LogSettings(Section):
    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = "info"
    """The least severe level that is logged. Each message's success is at debug."""
    format: Annotated[Literal["auto", "json", "console"], BeforeValidator(lower)] = "auto"
    """One JSON object a line, lines for people, or (auto) the latter on a terminal only."""


class ProcessorSettings(Section):
    workers: Annotated[int, Field(ge=1, le=2_000)] = 200
    """How many deliveries of one queue are under way at once."""
    grace_seconds: Seconds = 20.0
    """How long deliveries under way may take to finish when the process is told to stop, in seconds."""


class CatalogueSettings(Section):
    poll_seconds: Seconds = 2.0
    """How often changed applications and accounts are looked for, in seconds."""


class ExpirySettings(Section):
    interval_seconds: Seconds = 5.0
    """How often messages whose time has passed are looked for, in seconds."""
    batch: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """How many of them are taken at once."""


class Settings(BaseSettings):
    """Everything a process is told from outside. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    data_dir: Path = Path(".imgw")
    """The folder where the embedded broker and store keep everything."""
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    secrets: SecretsSettings = SecretsSettings()
    web: WebSettings = WebSettings()
    api: ApiSettings = ApiSettings()
    admin: AdminSettings = AdminSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    processor: ProcessorSettings = ProcessorSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    expiry: ExpirySettings = ExpirySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is built with: `load_settings` reads the variables it is given, not the process's."""
        return (init_settings,)

    @property
    def embedded_broker(self) -> bool:
        return self.broker.url is None

    @property
    def embedded_store(self) -> bool:
        return self.store.url is None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings from IMGW_* variables (the process's own by default) over the file IMGW_CONFIG_FILE names.

    A secret may be in a file of its own, named by the variable with _FILE behind it. An empty variable counts
    as not set. Raises ConfigurationError with every problem found; it never shows a secret's value.
    """
    environ = os.environ if environ is None else environ
    entries = [entry for entry, _ in _fields(Settings)]
    file = environ.get(CONFIG_FILE)
    given = read_variables(environ, entries).over(read_file(Path(file), entries) if file else Given())
    problems = list(given.problems)
    settings: Settings | None = None
    try:
        settings = Settings(**given.nested())
    except ValidationError as error:
        problems += [
            _problem(detail, given) for detail in error.errors(include_url=False, include_input=False)
        ]
    if settings is not None and settings.broker.mt_shards and settings.embedded_broker:
        what = "needs RabbitMQ: set IMGW_BROKER__URL, or this to 0"
        problems.append(Problem(PREFIX + "BROKER__MT_SHARDS", what))
    if ("store", "url") in given.values and ("secrets", "key") not in given.values:
        problems.append(Problem(PREFIX + "SECRETS__KEY", _KEY_NEEDED))
    if settings is None or problems:
        raise ConfigurationError(problems)
    return settings


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One line of the configuration reference."""

    name: str  # IMGW_BROKER__URL
    type: str  # in words
    default: str  # in words; empty when there is none
    meaning: str


def describe() -> list[SettingLine]:
    """Every setting, in the order they are declared: the configuration reference is generated from it."""
    return [
        SettingLine(
            name=entry.variable,
            type=_type_in_words(entry, field),
            default=_default_in_words(field.default),
            meaning=" ".join((field.description or "").split()),
        )
        for entry, field in _fields(Settings)
    ]


def _fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[Entry, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _fields(field.annotation, (*path, name))
        else:
            yield Entry((*path, name), secret="SecretStr" in str(field.annotation)), field


def _type_in_words(entry: Entry, field: FieldInfo) -> str:
    if entry.secret:
        return f"secret (or a file's path in {entry.variable}_FILE)"
    kind = _bare(field.annotation)
    if get_origin(kind) is Literal:
        return " | ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return "list, separated by commas"
    return _WORDS.get(kind, "text")


def _bare(kind: Any) -> Any:
    """A type without "or None" and without what it is annotated with."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _default_in_words(default: object) -> str:
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return "" if default in (None, ()) else str(default)


def _problem(detail: ErrorDetails, given: Given) -> Problem:
    path = tuple(str(part) for part in detail["loc"])
    origin = next(
        (given.origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in given.origins),
        ".".join(path),
    )
    return Problem(origin, detail["msg"].removeprefix("Value error, "))
