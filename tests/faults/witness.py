"""The simulator as a witness: its rules, what it is asked to do, and its ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from tests.faults.traffic import Speech

Entry = Mapping[str, Any]
_PAGE = 1_000


class Simulator:
    """The control API of `imgw simulate`."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = f"{url}/simulator"

    async def put_rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        async with self._http.put(f"{self._url}/rules", json={"rules": list(rules)}) as response:
            assert response.status == 200, await response.text()

    async def speak(self, speech: Speech) -> str:
        """Somebody writes. The provider's id of the message."""
        body = {"account": speech.account, "from": speech.sender, "text": speech.text}
        async with self._http.post(f"{self._url}/reply", json=body) as response:
            assert response.status == 202, await response.text()
            [message_id] = (await response.json())["message_ids"]
            return str(message_id)

    async def last_number(self) -> int:
        return int((await self._summary())["last_seq"])

    async def pending_callbacks(self) -> int:
        """How many receipts and messages the gateway has still to take; fails when any was given up."""
        summary = await self._summary()
        assert summary["abandoned_callbacks"] == 0, summary
        return int(summary["pending_callbacks"])

    async def entries_after(self, number: int) -> list[Entry]:
        """The ledger from there on, page by page."""
        entries: list[Entry] = []
        while True:
            async with self._http.get(f"{self._url}/ledger?since={number}&limit={_PAGE}") as response:
                page = await response.json()
            if not page["entries"]:
                return entries
            entries += page["entries"]
            number = page["next"]

    async def _summary(self) -> dict[str, Any]:
        async with self._http.get(f"{self._url}/summary") as response:
            summary: dict[str, Any] = await response.json()
            return summary
