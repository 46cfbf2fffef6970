"""wechatpy, a well-known library for WeChat, on the other side: it seals what we open, reads what we read,
and sends what we send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpy import parse_message  # type: ignore[import-untyped]
from wechatpy.client import WeChatClient  # type: ignore[import-untyped]
from wechatpy.crypto import WeChatCrypto  # type: ignore[import-untyped]
from wechatpy.utils import WeChatSigner, check_signature  # type: ignore[import-untyped]

from gateway.errors import CallbackRefused, ConfigurationError, FailureKind, Problem, ProviderError
from gateway.model.address import Person
from gateway.model.callback import CallbackItem, CallbackRequest
from gateway.model.content import (
    InboundContent,
    InboundMediaContent,
    InboundText,
    LocationContent,
    UnsupportedContent,
)
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.contract import Handler
from tests.handlers.cases.wechat import AT, HELLO, TABLE, push
from tests.handlers.cases.wechat_accounts import (
    AES_KEY,
    APP_ID,
    DONE,
    FRESH,
    NEXT,
    NONCE,
    SECURE,
    STAMP,
    TOKEN,
    as_json,
    as_xml,
    asked,
    pushed,
    sealed,
    token_asked,
)
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import answer, seen
from tests.handlers.tables import REGISTRY, build

URL = "https://gw.example/callbacks/wx-secure"
SEARCH = settings(max_examples=150, deadline=None, database=None)
NAMES = st.sampled_from(
    """ToUserName FromUserName CreateTime MsgType MsgId Content MediaId Event EventKey MsgID Status
    Location_X Location_Y Latitude Longitude bizmsgmenuid""".split()  # noqa: SIM905 - a list takes a page
)
WORDS = st.sampled_from(
    ["text", "image", "event", "location", "CLICK", "TEMPLATESENDJOBFINISH", "LOCATION", "", "1e400", "nan"]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
XML = st.dictionaries(NAMES, WORDS, max_size=9).map(lambda fields: as_xml(push("text", MsgId=1) | fields))
LONG = "é" * 700
SENT: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "a text": ("send_text", ("Hello",), {}),
    "an image by id": ("send_image", ("M1",), {}),
    "audio by id": ("send_voice", ("M2",), {}),
    "a URL button": (
        "send_articles",
        ([{"title": "Shop", "description": "New shoes", "url": "https://shop.example"}],),
        {},
    ),
    "reply buttons": (
        "send_msg_menu",
        (
            {
                "head_content": "Well?",
                "list": [{"id": "yes", "content": "Yes"}, {"id": "no", "content": "No"}],
                "tail_content": "",
            },
        ),
        {},
    ),
}


def sealed_by_library(body: bytes, nonce: str = NONCE) -> CallbackRequest:
    crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
    envelope = crypto.encrypt_message(body.decode(), nonce, STAMP)
    signature = envelope.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {"timestamp": STAMP, "nonce": nonce, "encrypt_type": "aes", "msg_signature": signature}
    return CallbackRequest("POST", URL, query, {}, envelope.encode())


@pytest.mark.parametrize("text", ["Hello", "你好", LONG, *("x" * length for length in range(64))])
def test_what_the_library_seals_is_proved_and_opened(text: str) -> None:
    handler, request = build(TABLE, "secure"), sealed_by_library(as_xml({**HELLO, "Content": text}))
    handler.verify(request)
    (item,) = handler.split(request)
    (message,) = handler.parse_mo(item)
    assert message.content == InboundText(text=text)
    assert (message.provider_message_id, message.sent_at) == ("24001", AT)


@SEARCH
@given(body=st.binary(max_size=200) | XML)
def test_anything_that_is_sealed_or_signed_is_read_or_refused(body: bytes) -> None:
    for account, request in (("secure", sealed(body)), ("xml", pushed(body))):
        handler = build(TABLE, account)
        handler.verify(request)
        try:
            items = handler.split(request)
        except CallbackRefused as refusal:
            if refusal.status != 400:
                raise
            continue
        for item in items:
            assert attempts(handler, item) <= 2


def attempts(handler: Handler, item: CallbackItem) -> int:
    """How many of the two ways to read an item can read it; any error but ValueError is raised."""
    read = 0
    for parse in (handler.parse_mo, handler.parse_dr):
        try:
            parse(item)
            read += 1
        except ValueError:
            continue
    return read


def test_elements_in_elements_without_end_are_an_event_or_refused() -> None:
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    handler = build(TABLE, "xml")
    body = as_xml(push("event", Event="x")).replace(b"</xml>", deep + b"</xml>")
    assert [item.kind for item in handler.split(pushed(body))] == ["event"]


def test_what_the_library_seals_and_somebody_changes_is_refused() -> None:
    handler, request = build(TABLE, "secure"), sealed_by_library(as_xml(HELLO))
    envelope = WeChatCrypto("another-token", AES_KEY, APP_ID).encrypt_message("<xml/>", NONCE, STAMP)
    other = CallbackRequest("POST", URL, request.query, {}, envelope.encode())
    with pytest.raises(CallbackRefused) as refusal:
        handler.verify(other)
    assert refusal.value.status == 403


def test_what_the_library_signs_is_accepted_and_what_our_tests_sign_it_accepts() -> None:
    signer = WeChatSigner()
    signer.add_data(TOKEN, STAMP, NONCE)
    build(TABLE).verify(asked(signature=signer.signature))
    query = pushed(b"").query
    check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])


@pytest.mark.parametrize(
    "fields",
    [
        HELLO,
        push("image", PicUrl="https://pic.example/1", MediaId="M1", MsgId=1),
        push("voice", MediaId="M2", Format="amr", MsgId=2),
        push("location", Location_X="1.5", Location_Y="2.5", Scale="20", Label="Road", MsgId=3),
        push("link", Title="News", Description="d", Url="https://n.example", MsgId=4),
    ],
)
def test_the_library_reads_the_same_message_in_a_push(fields: dict[str, Any]) -> None:
    body = as_xml(fields)
    theirs = parse_message(body)
    (item,) = build(TABLE).split(pushed(body))
    (ours,) = build(TABLE).parse_mo(item)
    assert ours.provider_message_id == str(theirs.id)
    assert ours.sender == Person(kind="openid", id=theirs.source)
    assert ours.to == theirs.target
    assert shown(ours.content) == told(theirs)


def shown(content: InboundContent) -> tuple[object, ...]:
    match content:
        case InboundText():
            return ("text", content.text)
        case InboundMediaContent():
            return (content.type, content.media_id, content.url)
        case LocationContent():
            return ("location", content.latitude, content.longitude, content.address)
        case UnsupportedContent(raw=dict(raw)):
            return (content.provider_type, raw["Url"])
    raise AssertionError("none of these")


def told(message: Any) -> tuple[object, ...]:
    """The same of a message that the library has read."""
    match message.type:
        case "text":
            return ("text", message.content)
        case "image":
            return ("image", message.media_id, message.image)
        case "voice":
            return ("audio", message.media_id, None)
        case "location":
            return ("location", float(message.location_x), float(message.location_y), message.label)
    return (message.type, message.url)


@pytest.mark.parametrize("name", SENT)
def test_the_library_would_send_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[tuple[str, Any]] = []
    client = WeChatClient(APP_ID, "secret", access_token="t")
    monkeypatch.setattr(client, "post", lambda url, **more: posted.append((url, more["data"])))
    method, arguments, more = SENT[name]
    getattr(client.message, method)("oABCD-ann", *arguments, **more)
    row = next(row for row in TABLE.sends if row.name == name)
    url, body = row.requests[-1].url, row.requests[-1].body
    (theirs,) = posted
    assert f"https://wx.example/cgi-bin/{theirs[0]}" == url.partition("?")[0]
    assert without_empty(theirs[1]) == without_empty(body)


def without_empty(document: Any) -> Any:
    """The library writes out what we leave out: pictures that there are not."""
    if isinstance(document, list):
        return [without_empty(part) for part in document]
    if not isinstance(document, dict):
        return document
    return {name: without_empty(part) for name, part in document.items() if part not in (None, "")}


async def test_media_are_fetched_by_their_id_with_a_token() -> None:
    http = FakeHttp(FRESH)
    request = await build(TABLE).media("M/1", http.transports)
    url = "https://wx.example/cgi-bin/media/get?access_token=access-token-1&media_id=M%2F1"
    assert request == HttpRequest("GET", url)
    assert [seen(each) for each in http.requests] == [token_asked()]


async def test_a_video_is_fetched_from_where_wechat_says_it_is() -> None:
    http = FakeHttp(FRESH, answer({"errcode": 42001}), NEXT, answer({"video_url": "http://video.example/1"}))
    request = await build(TABLE).media("video:M3", http.transports)
    assert request == HttpRequest("GET", "http://video.example/1")
    assert http.requests[-1] == HttpRequest(
        "GET", "https://wx.example/cgi-bin/media/get?access_token=access-token-2&media_id=M3"
    )


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer({"errcode": 40007, "errmsg": "invalid media_id"}), FailureKind.PERMANENT),
        (answer({}), FailureKind.UNCERTAIN),
        (HttpResponse(502), FailureKind.UNCERTAIN),
    ],
)
async def test_a_video_whose_place_is_not_told_is_a_failure(
    response: HttpResponse, kind: FailureKind
) -> None:
    with pytest.raises(ProviderError) as failure:
        await build(TABLE).media("video:M3", FakeHttp(FRESH, response).transports)
    assert failure.value.kind is kind


async def test_the_check_calls_wechat_with_a_token_and_names_the_app() -> None:
    http = FakeHttp(FRESH, answer({"ip_list": ["101.226.62.77"]}))
    assert await build(TABLE).check(http.transports) == f"app {APP_ID}"
    assert http.requests[-1] == HttpRequest(
        "GET", "https://wx.example/cgi-bin/get_api_domain_ip?access_token=access-token-1"
    )


async def test_a_check_that_is_refused_says_why() -> None:
    with pytest.raises(ProviderError) as failure:
        await build(TABLE).check(FakeHttp(answer({"errcode": 40164})).transports)
    assert (failure.value.kind, failure.value.code) == (FailureKind.AUTH, "40164")


async def test_a_token_is_asked_for_once_while_it_lasts() -> None:
    http = FakeHttp(FRESH, DONE, DONE)
    handler, transports = build(TABLE), http.transports
    row = next(row for row in TABLE.sends if row.name == "a text")
    for _ in range(2):
        await handler.send(row.submission, transports)
    assert [seen(each) for each in http.requests] == [*row.requests, row.requests[-1]]


@pytest.mark.parametrize("key", [AES_KEY[:-1], AES_KEY + "a", AES_KEY[:-1] + "*"])
def test_a_key_that_cannot_be_one_is_named_and_not_shown(key: str) -> None:
    raw = {**SECURE, "callback": {"token": TOKEN, "encoding_aes_key": [AES_KEY, key]}}
    with pytest.raises(ConfigurationError) as wrong:
        REGISTRY.account(raw, "a.yaml")
    what = "43 characters of A-Z, a-z, 0-9, + and /"
    assert wrong.value.problems == (Problem("a.yaml: callback.encoding_aes_key", what),)


def test_an_event_that_was_queued_as_a_message_and_is_not_known_any_more_is_not_lost() -> None:
    fields = push("event", Event="NEW_ONE")
    (message,) = build(TABLE).parse_mo(CallbackItem("mo", as_json(fields)))
    assert message.content == UnsupportedContent(provider_type="event.NEW_ONE", raw=fields)
