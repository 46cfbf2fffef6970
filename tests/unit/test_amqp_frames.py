"""The frames written and read here against those of the AMQP library's own codec."""

from __future__ import annotations

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from gateway.broker.port import Publication
from gateway.broker.rabbitmq import frames

CHANNEL = 7
FRAME_MAX = 4_096
HEADERS: dict[str, object] = {
    "x-attempt": 3,
    "large": 2**62,
    "negative": -(2**40),
    "flag": True,
    "traceparent": "00-ab-cd-01",
    "grüße": "日本",
}
names = st.text(max_size=60)
header_names = st.text(max_size=30)  # the library cuts what is longer than 128 bytes
shorts = st.none() | st.text(min_size=1, max_size=60)


def test_a_publication_is_what_the_library_would_write() -> None:
    publication = Publication("imgw.out", "dr.shop.read", b"{}", "imgw.dr.v1", "m1", HEADERS)  # type: ignore[arg-type]
    properties = Basic.Properties(
        content_type="application/json",
        delivery_mode=2,
        message_id="m1",
        message_type="imgw.dr.v1",
        headers=HEADERS,  # type: ignore[arg-type]
    )

    assert frames.publication_frames(CHANNEL, publication, "m1", FRAME_MAX) == b"".join(
        pamqp.frame.marshal(frame, CHANNEL)
        for frame in (
            Basic.Publish(exchange="imgw.out", routing_key="dr.shop.read", mandatory=True),
            ContentHeader(body_size=2, properties=properties),
            ContentBody(b"{}"),
        )
    )


@pytest.mark.parametrize(
    ("size", "parts"), [(0, []), (4_088, [4_088]), (4_089, [4_088, 1]), (9_000, [4_088, 4_088, 824])]
)
def test_a_body_goes_in_frames_that_are_no_larger_than_allowed(size: int, parts: list[int]) -> None:
    body = bytes(number % 251 for number in range(size))
    written = frames.publication_frames(CHANNEL, Publication("", "q", body), "m", FRAME_MAX)
    read = [frame.value for frame in _read(written) if isinstance(frame, ContentBody)]

    assert [len(part or b"") for part in read] == parts
    assert b"".join(part or b"" for part in read) == body


@given(
    names, names, shorts, shorts, st.dictionaries(header_names, names | st.booleans() | st.integers(0, 2**31))
)
def test_whatever_is_published_is_read_alike(
    exchange: str, key: str, kind: str | None, message_id: str | None, headers: dict[str, str | int | bool]
) -> None:
    publication = Publication(exchange, key, b"body", kind or "", message_id, headers)
    method, header, _ = _read(
        frames.publication_frames(CHANNEL, publication, message_id or "made-up", FRAME_MAX)
    )
    assert isinstance(method, Basic.Publish)
    assert isinstance(header, ContentHeader)

    assert (method.exchange, method.routing_key, method.mandatory) == (exchange, key, True)
    assert header.properties.headers == (headers or None)
    assert frames.properties_in(header.marshal()) == frames.Properties(
        kind or "", message_id or "made-up", frames.plain({**headers})
    )


@pytest.mark.parametrize(
    "publication",
    [Publication("", "k" * 256, b""), Publication("x" * 256, "", b""), Publication("", "q", b"", "t" * 256)],
)
def test_a_name_that_amqp_cannot_carry_is_an_error(publication: Publication) -> None:
    with pytest.raises(ValueError, match="256"):
        frames.publication_frames(CHANNEL, publication, "m", FRAME_MAX)


def test_a_settlement_is_what_the_library_would_write() -> None:
    tag = 2**40
    assert frames.ack_frame(CHANNEL, tag) == pamqp.frame.marshal(Basic.Ack(tag, multiple=False), CHANNEL)
    assert frames.requeue_frame(CHANNEL, tag) == pamqp.frame.marshal(
        Basic.Nack(tag, multiple=False, requeue=True), CHANNEL
    )


@pytest.mark.parametrize("multiple", [False, True])
def test_a_confirm_is_read(multiple: bool) -> None:
    assert frames.confirmed(_payload(Basic.Ack(5, multiple=multiple))) == (5, multiple)
    assert frames.confirmed(_payload(Basic.Nack(6, multiple=multiple, requeue=False))) == (6, multiple)


@pytest.mark.parametrize("redelivered", [False, True])
def test_a_delivery_is_read(redelivered: bool) -> None:
    deliver = Basic.Deliver("ctag", 2**33, redelivered, "exchange", "key")

    assert frames.delivered(_payload(deliver)) == (2**33, redelivered)
    assert frames.routing_key(_payload(deliver)) == "key"


def test_properties_that_are_of_no_interest_are_passed_over() -> None:
    properties = Basic.Properties(
        content_type="a/b",
        content_encoding="gzip",
        headers={"a": "b", "x-delivery-count": 2, "nested": {"c": 1}},
        delivery_mode=1,
        priority=9,
        correlation_id="correlation",
        reply_to="reply",
        expiration="1000",
        message_id="the id",
        message_type="the type",
        user_id="user",
        app_id="app",
    )
    header = ContentHeader(body_size=3, properties=properties).marshal()

    assert frames.body_size(header) == 3
    assert frames.properties_in(header) == frames.Properties("the type", "the id", {"a": "b"})


@given(st.binary(max_size=200))
def test_properties_that_cannot_be_read_are_none(noise: bytes) -> None:
    properties = frames.properties_in(ContentHeader(body_size=3).marshal()[:12] + noise)

    assert isinstance(properties.type, str)


@pytest.mark.parametrize("cut", range(12, 46))
def test_properties_that_are_cut_short_are_none_or_fewer(cut: int) -> None:
    properties = Basic.Properties(message_id="the id", message_type="the type", headers={"a": "b"})
    header = ContentHeader(body_size=3, properties=properties).marshal()

    assert frames.properties_in(header) == frames.Properties("the type", "the id", {"a": "b"})
    assert frames.properties_in(header[: min(cut, len(header) - 1)]) == frames.Properties()


def _payload(frame: Basic.Ack | Basic.Nack | Basic.Deliver) -> bytes:
    return pamqp.frame.marshal(frame, CHANNEL)[7:-1]


def _read(written: bytes) -> list[object]:
    found: list[object] = []
    while written:
        used, channel, frame = pamqp.frame.unmarshal(written)
        assert channel == CHANNEL
        found.append(frame)
        written = written[used:]
    return found
