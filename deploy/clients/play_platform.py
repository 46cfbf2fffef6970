#!/usr/bin/env python3
"""Plays the platform in the terminal: shows what people write to an application, and answers what is typed.

It speaks to the gateway as any platform does, through its queues, with the settings that the gateway has
(IMGW_*; without any, the embedded broker in .imgw/). What it reads from imgw.mo and imgw.dr it takes away:
not for a gateway that has a real platform.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import threading
from functools import partial
from typing import Any

import orjson

from gateway.broker.port import Broker, Delivery, Publication
from gateway.broker.topology import DR, MO, MT, TYPE_MT
from gateway.errors import GatewayError
from gateway.model.base import now, uuid7
from processors.commands.session import command_settings, harmless, open_servers, out, run
from processors.rtm.conversations import implicit_of_topics

_HELP = "/to PERSON, /topic TOPIC, /announce TOPIC, /quit; everything else goes there, or to who wrote last"


class Platform:
    """Answers go to the person and the thread of the last MO, until it is told otherwise."""

    def __init__(self, broker: Broker, app_id: str, to: str | None) -> None:
        self._broker = broker
        self._app_id = app_id
        self._at: dict[str, Any] = {"to": to} if to else {}
        self._had: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        await self._broker.consume(MO, 50, partial(self._take, self._on_mo))
        await self._broker.consume(DR, 50, partial(self._take, self._on_dr))

    async def typed(self, line: str) -> None:
        """Do what a line says."""
        command, _, rest = line.partition(" ")
        if command == "/to":
            self._at = {"to": rest}
        elif command == "/announce":
            self._at = {"to": {"kind": "topic", "id": rest}}
        elif command == "/topic":
            # Where clients write who name the topic and no thread.
            thread = implicit_of_topics(self._app_id, rest, "conversation", now()).as_named
            told = thread.model_dump(exclude_none=True)
            self._at = {"to": {"kind": "topic", "id": rest}, "thread": told}
        elif command.startswith("/"):
            out.print(f"  {_HELP}")
        elif not self._at:
            out.print("  to whom? /to PERSON or /topic TOPIC")
        elif line:
            await self._send(self._at, {"type": "text", "text": line})

    def _take(self, note: Any, delivery: Delivery) -> None:
        task = asyncio.create_task(self._settle(note, delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, note: Any, delivery: Delivery) -> None:
        document = orjson.loads(delivery.body)
        if document["event_id"] not in self._had:
            self._had.add(document["event_id"])
            await note(document)
        await delivery.settlement.ack()

    async def _on_mo(self, mo: dict[str, Any]) -> None:
        content, sender = mo["content"], mo["from"]
        if mo["app_id"] != self._app_id or mo["channel"] != "rtm" or content["type"] == "event":
            return
        thread = mo["thread"]
        where = f" [{thread.get('title') or mo.get('to') or 'own conversation'}]"
        out.print(harmless(f"{sender['id']}{where}: {content.get('text', content['type'])}"))
        to = {"kind": "topic", "id": mo["to"]} if mo.get("to") else {"kind": "user_id", "id": sender["id"]}
        self._at = {"to": to, "thread": thread}
        # Somebody sees it on this screen: so it is read.
        await self._send(self._at, {"type": "read", "of": mo["mo_id"]})

    async def _on_dr(self, dr: dict[str, Any]) -> None:
        why = f": {dr['reason']['code']}" if "reason" in dr else ""
        by = f" by {dr['device']}" if dr.get("device") else ""
        if dr["app_id"] == self._app_id and (by or why):
            out.print(harmless(f"  {dr['status']}{by}{why}"))

    async def _send(self, at: dict[str, Any], content: dict[str, Any]) -> None:
        mt = {"message_id": uuid7(), "app_id": self._app_id, "channel": "rtm", **at, "content": content}
        await self._broker.publish(Publication("", MT, orjson.dumps(mt), TYPE_MT, mt["message_id"]))


async def main(options: argparse.Namespace) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    put = partial(asyncio.get_running_loop().call_soon_threadsafe, lines.put_nowait)
    typed = itertools.chain(sys.stdin, ["/quit"])
    threading.Thread(target=lambda: [put(line.strip()) for line in typed], daemon=True).start()
    async with open_servers(command_settings()) as servers:
        platform = Platform(servers.broker, options.app, options.to)
        await platform.listen()
        out.print(f"  {_HELP}")
        while (line := await lines.get()) != "/quit":
            await platform.typed(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", required=True)
    parser.add_argument("--to", help="the person to write to, before anybody has written")
    try:
        run(main(parser.parse_args()))
    except GatewayError as trouble:
        sys.exit(str(trouble))
