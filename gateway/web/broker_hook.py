"""`/rtm/<account>/authenticate` and `/rtm/<account>/authorize`: what an MQTT broker asks before it lets a
client in, and before it lets one publish or subscribe.

Both are asked by EMQX 5 (docs.emqx.com, "Use HTTP Service" of authentication and of authorization) and by
mosquitto-go-auth's HTTP backend (its `getuser` and `aclcheck`); the answers are made so that either can read
them. A denial is a 200, too: EMQX takes any other status for "I do not know", and may then let the client do
as it likes. Who has the secret in the URL is denied with a 403: mosquitto-go-auth looks at nothing but the
status unless it is told to, and would let everybody in. Only somebody who is not the broker is answered with
403 or 404 without a verdict.

An answer costs no look into the store: one HMAC is checked, or topics are compared. How often that happens is
for the broker to limit, which sees who is asking.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson
import structlog
from aiohttp import web

from gateway.errors import CallbackRefused
from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.account import RtmAccount
from gateway.rtm.names import PREFIX, Device, read_login
from gateway.rtm.tokens import Admission, admission
from gateway.telemetry.metrics import Metrics
from gateway.web.bodies import read_body

logger = structlog.get_logger("rtm")

MAX_BYTES = 65_536
_MAX_FIELDS = 32

Question = Literal["authenticate", "authorize"]
Fields = Mapping[str, str]
Verdict = Mapping[str, Any]

# mosquitto-go-auth says which access by number; reading is when a message is about to be handed out.
_PUBLISHING = ("publish", "2")
_SUBSCRIBING = ("subscribe", "1", "4")

_ALLOW: Verdict = {"result": "allow", "is_superuser": False, "ok": True, "error": ""}
_DENY: Verdict = {"result": "deny", "is_superuser": False, "ok": False, "error": "not allowed"}


class BrokerHook:
    """Answers for accounts that have a secret for it. `account_of` and `application_of` give what is
    configured, or None."""

    def __init__(
        self,
        account_of: Callable[[str], RtmAccount | None],
        application_of: Callable[[str], Application | None],
        metrics: Metrics,
    ) -> None:
        self._account_of = account_of
        self._application_of = application_of
        self._metrics = metrics

    def register(self, app: web.Application) -> None:
        app.router.add_post("/rtm/{account}/authenticate", self.authenticate)
        app.router.add_post("/rtm/{account}/authorize", self.authorize)

    async def authenticate(self, request: web.Request) -> web.Response:
        """Asked with `username`, `password` and `clientid`, as JSON or as a form."""
        return await self._answer(request, "authenticate", self._who)

    async def authorize(self, request: web.Request) -> web.Response:
        """Asked with `username`, `clientid`, `topic` and `action` (EMQX) or `acc` (mosquitto-go-auth)."""
        return await self._answer(request, "authorize", self._what)

    async def _answer(
        self, request: web.Request, question: Question, decide: Callable[[RtmAccount, Fields], Verdict]
    ) -> web.Response:
        account = self._account_of(request.match_info["account"])
        if account is None or account.callback is None:
            return web.Response(status=404, text="there is no such account")
        if not _proved(request, account.callback.secret.get_secret_value()):
            self._count(account, question, "refused")
            logger.warning("broker_hook.refused", account=account.account, question=question)
            return web.Response(status=403, text="the secret of the account's callback section is needed")
        fields = await _fields(request)
        verdict = _DENY if fields is None else decide(account, fields)
        self._count(account, question, "unreadable" if fields is None else str(verdict["result"]))
        heeded = verdict is not _DENY or _has_header(request)
        return web.Response(
            status=200 if heeded else 403, body=orjson.dumps(verdict), content_type="application/json"
        )

    def _who(self, account: RtmAccount, fields: Fields) -> Verdict:
        if _is_ours(account, fields):
            return {**_ALLOW, "is_superuser": True}
        device = self._device(account, fields)
        application = self._application_of(device.app_id) if device else None
        if device is None or application is None:
            return _DENY
        proved = admission(fields.get("password", ""), application, now())
        return _let_in(proved) if proved is not None and proved.device == device else _DENY

    def _what(self, account: RtmAccount, fields: Fields) -> Verdict:
        topic, action = fields.get("topic", ""), fields.get("action", fields.get("acc"))
        login = account.credentials
        if login is not None and fields.get("username") == login.username:
            return _ALLOW if _is_of_channel(topic) else _DENY
        device = self._device(account, fields)
        if device is None:
            return _DENY
        publishing = action in _PUBLISHING and topic in device.publications
        subscribing = action in _SUBSCRIBING and topic in device.subscriptions
        return _ALLOW if publishing or subscribing else _DENY

    def _device(self, account: RtmAccount, fields: Fields) -> Device | None:
        """Whose login it is; its client id is the same, or else it could take another's session."""
        login = fields.get("username", "")
        device = read_login(login) if login == fields.get("clientid") else None
        application = self._application_of(device.app_id) if device else None
        if application is None or not application.serves(account.account):
            return None
        return device

    def _count(self, account: RtmAccount, question: Question, outcome: str) -> None:
        self._metrics.rtm_questions.labels(account.account, question, outcome).inc()


def _let_in(proved: Admission) -> Verdict:
    """With what EMQX from 5.8 on needs to ask no further: when to end the connection, and the topics."""
    allowed = [("publish", topic) for topic in proved.device.publications]
    allowed += [("subscribe", topic) for topic in proved.device.subscriptions]
    rules = [{"permission": "allow", "action": action, "topic": topic} for action, topic in allowed]
    rules.append({"permission": "deny", "action": "all", "topic": "#"})
    return {**_ALLOW, "expire_at": _seconds(proved.expires_at), "acl": rules}


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _is_ours(account: RtmAccount, fields: Fields) -> bool:
    """Whether it is the gateway's own login. Compared as a whole, so that the time it takes tells nothing."""
    if account.credentials is None:
        return False
    given = [fields.get("username", ""), fields.get("password", "")]
    ours = [account.credentials.username, account.credentials.password.get_secret_value()]
    return hmac.compare_digest(*("\0".join(pair).encode(errors="surrogatepass") for pair in (given, ours)))


def _is_of_channel(topic: str) -> bool:
    """Whether the gateway has to do with it, directly or by a shared subscription."""
    if topic.startswith("$share/"):
        topic = "/".join(topic.split("/")[2:])
    return topic.startswith(f"{PREFIX}/")


def _has_header(request: web.Request) -> bool:
    """Whether the secret is in a header; else it is in the URL."""
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def _proved(request: web.Request, secret: str) -> bool:
    _, _, given = request.headers.get("Authorization", "").partition(" ")
    told = given.strip() if _has_header(request) else request.query.get("secret", "")
    return hmac.compare_digest(told.encode(errors="surrogatepass"), secret.encode())


async def _fields(request: web.Request) -> Fields | None:
    """What the broker told; None when it cannot be read."""
    if request.content_length is None or request.content_length > MAX_BYTES:
        return None
    try:
        body = await read_body(request)
        if request.content_type == "application/json":
            return _texts(orjson.loads(body))
        if request.content_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except (CallbackRefused, web.HTTPRequestEntityTooLarge, ConnectionError, ValueError):
        return None
    return None


def _texts(document: object) -> Fields | None:
    if not isinstance(document, dict):
        return None
    return {name: str(value) for name, value in document.items() if isinstance(value, str | int)}
