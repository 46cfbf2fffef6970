"""The simulated generic HTTP provider, in the manner of Smartico's custom gateways.

POST /custom/messages takes JSON: `ext_user_id` (the sender's reference), `body`, `im_uid` (the recipient),
and where wanted `from_number` and `callback_url`, with the account's secret as the Authorization header. The
answer is 200 with `error_code` 0 and `ext_message_id`, or an `error_code` above 0 and `error_message`.
Callbacks are JSON with the header `X-Signature: sha256=<hex>`, the HMAC-SHA256 of the raw body with the
callback secret.

Source: Smartico's guide to secured messaging gateways (help.smartico.ai), read in 2026, for the names of the
fields and the form of the answer. There, `ext_user_id` names the person and `im_uid` the message; here it is
the other way round. The codes above 0, the receipts and the signature are this simulator's own, since such
providers each have theirs.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from handlers.simulator.callbacks import Callback, Sealed
from handlers.simulator.config import CustomHttpAccount
from handlers.simulator.desk import Answer, Desk
from handlers.simulator.plan import Stage
from handlers.simulator.rules import ReplyRule, Verdict
from handlers.simulator.speech import Speech

PROVIDER = "custom_http"
MESSAGES = {
    1: "invalid recipient",
    2: "recipient blocked",
    3: "rate limit exceeded",
    4: "temporary failure",
    5: "unauthorised",
    6: "invalid request",
}
# The names that rules may use instead of a code.
NAMES = {"invalid_recipient": 1, "blocked": 2, "temporary": 4}
_STATUS = {3: 429, 5: 401}


def known(case: str) -> bool:
    """Whether a rule may name this."""
    return case in NAMES or (case.isdecimal() and int(case) in MESSAGES)


def refusal(code: int, headers: Mapping[str, str] | None = None, status: int | None = None) -> Answer:
    body = orjson.dumps({"error_code": code, "error_message": MESSAGES[code]})
    return Answer(status or _STATUS.get(code, 200), body, headers or {})


def success(message_id: str) -> Answer:
    return Answer(200, orjson.dumps({"error_code": 0, "ext_message_id": message_id}))


@dataclass(frozen=True, slots=True)
class Sender:
    """An account and the way of its callbacks."""

    account: CustomHttpAccount
    url: str

    def callback(self, kind: str, message_id: str, payload: Any, url: str | None = None) -> Callback:
        return Callback(
            provider=PROVIDER,
            account=self.account.account,
            kind="message" if kind == "message" else "receipt",
            status=kind,
            message_id=message_id,
            url=url or self.url,
            payload=payload,
            seal=self.seal,
        )

    def speech(self, speech: Speech) -> Callback:
        """What a person writes to this account's number; anything but text is shown as the text it has."""
        message_id = new_id()
        return self.callback("message", message_id, partial(self._message, message_id, speech))

    def seal(self, payloads: Sequence[Mapping[str, Any]]) -> Sealed:
        body = orjson.dumps(payloads[0])
        key = self.account.callback_secret.get_secret_value().encode()
        signature = hmac.new(key, body, hashlib.sha256).hexdigest()
        return Sealed(body, {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"})

    def _message(self, message_id: str, speech: Speech) -> dict[str, Any]:
        return {
            "type": "message",
            "ext_message_id": message_id,
            "im_uid": speech.sender,
            "to_number": self.account.number,
            "body": speech.text or (speech.button.title if speech.button else ""),
            "timestamp": _now(),
        }


@dataclass(slots=True)
class CustomLetter:
    """A valid request to send (desk.Letter)."""

    sender: Sender
    body: Mapping[str, Any] = field(repr=False)
    message_id: str = ""
    provider: str = PROVIDER

    @property
    def account(self) -> str:
        return self.sender.account.account

    @property
    def recipient(self) -> str:
        return str(self.body["im_uid"]).removeprefix("+")

    @property
    def reference(self) -> str:
        return str(self.body["ext_user_id"])

    def post(self) -> tuple[str, ...]:
        self.message_id = new_id()
        return (self.message_id,)

    def accepted(self) -> Answer:
        return success(self.message_id)

    def fault(self, verdict: Verdict) -> tuple[Answer, str]:
        if verdict.action == "throttle":
            return refusal(3, {"Retry-After": str(verdict.retry_after_seconds)}), "3"
        if verdict.action == "unauthorized":
            return refusal(5), "5"
        if verdict.action == "server_error":
            return refusal(4, status=500), "500"
        if verdict.action == "unavailable":
            return refusal(4, status=503), "503"
        code = _code(verdict.case, 1)
        return refusal(code), str(code)

    def receipt(self, stage: Stage, case: str | None) -> Callback:
        payload = partial(self._status, stage, _code(case, 1) if stage == "failed" else None)
        return self.sender.callback(stage, self.message_id, payload, self.body.get("callback_url"))

    def replies(self, rule: ReplyRule) -> Sequence[Callback]:
        return [self.sender.speech(Speech(sender=self.recipient, text=rule.text))]

    def _status(self, stage: Stage, code: int | None) -> dict[str, Any]:
        failure = {} if code is None else {"error_code": code, "error_message": MESSAGES[code]}
        return {
            "type": "status",
            "ext_message_id": self.message_id,
            "ext_user_id": self.reference,
            "status": stage,
            **failure,
            "timestamp": _now(),
        }


class CustomHttp:
    """Its routes."""

    def __init__(self, senders: Sequence[Sender], desk: Desk) -> None:
        self._senders = list(senders)
        self._desk = desk

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/custom/messages", self.messages)]

    async def messages(self, request: web.Request) -> web.Response:
        """POST /custom/messages."""
        raw = await request.read()
        if self._desk.bare:
            return await self._desk.bare_answer(success(new_id()))
        sender = self._authenticate(request.headers.get("Authorization", ""))
        if sender is None:
            return self._desk.turned_away(PROVIDER, None, refusal(5), "credentials")
        body = _read(raw)
        account = sender.account.account
        if body is None:
            return self._desk.turned_away(PROVIDER, account, refusal(6), "6")
        if not re.fullmatch(r"\+?[1-9][0-9]{4,14}", body["im_uid"]):
            return self._desk.turned_away(PROVIDER, account, refusal(1), "1", body["im_uid"])
        return await self._desk.take(request, CustomLetter(sender, body))

    def _authenticate(self, given: str) -> Sender | None:
        for sender in self._senders:
            if hmac.compare_digest(sender.account.secret.get_secret_value().encode(), given.encode()):
                return sender
        return None


def new_id() -> str:
    return f"cm-{secrets.token_hex(12)}"


def _code(case: str | None, default: int) -> int:
    if case is None or not known(case):
        return default
    return NAMES.get(case) or int(case)


def _read(raw: bytes) -> dict[str, Any] | None:
    """A request with all it needs; None when it is not one."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    needed = all(isinstance(body.get(name), str) and body[name] for name in ("ext_user_id", "body", "im_uid"))
    url = body.get("callback_url") or "http://"
    return body if needed and isinstance(url, str) and re.match(r"https?://", url) else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
