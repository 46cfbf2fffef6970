"""The simulator's own API under /simulator: what it saw, its rules, and making people write.

GET /simulator/summary, GET /simulator/ledger?since=&limit=, GET and PUT /simulator/rules,
POST /simulator/reply, POST /simulator/flush?wait_seconds=, POST /simulator/subscribe. For tests and
demonstrations: there is no authentication, so it must not be reachable by strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import orjson
from aiohttp import web
from pydantic import ConfigDict, Field, ValidationError

from gateway.errors import RefusedError
from handlers.simulator.base import Model, problems
from handlers.simulator.callbacks import Callback, Courier, Step
from handlers.simulator.ledger import MAX_PAGE, Ledger
from handlers.simulator.rules import Rule, Rulebook
from handlers.simulator.speech import Speech

MAX_WAIT_SECONDS = 60.0


class Refused(RefusedError):
    """A request to the control API that cannot be done, and why."""


class People(Protocol):
    """Whoever can write to the accounts, and the proof of a subscription."""

    def speech(self, account: str, speech: Speech) -> Sequence[Callback]:
        """What this person sends to this account. Raises Refused for an unknown account."""

    async def subscribe(self, account: str) -> dict[str, Any]:
        """The proof that the gateway accepts this account's webhooks. Raises Refused."""

    def check_rules(self, rules: Sequence[Rule]) -> None:
        """Raises Refused for a rule that no account could follow."""


class Rules(Model):
    """The body of GET and PUT /simulator/rules."""

    rules: tuple[Rule, ...]


class Reply(Speech):
    """The body of POST /simulator/reply: who writes (`from`) to which account, and what."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    account: str
    sender: str = Field(alias="from", min_length=1, max_length=128)


class Subscribe(Model):
    """The body of POST /simulator/subscribe."""

    account: str


class Control:
    """Its routes."""

    def __init__(self, ledger: Ledger, rulebook: Rulebook, courier: Courier, people: People) -> None:
        self._ledger = ledger
        self._rulebook = rulebook
        self._courier = courier
        self._people = people

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/simulator/summary", self.summary),
            web.get("/simulator/ledger", self.ledger),
            web.get("/simulator/rules", self.show_rules),
            web.put("/simulator/rules", self.put_rules),
            web.post("/simulator/reply", self.reply),
            web.post("/simulator/flush", self.flush),
            web.post("/simulator/subscribe", self.subscribe),
        ]

    async def summary(self, request: web.Request) -> web.Response:
        return _json(self._ledger.summary() | self._pending())

    async def ledger(self, request: web.Request) -> web.Response:
        """A page of entries after number `since`; the next page begins after `next`."""
        try:
            since = int(request.query.get("since", "0"))
            limit = int(request.query.get("limit", str(MAX_PAGE)))
        except ValueError:
            return _json({"problems": ["since and limit are numbers"]}, 422)
        entries, last = self._ledger.page(since, max(limit, 1))
        return _json({"entries": entries, "next": last} | self._pending())

    async def show_rules(self, request: web.Request) -> web.Response:
        rules = Rules(rules=self._rulebook.rules)
        return web.Response(body=rules.model_dump_json().encode(), content_type="application/json")

    async def put_rules(self, request: web.Request) -> web.Response:
        """Put these rules in force instead of those there are; counting starts anew."""
        try:
            rules = Rules.model_validate_json(await request.read()).rules
            self._people.check_rules(rules)
        except (ValidationError, Refused) as error:
            return _refused(error)
        self._rulebook.replace(rules)
        return _json({"rules": len(rules)})

    async def reply(self, request: web.Request) -> web.Response:
        """Make a person write. Answers at once with the provider's ids; the callback follows."""
        try:
            body = Reply.model_validate_json(await request.read())
            callbacks = self._people.speech(body.account, body)
        except (ValidationError, Refused) as error:
            return _refused(error)
        self._courier.follow([Step(0.0, callback) for callback in callbacks])
        return _json({"message_ids": [callback.message_id for callback in callbacks]}, 202)

    async def flush(self, request: web.Request) -> web.Response:
        """Cut every wait short, and wait until all callbacks are taken, at most `wait_seconds`."""
        try:
            wait_seconds = min(float(request.query.get("wait_seconds", "0")), MAX_WAIT_SECONDS)
        except ValueError:
            return _json({"problems": ["wait_seconds is a number"]}, 422)
        self._courier.flush()
        await self._courier.drained(wait_seconds)
        return _json(self._pending())

    async def subscribe(self, request: web.Request) -> web.Response:
        try:
            body = Subscribe.model_validate_json(await request.read())
            return _json(await self._people.subscribe(body.account))
        except (ValidationError, Refused) as error:
            return _refused(error)

    def _pending(self) -> dict[str, int]:
        return {"pending_callbacks": self._courier.pending, "abandoned_callbacks": self._courier.abandoned}


def _json(content: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")


def _refused(error: ValidationError | Refused) -> web.Response:
    if isinstance(error, ValidationError):
        found = [f"{where}: {what}" if where else what for where, what in problems(error)]
    else:
        found = [str(error)]
    return _json({"problems": found}, 422)
