"""A provider that says what it was told to say, and remembers what it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from gateway.errors import ProviderError
from gateway.model.base import now
from gateway.transports.port import HttpRequest, HttpResponse, Token, Transports
from tests.handlers.fake_mqtt import FakeMqtt

Answer = HttpResponse | ProviderError


class FakeHttp:
    """Gives the canned answers in their order; an error among them is raised, as the real transport does.

    `mqtt` is the way to a provider that is not spoken to over HTTP.
    """

    def __init__(self, *answers: Answer, mqtt: FakeMqtt | None = None) -> None:
        self.mqtt = mqtt or FakeMqtt()
        self.unused = deque(answers)
        self.requests: list[HttpRequest] = []
        self.timeouts_seconds: list[float] = []

    async def request(self, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        self.requests.append(request)
        self.timeouts_seconds.append(timeout_seconds)
        if not self.unused:
            raise AssertionError(f"request {len(self.requests)} has no canned answer")
        answer = self.unused.popleft()
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    @property
    def transports(self) -> Transports:
        return Transports(http=self, http2=self, mqtt=self.mqtt, tokens=FakeTokens())


class FakeTokens:
    """Tokens of one process."""

    def __init__(self) -> None:
        self.kept: dict[str, Token] = {}

    async def get(
        self, name: str, fetch: Callable[[], Awaitable[Token]], *, refused: str | None = None
    ) -> str:
        token = self.kept.get(name)
        if token is None or token.value == refused or token.expires_at <= now():
            token = self.kept[name] = await fetch()
        return token.value
