"""Acknowledgements in the order of arrival, and what becomes of those that come too late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.transports.mqtt.received import Unacknowledged


@given(st.permutations(range(8)))
def test_acknowledgements_go_out_in_order_and_as_soon_as_they_can(given_in: list[int]) -> None:
    sent: list[int] = []
    unacknowledged = Unacknowledged(sent.append)
    acknowledge = [unacknowledged.add(identifier) for identifier in range(8)]
    for count, identifier in enumerate(given_in, start=1):
        acknowledge[identifier]()
        given = set(given_in[:count])
        assert sent == list(range(next((each for each in range(8) if each not in given), 8)))
        assert len(unacknowledged) == 8 - len(sent)


def test_after_the_end_of_the_connection_none_goes_out() -> None:
    sent: list[int] = []
    unacknowledged = Unacknowledged(sent.append)
    acknowledge = [unacknowledged.add(identifier) for identifier in range(3)]
    acknowledge[1]()
    unacknowledged.close()
    for each in (acknowledge[0], acknowledge[2]):
        each()
    assert (sent, len(unacknowledged)) == ([], 0)


def test_an_identifier_that_comes_again_is_another_publication() -> None:
    sent: list[int] = []
    unacknowledged = Unacknowledged(sent.append)
    unacknowledged.add(7)()
    unacknowledged.add(7)()
    assert sent == [7, 7]
