"""What the table of line cannot say: media, the check of the account, and how lists fit its columns."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.errors import FailureKind, ProviderError
from gateway.model.content import ListContent, ListRow, ListSection
from gateway.model.message import MTMessage
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.contract import Submission
from handlers.shared.splitting import length
from processors.fitting import fit
from tests.handlers.cases.line import TABLE, TEXT, delivery, event, prove
from tests.handlers.cases.line_accounts import ACCESS_TOKEN, TAKEN_TWO, TO, refusal
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import answer, posted
from tests.handlers.tables import build

AUTHORIZED = {"authorization": f"Bearer {ACCESS_TOKEN}"}
COLUMN_UNITS, TITLE_UNITS = 120, 20  # of a carousel without titles and images, and of an action


async def test_media_are_fetched_from_another_host_with_our_token() -> None:
    request = await build(TABLE).media("4445/../1", FakeHttp().transports)
    url = "https://line-data.example/v2/bot/message/4445%2F..%2F1/content"
    assert request == HttpRequest("GET", url, AUTHORIZED, most_bytes=200_000_000)


async def test_a_sticker_has_nothing_to_fetch() -> None:
    with pytest.raises(ProviderError) as error:
        await build(TABLE).media("446:1988", FakeHttp().transports)
    assert (error.value.kind, error.value.reason) == (FailureKind.PERMANENT, "media_unreachable")


async def test_the_check_names_the_bot() -> None:
    http = FakeHttp(answer({"userId": "U1", "basicId": "@216ru", "displayName": "Shop", "chatMode": "bot"}))
    assert await build(TABLE).check(http.transports) == "Shop (@216ru)"
    assert http.requests == [HttpRequest("GET", "https://line.example/v2/bot/info", AUTHORIZED)]


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        (refusal(401, "Authentication failed"), FailureKind.AUTH, "account_credentials"),
        (HttpResponse(200, {}, b"<html/>"), FailureKind.UNCERTAIN, "provider_error"),
    ],
)
async def test_a_check_that_fails_says_why(told: HttpResponse, kind: FailureKind, reason: str) -> None:
    with pytest.raises(ProviderError) as error:
        await build(TABLE).check(FakeHttp(told).transports)
    assert (error.value.kind, error.value.reason) == (kind, reason)


def test_a_list_cut_to_the_limits_fits_the_columns_of_a_carousel() -> None:
    row = ListRow(id="r", title="Wide 🙂" * 50, description="More 🙂" * 50)
    section = ListSection(title="Section 🙂" * 50, rows=(row,) * 10)
    listed = ListContent(text="Which?", button="Choose one of these, please", sections=(section,))
    handler, http = build(TABLE), FakeHttp(TAKEN_TWO)
    mt = MTMessage(app_id="shop", channel="line", to=TO, content=listed)
    (content,) = fit(mt, handler.capabilities).contents
    asyncio.run(handler.send(Submission("shop/1", TO, None, content), http.transports))
    columns = orjson.loads(http.requests[0].body)["messages"][1]["template"]["columns"]
    assert len(columns) == 10
    assert all(length(column["text"], "utf16") <= COLUMN_UNITS for column in columns)
    assert all(length(column["actions"][0]["label"], "utf16") <= TITLE_UNITS for column in columns)


@pytest.mark.parametrize(
    "part",
    [{**TEXT, "source": {"type": "user"}}, event("postback"), event("message")],
    ids=["of nobody", "a button without its id", "a message that is missing"],
)
def test_an_event_that_lacks_what_it_is_about_is_kept_and_cannot_be_read(part: dict[str, Any]) -> None:
    handler = build(TABLE)
    (item,) = handler.split(prove(posted(delivery(part))))
    assert item.kind == "mo"
    with pytest.raises(ValueError, match=r"\S"):
        handler.parse_mo(item)
