"""Acknowledgements in the order of arrival, and what becomes of publications whose connection has ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transports.mqtt.incoming import Incoming, Properties
from gateway.transports.mqtt.received import LeftOver, Unacknowledged


def _came(identifier: int, payload: bytes = b"hello", **properties: bytes) -> Incoming:
    return Incoming(identifier, False, b"t/up", payload, Properties(**properties))  # type: ignore[arg-type]


@given(st.permutations(range(8)))
def test_acknowledgements_go_out_in_order_and_as_soon_as_they_can(given_in: list[int]) -> None:
    sent: list[int] = []
    unacknowledged = Unacknowledged(sent.append, LeftOver())
    acknowledge = [unacknowledged.add(_came(identifier)) for identifier in range(8)]
    for count, identifier in enumerate(given_in, start=1):
        acknowledge[identifier]()
        given = set(given_in[:count])
        assert sent == list(range(next((each for each in range(8) if each not in given), 8)))
        assert len(unacknowledged) == 8 - len(sent)


def test_after_the_end_of_the_connection_none_goes_out_and_those_in_hand_are_left_over() -> None:
    sent: list[int] = []
    left_over = LeftOver()
    unacknowledged = Unacknowledged(sent.append, left_over)
    acknowledge = [unacknowledged.add(_came(identifier)) for identifier in range(3)]
    acknowledge[1]()
    unacknowledged.close()
    assert (len(unacknowledged), len(left_over)) == (0, 2)
    for each in (acknowledge[0], acknowledge[2]):
        each()
    assert (sent, len(unacknowledged), len(left_over)) == ([], 0, 0)


def test_an_identifier_that_comes_again_is_another_publication() -> None:
    sent: list[int] = []
    unacknowledged = Unacknowledged(sent.append, LeftOver())
    unacknowledged.add(_came(7))()
    unacknowledged.add(_came(7))()
    assert sent == [7, 7]


def test_what_comes_again_while_it_is_in_hand_is_acknowledged_on_the_new_connection_in_its_order() -> None:
    sent: list[tuple[str, int]] = []
    left_over = LeftOver()
    first = Unacknowledged(lambda identifier: sent.append(("first", identifier)), left_over)
    acknowledge = [first.add(_came(identifier)) for identifier in (1, 2, 3)]
    first.close()
    second = Unacknowledged(lambda identifier: sent.append(("second", identifier)), left_over)
    assert [second.comes_again(_came(identifier)) for identifier in (1, 2, 4)] == [True, True, False]
    acknowledge.append(second.add(_came(4)))
    assert (len(second), len(left_over)) == (3, 1)
    for index in (3, 1, 2):
        acknowledge[index]()
    assert (sent, len(second), len(left_over)) == ([], 3, 0)
    acknowledge[0]()
    assert (sent, len(second)) == ([("second", 1), ("second", 2), ("second", 4)], 0)


def test_what_comes_again_twice_is_in_hand_once_and_acknowledged_where_it_came_last() -> None:
    sent: list[int] = []
    left_over = LeftOver()
    connection = Unacknowledged(sent.append, left_over)
    acknowledge = connection.add(_came(1))
    for _ in range(2):
        connection.close()
        connection = Unacknowledged(sent.append, left_over)
        assert connection.comes_again(_came(1)) is True
        assert (len(connection), len(left_over), connection.comes_again(_came(1))) == (1, 0, False)
    acknowledge()
    assert (sent, len(connection)) == ([1], 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(_came(1), _came(2), id="under another identifier"),
        pytest.param(_came(1), _came(1, b"bye"), id="with another payload"),
        pytest.param(_came(1), _came(1, correlation_data=b"c"), id="with other properties"),
        pytest.param(_came(0), _came(0), id="at QoS 0, where nothing comes again"),
    ],
)
def test_what_may_be_another_publication_is_none_that_comes_again(before: Incoming, after: Incoming) -> None:
    left_over = LeftOver()
    connection = Unacknowledged(lambda _: None, left_over)
    connection.add(before)
    connection.close()
    assert Unacknowledged(lambda _: None, left_over).comes_again(after) is False
    assert len(left_over) == 1
