"""An MQTT broker that does what a test tells it to, for what Mosquitto never does on its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.transports.port import MqttServer

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14
PINGRESP = b"\xd0\0"

Answer = Callable[[int, bytes], bytes | None]
"""From a packet's type and its bytes after the length, to what is sent back; None: the connection is cut."""


@dataclass
class ScriptedBroker:
    """What came: the packets of all connections together."""

    answer: Answer
    port: int = 0
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def server(self) -> MqttServer:
        return MqttServer("127.0.0.1", self.port)

    def send(self, answer: bytes) -> None:
        """On the connection that was made last."""
        self.writers[-1].write(answer)

    def published(self) -> list[bytes]:
        """The payloads that came, without what is before them: messages of tests have no properties."""
        return [
            body[4 + int.from_bytes(body[:2], "big") + 1 :] for kind, body in self.packets if kind == PUBLISH
        ]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                kind, body = await _packet(reader)
                self.packets.append((kind, body))
                answer = self.answer(kind, body)
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted_broker(answer: Answer) -> AsyncIterator[ScriptedBroker]:
    broker = ScriptedBroker(answer)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        for writer in broker.writers:
            writer.transport.abort()


def connack(code: int = 0, properties: bytes = b"") -> bytes:
    return bytes([CONNACK << 4, 3 + len(properties), 0, code, len(properties)]) + properties


def puback(published: bytes, code: int = 0) -> bytes:
    """For a PUBLISH at QoS 1."""
    after_topic = 2 + int.from_bytes(published[:2], "big")
    return bytes([PUBACK << 4, 3]) + published[after_topic : after_topic + 2] + bytes([code])


def suback(subscribed: bytes, codes: list[int]) -> bytes:
    return bytes([SUBACK << 4, 3 + len(codes)]) + subscribed[:2] + b"\0" + bytes(codes)


def publication(number: int) -> bytes:
    """At QoS 1, to t/up, with the number as packet identifier and payload."""
    body = b"\0\4t/up" + number.to_bytes(2, "big") + b"\0" + str(number).encode()
    return bytes([PUBLISH << 4 | 2, len(body)]) + body


def disconnect(code: int) -> bytes:
    return bytes([DISCONNECT << 4, 1, code])


def receive_maximum(number: int) -> bytes:
    return b"\x21" + number.to_bytes(2, "big")


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return first >> 4, await reader.readexactly(length)
