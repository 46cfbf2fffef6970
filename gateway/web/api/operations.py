"""The small description of an operation of the API, from which both its route and its part of the OpenAPI
document come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter

from gateway.model.base import Contract, Name
from gateway.rtm.names import DeviceId, UserId
from gateway.rtm.wire import ThreadId

QueryT = TypeVar("QueryT", bound=BaseModel)
BodyT = TypeVar("BodyT", bound=BaseModel)

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Answer = BaseModel | Mapping[str, Any] | None

# The ids that stand in paths, and the code for one that there cannot be.
PATH_IDS: dict[str, tuple[TypeAdapter[str], str]] = {
    "app_id": (TypeAdapter(Name), "unknown_application"),
    "user_id": (TypeAdapter(UserId), "unknown_user"),
    "device_id": (TypeAdapter(DeviceId), "unknown_device"),
    "thread_id": (TypeAdapter(ThreadId), "unknown_thread"),
    "topic": (TypeAdapter(Name), "unknown_topic"),
}


class Nothing(Contract):
    """No parameters, or no body."""


class Fault(Contract):
    """One thing that is wrong with a request."""

    field: str
    detail: str


class ProblemAnswer(Contract):
    """A problem (RFC 9457)."""

    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """For people."""
    code: str | None = None
    """For programs: see the description of the status."""
    reason: str | None = None
    """Why a provider did not give media: one of the reason codes of DR."""
    errors: list[Fault] | None = None
    """What is wrong, field by field; of very many only the first."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[QueryT, BodyT]):
    """What callers can ask. `path` is that under /v1; `refusals` are the codes of gateway/rtm/refusals.py
    that are its own, beside those that follow from its path and its body."""

    id: str
    method: Method
    path: str
    tag: str
    summary: str
    query: type[QueryT]
    body: type[BodyT]
    answer: type[BaseModel] | None = None
    status: int = 200
    refusals: tuple[str, ...] = ()
    description: str = ""
    alike: bool = True  # read and answered like the others (serving.py)
    failures: Mapping[int, str] = field(default_factory=dict, hash=False)  # statuses without a code

    @property
    def path_ids(self) -> list[str]:
        """The names of the ids in its path, in order."""
        parts = self.path.split("/")
        return [part[1:-1] for part in parts if part.startswith("{")]

    @property
    def codes(self) -> list[str]:
        """Every code that it can answer with."""
        if not self.alike:
            return []
        found = [PATH_IDS[name][1] for name in self.path_ids if name in PATH_IDS]
        found.append("invalid_payload")  # a parameter that is none, if nothing else
        if self.body is not Nothing:
            found += ["too_large", "unsupported_media_type"]
        return list(dict.fromkeys([*found, *self.refusals, "unavailable"]))


@dataclass(frozen=True, slots=True)
class Call(Generic[QueryT, BodyT]):
    """What somebody asks, read and checked."""

    ids: Mapping[str, str]
    query: QueryT
    body: BodyT

    @property
    def app_id(self) -> str:
        return self.ids["app_id"]

    @property
    def user_id(self) -> str:
        return self.ids["user_id"]


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and what does it."""

    operation: Operation[Any, Any]
    handle: Callable[[Call[Any, Any]], Awaitable[Answer]]


def bind(
    operation: Operation[QueryT, BodyT], handle: Callable[[Call[QueryT, BodyT]], Awaitable[Answer]]
) -> Route:
    """The route for it. `handle` returns the answer's body: None where it has none."""
    return Route(operation, handle)
