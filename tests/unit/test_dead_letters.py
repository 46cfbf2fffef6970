"""A dead letter holds the delivery untouched, says why it is there, and can be put back as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.broker.port import Delivery, HeaderValue, Publication, StoredMessage
from processors.dead_letters import DeadLetter, dead_letter, may_have_come_before, read, revived
from processors.outcome import Dead
from tests.processors.fakes import delivery_of

ORIGINAL = Publication(
    "",
    "imgw.dr.in",
    b"\xff not even text",
    "imgw.callback.v1",
    "7f3c",
    {"traceparent": "00-1", "x-account": "acme", "x-attempt": 3, "x-flag": True},
)
DEAD = Dead("invalid_message", "no such field")


def back(original: Publication) -> Publication:
    """What it is put back as."""
    return replace(original, headers={**original.headers, "x-revived": True})


def stored(publication: Publication) -> StoredMessage:
    """What a broker shows of a publication."""
    return StoredMessage(publication.body, publication.headers, publication.type, publication.message_id)


def letter_of(delivery: Delivery, dead: Dead = DEAD) -> DeadLetter:
    return read(stored(dead_letter(delivery, dead)))


def test_a_dead_letter_says_why_it_is_one_and_where_it_comes_from() -> None:
    publication = dead_letter(delivery_of(ORIGINAL), DEAD)
    letter = read(stored(publication))
    assert (publication.exchange, publication.routing_key) == ("", "imgw.dead")
    assert letter == DeadLetter(
        id=str(publication.headers["x-dead-id"]),
        reason="invalid_message",
        detail="no such field",
        queue="imgw.dr.in",
        at=str(publication.headers["x-dead-at"]),
        attempt=3,
        message=stored(publication),
    )
    assert (publication.body, publication.headers.items() >= ORIGINAL.headers.items()) == (
        ORIGINAL.body,
        True,
    )


def test_each_has_an_id_of_its_own() -> None:
    assert letter_of(delivery_of(ORIGINAL)).id != letter_of(delivery_of(ORIGINAL)).id


def test_one_that_is_revived_is_the_original_publication_and_says_that_it_is_no_new_one() -> None:
    assert revived(letter_of(delivery_of(ORIGINAL))) == back(ORIGINAL)


def test_what_is_redelivered_or_revived_may_have_come_before() -> None:
    new = delivery_of(ORIGINAL)
    returned = [replace(new, redelivered=True), delivery_of(revived(letter_of(new)))]
    assert [may_have_come_before(each) for each in (new, *returned)] == [False, True, True]


@pytest.mark.parametrize("message_id", ["", None])
def test_one_without_an_id_or_headers_comes_back_as_bare_as_it_was(message_id: str | None) -> None:
    bare = Publication("", "imgw.mt", b"", "", message_id)
    assert revived(letter_of(delivery_of(bare))) == back(bare)


def test_one_that_dies_twice_has_the_second_reason_and_is_still_the_original() -> None:
    first = letter_of(delivery_of(ORIGINAL))
    second = letter_of(delivery_of(revived(first)), Dead("unknown_account", "acme"))
    third = letter_of(replace(delivery_of(ORIGINAL), headers=first.message.headers), Dead("again"))
    assert (second.reason, second.detail, revived(second)) == ("unknown_account", "acme", back(ORIGINAL))
    assert (third.reason, third.detail, revived(third)) == ("again", "", back(ORIGINAL))


def test_a_long_detail_is_cut() -> None:
    assert letter_of(delivery_of(ORIGINAL), Dead("invalid_message", "x" * 10_000)).detail == "x" * 500


def test_what_the_broker_itself_put_aside_is_readable() -> None:
    message = StoredMessage(b"{}", {}, "imgw.mo.v1", "e-1", died_in="imgw.mo")
    assert read(message) == DeadLetter("e-1", "dead_lettered_by_broker", "", "imgw.mo", "", 0, message)
    assert revived(read(message)).routing_key == "imgw.mo"


def test_whoever_published_it_does_not_say_where_it_died() -> None:
    told = {"x-dead-id": "theirs", "x-dead-reason": "internal_error", "x-dead-queue": "imgw.mt"}
    message = StoredMessage(b"{}", told, "imgw.mo.v1", "e-1", died_in="imgw.rtm.in")
    assert read(message) == DeadLetter("e-1", "dead_lettered_by_broker", "", "imgw.rtm.in", "", 0, message)


@pytest.mark.parametrize("attempt", ["three", "", "1e400"])
def test_headers_of_strangers_can_hold_anything(attempt: HeaderValue) -> None:
    message = StoredMessage(b"{}", {"x-attempt": attempt})
    assert read(message) == DeadLetter("", "dead_lettered_by_broker", "", "", "", 0, message)
