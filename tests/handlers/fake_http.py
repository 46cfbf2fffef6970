"""A provider that says what it was told to say, and remembers what it was asked."""

from __future__ import annotations

from collections import deque

from gateway.errors import ProviderError
from gateway.transports.port import HttpRequest, HttpResponse, Transports

Answer = HttpResponse | ProviderError


class FakeHttp:
    """Gives the canned answers in their order; an error among them is raised, as the real transport does."""

    def __init__(self, *answers: Answer) -> None:
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
        return Transports(http=self)
