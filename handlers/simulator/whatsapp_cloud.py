"""The simulated WhatsApp Cloud API: sends, statuses, what people write, and the proof of a subscription.

Meta's Graph API, version 25.0, read in 2026. Paths start with /whatsapp, where the real ones start with the
host graph.facebook.com; the version in the path is not looked at. Not simulated: media upload and download,
templates and their approval, groups.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from handlers.simulator.callbacks import Callback, Courier
from handlers.simulator.config import WhatsAppAccount
from handlers.simulator.desk import Answer, Desk
from handlers.simulator.plan import Stage
from handlers.simulator.rules import ReplyRule, Verdict
from handlers.simulator.speech import Pressed, Speech
from handlers.simulator.whatsapp_checks import Json, Wrong, addressee, check, digits
from handlers.simulator.whatsapp_errors import (
    by_case,
    invalid_parameter,
    invalid_token,
    no_such_object,
    refusal,
)
from handlers.simulator.whatsapp_webhooks import message, message_id, seal, status

PROVIDER = "whatsapp_cloud"
# What a failing provider says where the rule names no code.
_USUAL = {
    "throttle": 130429,
    "refuse": 131026,
    "server_error": 131000,
    "unavailable": 131016,
    "unauthorized": 190,
}
_USUAL_FAILURE = 131026


@dataclass(frozen=True, slots=True)
class Number:
    """A business phone number and the way of its callbacks."""

    account: WhatsAppAccount
    url: str
    batch: int

    def callback(self, kind: str, wamid: str, payload: Any) -> Callback:
        receipt = kind != "message"
        return Callback(
            provider=PROVIDER,
            account=self.account.account,
            kind="receipt" if receipt else "message",
            status=kind,
            message_id=wamid,
            url=self.url,
            payload=payload,
            seal=partial(seal, self.account),
            batch=self.batch if receipt else 1,
        )

    def speech(self, speech: Speech) -> Callback:
        """What a person writes to this number, on its way."""
        wamid = message_id(speech.sender, inbound=True)
        return self.callback("message", wamid, partial(message, self.account, wamid, speech))


@dataclass(slots=True)
class CloudLetter:
    """A valid request to send (desk.Letter)."""

    number: Number
    body: Json = field(repr=False)
    wamid: str = ""
    provider: str = PROVIDER

    @property
    def account(self) -> str:
        return self.number.account.account

    @property
    def recipient(self) -> str:
        return addressee(self.body)

    @property
    def reference(self) -> str | None:
        return self.body.get("biz_opaque_callback_data")

    def post(self) -> tuple[str, ...]:
        self.wamid = message_id(self.recipient[:32])
        return (self.wamid,)

    def accepted(self) -> Answer:
        return success(self.body.get("to"), self.recipient, self.wamid)

    def fault(self, verdict: Verdict) -> tuple[Answer, str]:
        if verdict.action == "unauthorized":
            return invalid_token(), "190"
        error = by_case(verdict.case, _USUAL[verdict.action])
        answer = refusal(error)
        if verdict.action == "unavailable":
            answer = Answer(503, answer.body)
        return answer, str(error.code)

    def receipt(self, stage: Stage, case: str | None) -> Callback | None:
        if self.body.get("type") == "reaction" and stage in ("delivered", "read"):
            return None  # Meta: reactions get no other status than sent
        error = by_case(case, _USUAL_FAILURE) if stage == "failed" else None
        category = "utility" if self.body.get("type") == "template" else "service"
        payload = partial(
            status, self.wamid, self.recipient, stage, opaque=self.reference, category=category, error=error
        )
        return self.number.callback(stage, self.wamid, payload)

    def replies(self, rule: ReplyRule) -> Sequence[Callback]:
        speech = Speech(sender=self.recipient, text=rule.text)
        if rule.press:
            speech = _press(self.body, self.recipient, self.wamid) or speech
        return [self.number.speech(speech)]


class WhatsAppCloud:
    """Its routes."""

    def __init__(self, numbers: Sequence[Number], desk: Desk, courier: Courier) -> None:
        self._numbers = {number.account.phone_number_id: number for number in numbers}
        self._desk = desk
        self._courier = courier

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/whatsapp/{version}/{phone_number_id}/messages", self.messages)]

    async def messages(self, request: web.Request) -> web.Response:
        """POST /{phone_number_id}/messages."""
        body = _json(await request.read())
        if self._desk.bare:
            return await self._desk.bare_answer(_bare(body))
        number, refused = self._authenticate(request)
        if number is None:
            return self._desk.turned_away(PROVIDER, None, refused, "credentials")
        account = number.account.account
        if isinstance(body, dict) and body.get("status") == "read":
            return self._desk.noted(PROVIDER, account, "mark_read", _mark_read(body))
        try:
            letter = CloudLetter(number, check(body))
        except Wrong as wrong:
            return self._desk.turned_away(PROVIDER, account, wrong.answer, str(wrong.code), _recipient(body))
        return await self._desk.take(request, letter)

    async def subscribe(self, account: str) -> tuple[int, bool]:
        """Ask the gateway to prove that it is the one meant to get webhooks, as Meta does when the callback
        URL is entered. The HTTP status, and whether it passed."""
        number = next(number for number in self._numbers.values() if number.account.account == account)
        challenge = str(secrets.randbelow(10**10))
        token = number.account.verify_token.get_secret_value()
        params = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
        answered, body = await self._courier.get(number.url, params)
        return answered, answered == 200 and body == challenge.encode()

    def _authenticate(self, request: web.Request) -> tuple[Number | None, Answer]:
        """The number that the request is for, if the token is its own; else what is answered."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip().encode()
        wanted = request.match_info["phone_number_id"]
        number = self._numbers.get(wanted)
        known = [_token(one) for one in self._numbers.values()]
        if not any(hmac.compare_digest(one, token) for one in known):
            return None, invalid_token()
        if number is None or not hmac.compare_digest(_token(number), token):
            return None, no_such_object(wanted)
        return number, Answer(200, b"")


def success(to: str | None, recipient: str, wamid: str) -> Answer:
    """The answer to a message that was taken; without `to`, it was addressed by user id."""
    by_number = {"input": to, "wa_id": recipient}
    contact = by_number if to is not None else {"input": recipient, "user_id": recipient}
    body = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": wamid}]}
    return Answer(200, orjson.dumps(body))


def _bare(body: object) -> Answer:
    to = body.get("to") if isinstance(body, dict) else None
    number = to if isinstance(to, str) else ""
    return success(number, number, message_id(number[:32]))


def _token(number: Number) -> bytes:
    return number.account.access_token.get_secret_value().encode()


def _json(raw: bytes) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _recipient(body: object) -> str | None:
    to = body.get("to") if isinstance(body, dict) else None
    return digits(to) if isinstance(to, str) else None


def _mark_read(body: Json) -> Answer:
    if body.get("messaging_product") != "whatsapp":
        return invalid_parameter("The parameter messaging_product is required.")
    if not body.get("message_id"):
        return invalid_parameter("The parameter message_id is required.")
    return Answer(200, b'{"success":true}')


def _press(body: Json, sender: str, wamid: str) -> Speech | None:
    """The first button or row of this message, pressed; None where it has none."""
    interactive = body.get("interactive") or {}
    form, action = interactive.get("type"), interactive.get("action") or {}
    if form == "button":
        reply = action["buttons"][0]["reply"]
        pressed = Pressed(id=reply["id"], title=reply["title"])
        return Speech(sender=sender, button=pressed, in_reply_to=wamid)
    if form == "list":
        row = next(row for section in action["sections"] for row in section.get("rows") or [])
        pressed = Pressed(id=row["id"], title=row["title"])
        return Speech(sender=sender, row=pressed, in_reply_to=wamid)
    return None
