"""Sends callbacks to the gateway as providers do: in order per message, again until it answers with 2xx."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import structlog

from handlers.simulator.ledger import Ledger

# How long receipts that could go into one request wait for each other.
LINGER_SECONDS = 0.05

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A request body and the headers that prove it; the signature is over exactly these bytes."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Callback:
    """One receipt or message on its way to the gateway, in the provider's words.

    `payload` is called when its turn comes, so that its timestamp is that moment; `seal` makes one request of
    one or more payloads with the same `url`. `answered` gets the body of the gateway's 2xx.
    """

    provider: str
    account: str
    kind: Literal["receipt", "message"]
    status: str
    message_id: str
    url: str
    payload: Callable[[], dict[str, Any]] = field(repr=False)
    seal: Callable[[Sequence[dict[str, Any]]], Sealed] = field(repr=False)
    batch: int = 1
    answered: Callable[[bytes], Awaitable[None]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """A callback, so long after the one before it in its chain."""

    after_seconds: float
    callback: Callback


@dataclass(frozen=True, slots=True)
class Patience:
    """How callbacks are repeated while the gateway does not take them."""

    first_wait_seconds: float
    longest_wait_seconds: float
    give_up_seconds: float
    timeout_seconds: float
    at_once: int


@dataclass(slots=True)
class _Waiting:
    payload: dict[str, Any]
    callback: Callback
    done: asyncio.Future[None]


class Courier:
    """All callbacks under way. `pending` counts those that the gateway has not taken yet."""

    def __init__(self, patience: Patience, ledger: Ledger) -> None:
        self._patience = patience
        self._ledger = ledger
        self._room = asyncio.Semaphore(patience.at_once)
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._batches: dict[str, list[_Waiting]] = {}
        self._http: aiohttp.ClientSession | None = None
        self.pending = 0
        self.abandoned = 0

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._patience.at_once),
            timeout=aiohttp.ClientTimeout(total=self._patience.timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "imgw-simulate"},
        )

    async def stop(self) -> None:
        """Drop what is still under way; a provider's memory is longer, a simulator's is not."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def follow(self, steps: Sequence[Step]) -> asyncio.Task[None]:
        """Send these one after the other, each once the one before was taken or given up."""
        self.pending += len(steps)
        self._idle.clear()
        task = asyncio.create_task(self._follow(steps))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def flush(self) -> None:
        """Cut short every wait there is now: receipts go out and repetitions are made at once."""
        self._hurry.set()
        self._hurry = asyncio.Event()

    async def drained(self, within_seconds: float) -> bool:
        """Whether nothing is pending, at the latest after so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), within_seconds)
        return self.pending == 0

    async def get(self, url: str, params: Mapping[str, str]) -> tuple[int, bytes]:
        """One GET to the gateway; status 0 when it cannot be reached."""
        return await self._exchange("GET", url, params=params)

    async def _follow(self, steps: Sequence[Step]) -> None:
        for step in steps:
            await self._pause(step.after_seconds)
            await self._deliver(step.callback)
            self.pending -= 1
            if self.pending == 0:
                self._idle.set()

    async def _deliver(self, callback: Callback) -> None:
        payload = callback.payload()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(payload, callback, done)
        if callback.batch == 1:
            await self._post([waiting])
            return
        batch = self._batches.setdefault(callback.url, [])
        batch.append(waiting)
        if len(batch) == callback.batch:
            del self._batches[callback.url]
            await self._post(batch)
        elif len(batch) == 1:
            await self._post_later(batch, callback.url)
        await done

    async def _post_later(self, batch: list[_Waiting], url: str) -> None:
        """The first of a batch waits for the others, and posts what has gathered unless that was done."""
        await asyncio.sleep(LINGER_SECONDS)
        if self._batches.get(url) is batch:
            del self._batches[url]
            await self._post(batch)

    async def _post(self, batch: Sequence[_Waiting]) -> None:
        callback = batch[0].callback
        sealed = callback.seal([waiting.payload for waiting in batch])
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience.give_up_seconds
        wait, posts, answer = self._patience.first_wait_seconds, 0, None
        while answer is None and loop.time() < give_up_at:
            if posts:
                await self._pause(wait)
                wait = min(wait * 2, self._patience.longest_wait_seconds)
            posts += 1
            answer = await self._try(callback, sealed)
        self._settle(batch, posts, taken=answer is not None)
        if answer is not None and callback.answered is not None:
            await callback.answered(answer)

    async def _try(self, callback: Callback, sealed: Sealed) -> bytes | None:
        """The body of a 2xx; None when the gateway did not take it."""
        async with self._room:
            status, answer = await self._exchange(
                "POST", callback.url, data=sealed.body, headers=sealed.headers
            )
        if 200 <= status < 300:
            return answer
        log.info("callback.not_taken", account=callback.account, kind=callback.kind, http_status=status)
        return None

    async def _exchange(self, method: str, url: str, **options: Any) -> tuple[int, bytes]:
        if self._http is None:
            raise RuntimeError("the courier was not started")
        try:
            async with self._http.request(method, url, allow_redirects=False, **options) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, b""

    def _settle(self, batch: Sequence[_Waiting], posts: int, *, taken: bool) -> None:
        for waiting in batch:
            callback = waiting.callback
            if taken:
                self._ledger.callback(
                    provider=callback.provider,
                    account=callback.account,
                    kind=callback.kind,
                    status=callback.status,
                    message_id=callback.message_id,
                    posts=posts,
                )
            else:
                self.abandoned += 1
                log.warning("callback.abandoned", account=callback.account, kind=callback.kind, posts=posts)
            if not waiting.done.done():
                waiting.done.set_result(None)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
