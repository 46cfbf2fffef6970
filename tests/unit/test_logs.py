"""Log lines: their form, and that nothing gets into them that should not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway.errors import FailureKind, ProviderError
from gateway.model.address import Address
from gateway.telemetry.logs import configure_logging

SECRET = "s3cr3t-of-an-account-0123"
TEXT = "what somebody wrote to somebody"
LIBRARIES = ("aiohttp", "aio_pika", "aiormq", "asyncio", "motor", "pymongo")


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Logging is the process's own; give it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    yield
    root.handlers[:], root.level = handlers, level
    logging.raiseExceptions = True
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "debug", format: str = "json") -> tuple[io.StringIO, Any]:
    stream = io.StringIO()
    configure_logging(level, format, stream=stream, service="mt")
    return stream, structlog.get_logger()


def test_a_line_is_one_json_object_with_time_level_service_and_event_first() -> None:
    stream, log = configured()
    log.info("mt.submitted", account="wa-shop", attempt=2)
    line = logged(stream)[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert list(line.items()) == [
        ("level", "info"),
        ("service", "mt"),
        ("event", "mt.submitted"),
        ("account", "wa-shop"),
        ("attempt", 2),
    ]


def test_what_is_bound_to_the_context_is_in_every_line() -> None:
    stream, log = configured()
    with structlog.contextvars.bound_contextvars(message_id="m-1"):
        log.info("mt.submitted")
    log.info("mt.submitted")
    assert [line.get("message_id") for line in logged(stream)] == ["m-1", None]


def test_a_line_below_the_level_is_not_written() -> None:
    stream, log = configured("warning")
    log.info("mt.submitted")
    log.warning("mt.put_off")
    assert [line["event"] for line in logged(stream)] == ["mt.put_off"]


def test_the_last_configuration_holds_for_loggers_made_before() -> None:
    first, log = configured()
    log.info("one")
    second, _ = configured()
    log.info("two")
    logging.getLogger("aiohttp").warning("three")
    assert [line["event"] for line in logged(first)] == ["one"]
    assert [line["event"] for line in logged(second)] == ["two", "three"]


@pytest.mark.parametrize(
    ("format", "stream", "json_lines"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_lines_are_for_people_on_a_terminal_unless_told_otherwise(
    format: str, stream: io.StringIO, json_lines: bool
) -> None:
    configure_logging("info", format, stream=stream, service="mt")
    structlog.get_logger().info("mt.submitted", account="wa-shop")
    assert stream.getvalue().startswith("{") is json_lines
    assert "mt.submitted" in stream.getvalue()


def test_a_line_for_people_has_no_colours_where_nobody_sees_them() -> None:
    stream, log = configured(format="console")
    log.info("mt.submitted", account="wa-shop")
    assert re.fullmatch(r"\S+Z \[info {5}\] mt\.submitted +service=mt account=wa-shop\n", stream.getvalue())


def fail() -> None:
    local = SECRET  # noqa: F841 - a local variable that must not be seen
    try:
        raise ValueError(f"cannot read {TEXT} {SECRET}")
    except ValueError as error:
        raise ProviderError(FailureKind.UNCERTAIN, reason="provider_error", code="http_200") from error


def test_an_exception_is_logged_by_type_and_place_and_only_our_own_with_words() -> None:
    stream, log = configured()
    try:
        fail()
    except ProviderError:
        log.exception("mt.crashed")
    ours, theirs = logged(stream)[0]["exception"]
    assert ours["type"] == "gateway.errors.ProviderError"
    assert ours["message"] == "uncertain: provider_error (provider code http_200)"
    assert [re.sub(r":\d+ ", " ", frame).rpartition(".")[2] for frame in ours["frames"]] == [
        "test_logs test_an_exception_is_logged_by_type_and_place_and_only_our_own_with_words",
        "test_logs fail",
    ]
    assert (theirs["type"], "message" in theirs, len(theirs["frames"])) == ("ValueError", False, 1)
    assert TEXT not in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_an_exception_for_people_is_below_its_line() -> None:
    stream, log = configured(format="console")
    try:
        fail()
    except ProviderError as error:
        log.error("mt.crashed", exc_info=error)
    lines = stream.getvalue().splitlines()
    assert lines[1] == "  gateway.errors.ProviderError: uncertain: provider_error (provider code http_200)"
    assert [line.strip()[:3] for line in lines[2:4]] == ["at ", "at "]
    assert lines[4:] == ["  caused by ValueError", lines[5]]
    assert SECRET not in stream.getvalue()


def test_a_group_of_exceptions_shows_its_members_and_a_circle_of_causes_ends() -> None:
    stream, log = configured()
    one, two = ValueError(TEXT), KeyError(SECRET)
    one.__cause__, two.__cause__ = two, one
    log.error("loop.crashed", exc_info=ExceptionGroup(TEXT, [one, two]))
    assert [each["type"] for each in logged(stream)[0]["exception"]] == [
        "ExceptionGroup",
        "ValueError",
        "KeyError",
    ]
    assert TEXT not in stream.getvalue()


def test_without_an_exception_under_way_none_is_logged() -> None:
    stream, log = configured()
    log.exception("mt.crashed")
    log.error("mt.crashed", exc_info=None)
    assert ["exception" in line for line in logged(stream)] == [False, False]


def test_secrets_are_taken_out_wherever_somebody_put_them() -> None:
    stream, log = configured()
    log.info(
        f"calling https://api.telegram.org/bot123456:{SECRET}/getMe",
        url=f"https://u:{SECRET}@host/?access_token={SECRET}",
        headers={"Authorization": f"Bearer {SECRET}", "X-Hub-Signature-256": SECRET},
        token=SECRET,
        text=TEXT,
        to=Address(kind="msisdn", id="+447911123456"),
        error=ValueError(TEXT),
    )
    line = logged(stream)[0]
    assert (line["event"], line["url"]) == (
        "calling https://api.telegram.org/bot***/getMe",
        "https://***@host/?access_token=***",
    )
    assert line["headers"] == {"Authorization": "***", "X-Hub-Signature-256": "***"}
    assert (line["token"], line["text"]) == ("***", f"<{len(TEXT)} characters>")
    assert (line["to"], line["error"]) == ("<Address>", "<ValueError>")


def test_whatever_is_logged_a_line_comes_out() -> None:
    stream, log = configured()
    log.info("odd", surrogate="a\ud800b", number=float("nan"), big=10**40, map={1: {2: object()}}, text=None)
    line = logged(stream)[0]
    found = {name: line[name] for name in ("surrogate", "number", "big", "map", "text")}
    assert found == {
        "surrogate": "a\\xd800b",
        "number": None,
        "big": str(10**40),
        "map": {"1": {"2": "<object>"}},
        "text": None,
    }


def test_a_record_that_cannot_be_formatted_is_not_printed_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    configured()
    logging.getLogger("aiohttp").warning("broken %s %s", SECRET, Broken())
    assert SECRET not in "".join(capsys.readouterr())


def test_libraries_are_heard_from_warnings_on_in_the_same_form() -> None:
    stream, _ = configured()
    for name in LIBRARIES:
        logging.getLogger(f"{name}.part").debug("debug %s", TEXT)
        logging.getLogger(f"{name}.part").info("info %s", TEXT)
        logging.getLogger(f"{name}.part").warning("lost %s after %d s", f"amqp://u:{SECRET}@h/", 5)
    lines = logged(stream)
    assert [line["logger"] for line in lines] == [f"{name}.part" for name in LIBRARIES]
    assert {(line["level"], line["service"], line["event"]) for line in lines} == {
        ("warning", "mt", "lost amqp://***@h/ after 5 s")
    }


def test_libraries_are_not_heard_below_the_level_asked_for() -> None:
    stream, _ = configured("error")
    logging.getLogger("aio_pika").warning("lost")
    logging.getLogger("aio_pika").error("gone")
    assert [line["event"] for line in logged(stream)] == ["gone"]


def test_a_librarys_exceptions_are_named_by_type_whether_argument_or_traceback() -> None:
    stream, _ = configured()
    log = logging.getLogger("aiormq")
    log.error("failed: %r %s", ValueError(TEXT), 1, exc_info=ValueError(SECRET))
    log.error("failed: %(error)s", {"error": TEXT[:4]})
    log.error("odd %d", "arguments")
    lines = logged(stream)
    assert [line["event"] for line in lines] == ["failed: 'ValueError' 1", f"failed: {TEXT[:4]}", "odd %d"]
    assert lines[0]["exception"] == [{"type": "ValueError", "frames": []}]
    assert SECRET not in stream.getvalue()


async def test_a_task_that_failed_unseen_is_logged_without_what_it_failed_on() -> None:
    stream, _ = configured()
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(TEXT), "future": TEXT}
    )
    line = logged(stream)[0]
    assert (line["event"], line["exception"]) == (
        "Task exception was never retrieved",
        [{"type": "ValueError", "frames": []}],
    )
    assert TEXT not in stream.getvalue()
