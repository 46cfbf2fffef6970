"""python-telegram-bot as the other side: it reads updates as we do, and has the calls that we make."""

from __future__ import annotations

import asyncio
import inspect
import re

import orjson
import pytest
from telegram import Bot, Message, Update

from handlers.contract import InboundMessage
from tests.handlers.cases.telegram import TABLE
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import CallbackRow, SendRow
from tests.handlers.tables import build

SENT = [row for row in TABLE.sends if row.ids]
# What the library wants of an update and the table leaves out: nothing of it is read by us.
KNOWN = [
    row
    for row in TABLE.callbacks
    if row.messages and "is gone" not in row.name and "bot is" not in row.name and "poll" not in row.name
]


def named(row: SendRow | CallbackRow) -> str:
    return row.name


@pytest.mark.parametrize("row", SENT, ids=named)
def test_every_call_is_a_method_of_the_library_with_parameters_that_it_has(row: SendRow) -> None:
    http = FakeHttp(*row.answers)
    asyncio.run(build(TABLE, row.account).send(row.submission, http.transports))
    for request in http.requests:
        method = request.url.rpartition("/")[2]
        known = inspect.signature(getattr(Bot, re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower())).parameters
        assert set(orjson.loads(request.body)) - set(known) == set()


@pytest.mark.parametrize("row", KNOWN, ids=named)
def test_an_update_says_the_same_to_the_library(row: CallbackRow) -> None:
    update = Update.de_json(orjson.loads(row.request.body), None)
    assert update is not None
    (read,) = row.messages
    message = update.effective_message
    assert isinstance(message, Message)
    assert (read.sender.id, read.provider_message_id.split(":")[1]) == (
        str(message.chat.id),
        str(message.message_id),
    )
    assert _said(read) == _library_said(update, message)
    assert read.edited == (update.edited_message is not None)


def _said(read: InboundMessage) -> tuple[str | None, str | None]:
    """The words, and the file or the pressed button."""
    fields = read.content.model_dump()
    words = fields.get("text") or fields.get("caption")
    if fields["type"] == "event":
        words = " ".join(("/start", *fields["details"].values()))
    return words, fields.get("media_id") or fields.get("id")


def _library_said(update: Update, message: Message) -> tuple[str | None, str | None]:
    if update.callback_query is not None:
        return None, update.callback_query.data
    files = (message.photo[-1] if message.photo else None, message.animation, message.voice)
    file = next((file for file in (*files, message.document, message.sticker) if file is not None), None)
    return message.text or message.caption, file.file_id if file else None
