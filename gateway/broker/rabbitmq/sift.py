"""Looking through a queue: taking out some of its messages and leaving the others in their order."""

from __future__ import annotations

import asyncio
import time

from aiormq.abc import AbstractChannel, DeliveredMessage

from gateway.broker.port import Judge
from gateway.broker.rabbitmq.errors import broker_errors
from gateway.broker.rabbitmq.link import ANSWER_SECONDS, Link, close_channel
from gateway.broker.rabbitmq.message import stored_message

# What one consumer holds comes back in its order when its channel closes. What was fetched by basic.get comes
# back in any order (RabbitMQ 3.10.8, tried 2026-11). A portion is held in memory here: bodies of up to 1 MiB.
_PORTION = 250
_NO_MORE_SECONDS = 2.0  # no further message for so long: somebody else has taken the rest
_BACK_SECONDS = 2.0
_POLL_SECONDS = 0.01


async def ready_messages(link: Link, queue: str) -> int:
    """How many messages are ready in `queue`."""
    with broker_errors(f"asking for the depth of {queue}"):
        async with link.channel() as channel:
            answer = await channel.queue_declare(queue, passive=True, timeout=ANSWER_SECONDS)
    return answer.message_count or 0


async def sift(link: Link, queue: str, judge: Judge) -> int:
    """As gateway.broker.port.Broker.sift. Until it is over, other consumers do not see what it has judged."""
    before = remaining = await ready_messages(link, queue)
    removed = 0
    channels: list[AbstractChannel] = []
    try:
        while remaining > 0:
            with broker_errors(f"looking through {queue}"):
                channels.append(await link.open_channel())
                messages = await _fetch(channels[-1], queue, min(remaining, _PORTION))
            removed += await _judge(channels[-1], messages, judge, queue)
            remaining -= min(remaining, _PORTION) if messages else remaining
        if removed:
            with broker_errors(f"removing from {queue}"):
                channels.append(await link.open_channel())
                await _until_removed(channels, queue)
    finally:
        for channel in channels:
            await close_channel(channel)
    await _until_back(link, queue, before - removed)
    return removed


async def _fetch(channel: AbstractChannel, queue: str, count: int) -> list[DeliveredMessage]:
    """Up to `count` messages from the head of the queue; they stay unsettled."""
    inbox: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    await channel.basic_qos(prefetch_count=count, timeout=ANSWER_SECONDS)
    answer = await channel.basic_consume(queue, inbox.put, timeout=ANSWER_SECONDS)
    messages: list[DeliveredMessage] = []
    try:
        while len(messages) < count:
            async with asyncio.timeout(_NO_MORE_SECONDS):
                messages.append(await inbox.get())
    except TimeoutError:
        pass
    # An acknowledgement would make room for a further message, which the next portion then missed.
    await channel.basic_cancel(answer.consumer_tag or "", timeout=ANSWER_SECONDS)
    while not inbox.empty():
        messages.append(inbox.get_nowait())
    return messages


async def _judge(channel: AbstractChannel, messages: list[DeliveredMessage], judge: Judge, queue: str) -> int:
    removed = 0
    for message in messages:
        if message.delivery_tag is not None and await judge(stored_message(message)):
            with broker_errors(f"removing from {queue}"):
                await channel.basic_ack(message.delivery_tag, wait=False)
            removed += 1
    return removed


async def _until_removed(channels: list[AbstractChannel], queue: str) -> None:
    """Wait until what was acknowledged on all but the last of the channels is gone for good.

    RabbitMQ hands on to a quorum queue no more than 32 acknowledgements of a channel at once; of those that
    it still keeps when the channel closes, the messages come back (3.10.8, seen 2026-11). A fetch is answered
    after all that was handed on before it, and then the rest is handed on: hence twice. What it may fetch
    goes back after the others, since its channel is the last to be closed.
    """
    for _ in range(2):
        for channel in channels[:-1]:  # an answer: it has worked off what was sent to it
            await channel.queue_declare(queue, passive=True, timeout=ANSWER_SECONDS)
        await channels[-1].basic_get(queue, timeout=ANSWER_SECONDS)


async def _until_back(link: Link, queue: str, expected: int) -> None:
    """Wait until what was not removed is in the queue again; not for long, for others may consume it."""
    deadline = time.monotonic() + _BACK_SECONDS
    while time.monotonic() < deadline:
        if await ready_messages(link, queue) >= expected:
            return
        await asyncio.sleep(_POLL_SECONDS)
