"""How long a listener waits before it connects again."""

from __future__ import annotations

from gateway.transports.mqtt.pauses import Pauses


def test_pauses_grow_from_half_a_second_to_five() -> None:
    pauses = Pauses()
    assert [pauses.after(0.0, None) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_connection_that_lasted_begins_anew() -> None:
    pauses = Pauses()
    assert [pauses.after(lived, None) for lived in (0.0, 9.0, 60.0, 0.0)] == [0.5, 1.0, 0.5, 1.0]


def test_a_session_that_was_taken_over_is_left_alone_for_long() -> None:
    pauses = Pauses()
    assert [pauses.after(60.0, 0x8E), pauses.after(60.0, 0x8B)] == [30.0, 0.5]
