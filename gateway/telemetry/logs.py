"""Sets up logging: one JSON object a line, or lines for people, and never a secret or a message's text."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

from gateway.model.base import now, rfc3339
from gateway.telemetry.clean import clean
from gateway.telemetry.failures import failure_lines, failures

# What these log below `warning` holds commands, documents and message bodies.
_LIBRARIES = ("aiohttp", "aio_pika", "aiormq", "asyncio", "motor", "pymongo")

_Event = MutableMapping[str, Any]


def configure_logging(level: str, format: str, *, stream: TextIO | None = None, service: str) -> None:
    """Send every log line of the process, the libraries' warnings included, to `stream` (standard output).

    `level` is debug, info, warning or error; `format` is json, console, or auto: console on a terminal.
    `service` names the process in every line. Can be called again; the last call holds.
    """
    stream = sys.stdout if stream is None else stream
    threshold = logging.getLevelNamesMapping()[level.upper()]
    console = format == "console" or (format == "auto" and stream.isatty())
    finish: list[Processor] = [_line(service), *_rendering(stream, console=console)]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries(stream, max(threshold, logging.WARNING), finish)


def _route_libraries(stream: TextIO, threshold: int, finish: list[Processor]) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, _foreign],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
            use_get_message=False,
            pass_foreign_args=True,
        )
    )
    logging.raiseExceptions = False  # what cannot be formatted would be printed as it is
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(threshold)


def _foreign(_: Any, __: str, event: _Event) -> _Event:
    """A library's record: its first line, with exceptions among its arguments by type only.

    asyncio puts the repr of a failed task, and with it the exception's text, into further lines.
    """
    arguments = event.pop("positional_args", ())
    template = str(event["event"])
    if isinstance(arguments, tuple):
        arguments = tuple(
            type(value).__name__ if isinstance(value, BaseException) else value for value in arguments
        )
    try:
        text = template % arguments if arguments else template
    except (TypeError, ValueError, KeyError):
        text = template
    event["event"] = text.split("\n", 1)[0]
    event["logger"] = event["_record"].name
    return event


def _line(service: str) -> Processor:
    def line(_: Any, __: str, event: _Event) -> _Event:
        """The line in its order, without what nobody should have put into it: the last line of defence."""
        failed = failures(event.pop("exc_info", None))
        said: _Event = {"ts": rfc3339(now()), "level": event.pop("level"), "service": service}
        said["event"] = clean(event.pop("event", ""))
        said.update((key, clean(value, key)) for key, value in event.items())
        if failed:
            said["exception"] = clean(failed)
        return said

    return line


def _rendering(stream: TextIO, *, console: bool) -> list[Processor]:
    if not console:
        return [lambda _, __, event: orjson.dumps(event).decode()]
    colors = stream.isatty()
    return [
        _exception_as_lines,
        structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, timestamp_key="ts", pad_event_to=28),
    ]


def _exception_as_lines(_: Any, __: str, event: _Event) -> _Event:
    if "exception" in event:
        event["exception"] = "\n".join(failure_lines(event["exception"]))
    return event
