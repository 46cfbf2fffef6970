#!/usr/bin/env python3
"""A chat in the terminal over the in-app channel: a reference client on aiomqtt. See README.md beside it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import ssl
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import aiohttp
import aiomqtt
from get_pass import Document, arguments, get_pass
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

AGAIN_AFTER_SECONDS, REPEATED_AFTER_SECONDS, RENEWED_BEFORE_SECONDS = 2.0, 5.0, 60.0
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what is from outside must not speak to the terminal


def show(text: str) -> None:
    print(CONTROL.sub("?", text), flush=True)  # noqa: T201  its job


class Client:
    """One device. What comes twice it shows once; what the gateway has not answered for, it repeats."""

    def __init__(self, options: argparse.Namespace, lines: asyncio.Queue[str]) -> None:
        self._options, self._lines = options, lines
        self._me = {"user_id": options.user, "device_id": options.device}
        self._thread: Document = {}  # the person's own conversation
        self._unanswered: dict[str, tuple[str, Document]] = {}  # MO and requests, by id
        self._answer = asyncio.Event()
        self._had, self._said = set[str](), dict[str, str]()  # ids; and own words, by mo_id

    async def run(self) -> None:
        """Until the person leaves: connections, one after the other; a pass until it ends or is refused."""
        own: Document = {}
        left = False
        while not left:
            try:
                own = own or await get_pass(self._options)
                left, own = await self._connect(own), {}
            except (aiomqtt.MqttError, aiohttp.ClientError, OSError) as error:
                show(f"  not connected ({error}); trying again")
                own = {} if getattr(error, "rc", None) in (134, 135) else own  # the broker: not authorized
                await asyncio.sleep(AGAIN_AFTER_SECONDS)

    async def _connect(self, own: Document) -> bool:
        topics = self._topics = own["topics"]
        number = uuid.uuid4().hex
        gone, here = (json.dumps({"online": online, "session": number}) for online in (False, True))
        async with self._server(own, aiomqtt.Will(topics["presence"], gone, 1, retain=True)) as self._mqtt:
            try:
                heard = ("down", "device_down", "sync", "responses")
                await self._mqtt.subscribe([(topics[name], 1) for name in heard])
                await self._mqtt.publish(topics["presence"], here, 1, retain=True)
                await self._ask("requests", action="threads")
                lasts = datetime.fromisoformat(own["expires_at"]) - datetime.now(UTC)
                return await self._talk(max(1.0, lasts.total_seconds() - RENEWED_BEFORE_SECONDS))
            finally:  # brokers leave out the will of who disconnects in good order, for whatever reason
                await self._mqtt.publish(topics["presence"], gone, 1, retain=True)

    def _server(self, own: Document, will: aiomqtt.Will) -> aiomqtt.Client:
        broker, url = own["broker"], urlsplit(own["broker"]["url"])
        if broker["protocol"] != "5":
            sys.exit("this client speaks MQTT 5 only")
        where = {"hostname": url.hostname, "port": url.port or {"mqtt": 1883, "mqtts": 8883}[url.scheme]}
        login = {"username": broker["username"], "password": own["token"], "identifier": broker["client_id"]}
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = broker["session_seconds"]
        session = {"clean_start": False, "properties": kept, "protocol": aiomqtt.ProtocolVersion.V5}
        context = ssl.create_default_context() if url.scheme == "mqtts" else None
        return aiomqtt.Client(**where, **login, **session, will=will, tls_context=context)

    async def _talk(self, seconds: float) -> bool:
        tasks = [asyncio.create_task(work) for work in (self._type(), self._hear(), self._repeat())]
        try:
            done, _ = await asyncio.wait(tasks, timeout=seconds, return_when="FIRST_COMPLETED")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await asyncio.gather(*done)  # raises what ended it
        return tasks[0] in done

    async def _repeat(self) -> None:
        while True:  # at once, too: there may be some from the connection before
            for topic, document in list(self._unanswered.values()):
                await self._say(topic, document)
            await asyncio.sleep(REPEATED_AFTER_SECONDS)

    async def _hear(self) -> None:
        async for message in self._mqtt.messages:
            heard = json.loads(message.payload)
            if heard["type"] == "message":
                await self._message(heard, live=True)
            elif heard["type"] == "mo":
                self._mo(heard)
            elif heard["type"] == "receipt" and heard["from"] != self._me:
                show(f"  {heard['status']} by {heard['from']['user_id']}/{heard['from']['device_id']}")
            elif heard["type"] in ("accepted", "refused", "result"):
                await self._answered(heard)

    async def _message(self, message: Document, *, live: bool) -> None:
        content, message_id = message["content"], message["message_id"]
        if content["type"] == "read":
            show(f"  ✓✓ {self._said.get(content['of'], content['of'])}")
        if content["type"] in ("read", "typing"):
            return
        if message_id not in self._had:
            show(f"{self._options.app}: {words(content)}")
        self._had.add(message_id)
        for status in ("delivered", "read") if live or "read_at" not in message else ():
            await self._say("receipts", {"message_id": message_id, "status": status})

    def _mo(self, mo: Document) -> None:
        if mo["from"] != self._me and mo["mo_id"] not in self._had:
            show(f"{mo['from']['user_id']}/{mo['from']['device_id']}: {words(mo['content'])}")
        self._had.add(mo["mo_id"])

    async def _answered(self, answer: Document) -> None:
        topic, document = self._unanswered.pop(answer["of"] or "", ("", {}))
        if answer["type"] == "refused":
            show(f"  not taken: {answer['detail']} ({answer['code']})")
        elif topic == "up":
            self._said[answer["mo_id"]] = words(document["content"])
            show(f"  ✓ {words(document['content'])}")
        elif topic == "requests":
            await self._result(document, answer["result"])
        self._answer.set()

    async def _result(self, asked: Document, result: Document) -> None:
        if "next" in result:
            await self._ask("requests", **{**asked, "cursor": result["next"]})
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        for thread in result.get("threads", ()):
            name = thread.get("title") or thread.get("topic") or "your conversation"
            show(f"  {thread['thread_id']}  {thread['type']}, {thread['status']}: {name}")
            await self._ask("requests", action="messages", thread_id=thread["thread_id"], since=yesterday)
        for message in result.get("messages", ()):
            await self._message(message, live=False) if message["direction"] == "mt" else self._mo(message)
        for topic in result.get("topics", [result] if "topic" in result else ()):
            show(f"  {topic['topic']}{' (followed)' if topic['subscribed'] else ''}")

    async def _type(self) -> None:
        """Do what is typed. Ends when the person leaves, and everything is answered for."""
        while (line := (await self._lines.get()).strip()) != "/quit":
            command, _, name = line.partition(" ")
            if command in ("/threads", "/topics"):
                await self._ask("requests", action=command[1:])
            elif command == "/open":
                self._thread = {"id": name}
            elif command == "/topic":
                self._thread = {"topic": name}
                await self._ask("requests", action="topic_subscribe", topic=name)
            elif command.startswith("/"):
                show("  /threads, /open THREAD, /topics, /topic TOPIC (follow; write to all who do), /quit")
            elif command:
                await self._ask("up", content={"type": "text", "text": line}, thread=self._thread)
        self._lines.put_nowait("/quit")  # where this connection does not last until then
        while self._unanswered:
            self._answer.clear()
            await self._answer.wait()

    async def _ask(self, topic: str, /, **document: object) -> None:
        """Say what gets an answer. It is repeated until that comes, and taken once."""
        id = uuid.uuid4().hex
        self._unanswered[id] = (topic, {**document, "id": id})
        await self._say(*self._unanswered[id])

    async def _say(self, topic: str, document: Document) -> None:
        answered = Properties(PacketTypes.PUBLISH)
        answered.ContentType, answered.ResponseTopic = "application/json", self._topics["responses"]
        await self._mqtt.publish(self._topics[topic], json.dumps(document), 1, properties=answered)


def words(content: Document) -> str:
    said = content.get("text") or content.get("title") or content.get("caption")
    return str(said or f"({content['type']})")


async def main(options: argparse.Namespace) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    put = partial(asyncio.get_running_loop().call_soon_threadsafe, lines.put_nowait)
    threading.Thread(target=lambda: [*map(put, sys.stdin), put("/quit")], daemon=True).start()
    await Client(options, lines).run()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(arguments(__doc__).parse_args()))
