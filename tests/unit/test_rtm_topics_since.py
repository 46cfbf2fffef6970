"""What a person has followed since a moment, computed back from what they follow now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.customers import Customer, TopicChange
from processors.rtm.conversations import was_meant

START = datetime(2026, 11, 26, 10, tzinfo=UTC)


def second(number: int) -> datetime:
    return START + timedelta(seconds=number)


def history(first: frozenset[str], topics: list[str]) -> tuple[Customer, list[frozenset[str]]]:
    """Somebody who has begun or left one topic each second, and what they have followed after each change."""
    states, changes = [first], []
    for number, topic in enumerate(topics, start=1):
        changes.append(TopicChange(topic, second(number), topic not in states[-1]))
        states.append(states[-1] ^ {topic})
    return Customer("ann", topics=tuple(sorted(states[-1])), topic_changes=tuple(changes)), states


@given(st.frozensets(st.sampled_from("abc")), st.lists(st.sampled_from("abc"), max_size=12), st.data())
def test_the_past_is_what_it_was(first: frozenset[str], topics: list[str], data: st.DataObject) -> None:
    customer, states = history(first, topics)
    since = data.draw(st.integers(0, len(topics)))
    # What the change of this very moment has ended may have been so at it, too.
    assert list(customer.topics_since(second(since))) == states[max(since - 1, 0) :][::-1]


def test_a_clock_that_was_behind_hides_no_change_that_was_made_before_it() -> None:
    changes = (TopicChange("news", second(9), False), TopicChange("sport", second(3), True))
    customer = Customer("ann", topics=("sport",), topic_changes=changes)
    assert list(customer.topics_since(second(5))) == [{"sport"}, {"news"}]


def test_what_is_no_expression_means_nobody() -> None:
    assert was_meant("news ||", Customer("ann", topics=("news",)), START) is False
