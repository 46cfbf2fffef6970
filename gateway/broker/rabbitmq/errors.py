"""What the errors of the AMQP client library (aio-pika 10.2, aiormq 7.2) mean for the gateway."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aiormq import exceptions as amqp
from pamqp.exceptions import PAMQPException

from gateway.broker.rabbitmq.transport import Transport
from gateway.errors import BrokerUnavailable, ConfigurationError, Problem

SETTING = "IMGW_BROKER__URL"

_NOT_ALLOWED = 530  # AMQP: there is no such virtual host, or this user may not enter it
# StopAsyncIteration: the server hung up before its first word (seen 2026-11).
_LIBRARY_ERRORS = (amqp.AMQPError, PAMQPException, OSError, EOFError, RuntimeError, StopAsyncIteration)


@contextmanager
def broker_errors(doing: str) -> Iterator[None]:
    """Turns what the library raises when it cannot do its work into BrokerUnavailable; other errors pass.

    A lost connection shows as almost anything: as the bare class Exception when the server ended it in
    order, and as CancelledError in the task of a waiting caller that nobody has cancelled (seen 2026-11).
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerUnavailable(f"{doing}: the connection was lost") from error
    except _LIBRARY_ERRORS as error:
        raise BrokerUnavailable(f"{doing}: {in_words(error)}") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise BrokerUnavailable(f"{doing}: the connection was lost") from error


@contextmanager
def connection_refusals(transport: Transport) -> Iterator[None]:
    """Turns a refusal that no repetition changes into ConfigurationError."""
    try:
        yield
    except (amqp.AuthenticationError, amqp.ProbableAuthenticationError) as error:
        raise _wrong("RabbitMQ refuses this user name and password") from error
    except amqp.InvalidFrameError as error:
        refusal = transport.refusal
        if refusal is None:
            raise
        if refusal.reply_code == _NOT_ALLOWED:
            raise _wrong(f"RabbitMQ refuses this virtual host: {refusal.reply_text}") from error
        raise BrokerUnavailable(f"connecting: {refusal.reply_text}") from error
    except amqp.AMQPConnectionError as error:
        if not isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise
        raise _wrong(f"the server's certificate is not accepted: {in_words(error.__cause__)}") from error


@contextmanager
def declaration_refusals(what: str) -> Iterator[None]:
    """Turns RabbitMQ's refusal to declare `what` ("queue imgw.mt") into ConfigurationError."""
    try:
        yield
    except amqp.ChannelPreconditionFailed as error:
        way_out = f"empty and delete it, or name another virtual host in {SETTING}"
        problem = Problem(what, f"RabbitMQ has it with other arguments: {way_out} ({in_words(error)})")
        raise ConfigurationError([problem]) from error
    except amqp.ChannelAccessRefused as error:
        raise _wrong(f"its user may not declare {what}: {in_words(error)}") from error


@contextmanager
def shard_refusals() -> Iterator[None]:
    """Turns RabbitMQ's not knowing the kind of exchange into ConfigurationError."""
    try:
        yield
    except (amqp.AMQPConnectionError, amqp.ConnectionCommandInvalid) as error:
        if "x-consistent-hash" not in in_words(error):
            raise
        what = "needs RabbitMQ's plugin rabbitmq_consistent_hash_exchange; enable it, or set this to 0"
        raise ConfigurationError([Problem("IMGW_BROKER__MT_SHARDS", what)]) from error


def in_words(error: BaseException) -> str:
    """What went wrong, for an operator. The library's texts hold hosts and queues' names, no credentials."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncio.CancelledError):  # aiormq: no heartbeat came
        return "no sign of life from the server"
    if isinstance(error, amqp.InvalidFrameError):
        return "an answer that is not understood"
    if isinstance(error, RuntimeError | StopAsyncIteration):
        return "it is closed"
    texts = [str(part) for part in error.args if isinstance(part, str) and part]
    return (texts[-1] if texts else type(error).__name__)[:300]


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError([Problem(SETTING, what)])
