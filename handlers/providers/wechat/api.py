"""Calls WeChat's API: with an access token that is shared, and renewed once when WeChat refuses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

from pydantic import SecretStr, ValidationError

from gateway.errors import FailureKind, ProviderError
from gateway.model.base import now
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse, Token, Transports
from handlers.providers.wechat import wire
from handlers.providers.wechat.codes import FAILURES, TOKEN_EXPIRED, TOKEN_REFUSED
from handlers.shared.json_bodies import write_request
from handlers.shared.uploads import repeatable

JSON = {"content-type": "application/json; charset=utf-8"}
# In the last five minutes of a token WeChat gives a new one to whoever asks, and takes both.
_RENEWED_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Call:
    """One call: everything but the access token."""

    path: str
    body: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Api:
    """The API, as one account uses it."""

    account: str
    url: str
    app_id: str
    app_secret: SecretStr
    timeout_seconds: float

    async def call(self, call: Call, out: Transports) -> HttpResponse:
        """The answer, which is a success as far as its HTTP status and `errcode` go. Raises ProviderError."""
        token = await self.token(out)
        response = await self._send(self.request(call, token), out)
        errcode = _told(response).errcode
        if errcode in TOKEN_REFUSED:
            token = await self.token(out, refused=token, force=errcode != TOKEN_EXPIRED)
            response = await self._send(self.request(call, token), out)
        if error := failure(response):
            raise error
        return response

    def request(self, call: Call, token: str) -> HttpRequest:
        """The request that a call is, with this access token."""
        url = f"{self.url}{call.path}?access_token={quote(token, safe='')}{call.query}"
        return HttpRequest(call.method, url, call.headers, call.body)

    async def token(self, out: Transports, *, refused: str | None = None, force: bool = False) -> str:
        """An access token. `force` makes WeChat replace one that it still holds for good, which it does 20
        times a day."""

        async def fetch() -> Token:
            return await self._fresh_token(out, force)

        return await out.tokens.get(self.account, fetch, refused=refused)

    async def _fresh_token(self, out: Transports, force: bool) -> Token:
        asked = {
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self.app_secret.get_secret_value(),
            "force_refresh": force,
        }
        request = HttpRequest("POST", f"{self.url}/cgi-bin/stable_token", JSON, write_request(asked))
        try:
            return _read_token(await self._send(request, out))
        except ProviderError as error:
            raise repeatable(error) from error

    async def _send(self, request: HttpRequest, out: Transports) -> HttpResponse:
        return await out.http.request(request, timeout_seconds=self.timeout_seconds)


def _read_token(response: HttpResponse) -> Token:
    if error := failure(response):
        raise error
    try:
        fresh = wire.FreshToken.model_validate_json(response.body)
    except ValidationError as invalid:
        raise unreadable(response) from invalid
    lasts = timedelta(seconds=max(fresh.expires_in - _RENEWED_SECONDS, 1))
    return Token(fresh.access_token, now() + lasts)


def failure(response: HttpResponse) -> ProviderError | None:
    """What an answer says went wrong; None for one that says nothing of the kind."""
    told, taken = _told(response), 200 <= response.status < 300
    if not told.errcode:
        return None if taken else http_failure(response)
    code = str(told.errcode)
    known = FAILURES.get(told.errcode)
    if known is None and not taken:
        return http_failure(response, code=code, text=told.errmsg)
    kind, reason = known or (FailureKind.PERMANENT, "provider_error")
    wait = retry_after(response)
    return ProviderError(kind, reason=reason, code=code, text=told.errmsg, retry_after_seconds=wait)


def _told(response: HttpResponse) -> wire.Told:
    try:
        return wire.Told.model_validate_json(response.body)
    except ValidationError:
        return wire.Told()
