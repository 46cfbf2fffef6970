"""What goes to the tap of a channel and what to the AMQP library, however the bytes arrive."""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast

import pamqp.frame
import pytest
from aiormq.connection import FrameReceiver
from aiormq.exceptions import AMQPConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from gateway.broker.rabbitmq import frames, transport
from gateway.broker.rabbitmq.transport import Transport

TAPPED, OTHER = 1, 2
Told = tuple[str, bytes]


def _message(channel: int, tag: int, body: bytes) -> list[bytes]:
    properties = Basic.Properties(message_id=f"m{tag}")
    half = len(body) // 2
    written: list[Basic.Deliver | ContentHeader | ContentBody] = [
        Basic.Deliver("ctag", tag, False, "", "q"),
        ContentHeader(body_size=len(body), properties=properties),
        *(ContentBody(part) for part in (body[:half], body[half:]) if part),
    ]
    return [pamqp.frame.marshal(frame, channel) for frame in written]


STREAM = [
    *_message(TAPPED, 1, b"first"),
    pamqp.frame.marshal(Heartbeat(), 0),
    pamqp.frame.marshal(Basic.ConsumeOk("ctag"), TAPPED),
    *_message(TAPPED, 2, b""),
    _message(TAPPED, 3, b"interrupted")[0],
    *_message(OTHER, 4, b"other"),
    *_message(TAPPED, 3, b"interrupted")[1:],
    pamqp.frame.marshal(Basic.Ack(9, multiple=True), TAPPED),
    pamqp.frame.marshal(Channel.CloseOk(), TAPPED),
    *_message(TAPPED, 5, b"the number is used again, untapped"),
]
FOR_THE_LIBRARY = [
    "Heartbeat",
    "Basic.ConsumeOk",
    *("Basic.Deliver", "ContentHeader", "ContentBody", "ContentBody"),
    "Channel.CloseOk",
    *("Basic.Deliver", "ContentHeader", "ContentBody", "ContentBody"),
]


@given(st.lists(st.integers(1, 60), min_size=1))
async def test_each_frame_goes_where_it_belongs(chunks: list[int]) -> None:
    told, seen = await _pass_through(b"".join(STREAM), chunks)

    assert told == [("m1", b"first"), ("m2", b""), ("m3", b"interrupted"), ("confirmed 9", b"")]
    assert seen == FOR_THE_LIBRARY


async def test_the_library_sees_a_sign_of_life_when_all_frames_are_tapped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_HEARTBEAT_SECONDS", 0.0)
    told, seen = await _pass_through(b"".join(_message(TAPPED, 1, b"first")), [1_000])

    assert told == [("m1", b"first")]
    assert set(seen) == {"Heartbeat"}


@pytest.mark.parametrize("cut", [1, 8, 30])
async def test_a_message_that_is_cut_off_is_not_told(cut: int) -> None:
    told, seen = await _pass_through(b"".join(_message(TAPPED, 1, b"first"))[:-cut], [1_000])

    assert (told, seen) == ([], [])


async def _pass_through(stream: bytes, chunks: list[int]) -> tuple[list[Told], list[str]]:
    """What the tap was told, and the names of the frames that the library saw, until the connection is
    lost."""
    told: list[Told] = []

    def tap(method: bytes, header: bytes, body: bytes) -> None:
        if method.startswith(frames.DELIVER):
            told.append((frames.properties_in(header).message_id or "", body))
        else:
            told.append((f"confirmed {frames.confirmed(method)[0]}", body))

    over = Transport()
    over.tap(TAPPED, tap)
    source = asyncio.StreamReader()
    receiver = FrameReceiver(cast(asyncio.StreamReader, transport._Reader(source, over)))
    feeding = asyncio.create_task(_feed(source, stream, chunks))
    seen: list[str] = []
    with contextlib.suppress(AMQPConnectionError):
        async for _, _, frame in receiver:
            seen.append(frame.name)
    await feeding
    return told, seen


async def _feed(source: asyncio.StreamReader, stream: bytes, chunks: list[int]) -> None:
    at = number = 0
    while at < len(stream):
        size = chunks[number % len(chunks)]
        source.feed_data(stream[at : at + size])
        at, number = at + size, number + 1
        await asyncio.sleep(0)
    source.feed_eof()
