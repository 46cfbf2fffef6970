"""Who an expression of topics means is the same in a query as it is for each person alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.rtm.expressions import (
    MAX_DEPTH,
    MAX_TOPICS,
    Complement,
    Difference,
    Expression,
    Intersection,
    Topic,
    Union,
    includes,
    parse,
)
from gateway.store.customers import Customers
from tests.contracts.store_world import AT, Store

pytestmark = pytest.mark.mongodb

# One person for each choice of topics; the first never followed any.
FOLLOWED = {
    f"u-{''.join(chosen)}": frozenset(chosen)
    for count in range(4)
    for chosen in itertools.combinations("abc", count)
}

topics = st.sampled_from([Topic(name) for name in "abcx"])
expressions = st.recursive(
    topics,
    lambda inner: st.one_of(
        st.builds(Complement, inner),
        st.builds(Union, inner, inner),
        st.builds(Intersection, inner, inner),
        st.builds(Difference, inner, inner),
    ),
    max_leaves=10,
)


@pytest.fixture
async def customers(store: Store) -> Customers:
    customers = Customers(store.database)
    await customers.upsert("shop", {id: {} for id in FOLLOWED}, AT)
    for topic in "abc":
        ids = [id for id, followed in FOLLOWED.items() if topic in followed]
        assert await customers.follow("shop", topic, ids, AT) == set()
    return customers


async def test_the_audience_of_any_expression_is_exactly_who_is_included(customers: Customers) -> None:
    examples: list[Expression] = []

    @settings(max_examples=150, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(expressions)
    def collect(expression: Expression) -> None:
        examples.append(expression)

    collect()
    assert len(examples) >= 100
    for expression in examples:
        meant = sorted(id for id, followed in FOLLOWED.items() if includes(expression, followed))
        assert await customers.audience("shop", expression) == meant, expression


@pytest.mark.parametrize(
    "text",
    [
        " || ".join("abc"[number % 3] for number in range(MAX_TOPICS)),
        " - ".join("abc"[number % 3] for number in range(MAX_TOPICS)),
        "(" * 21 + "a" + " - b)'" * 10 + " & c)" * 11,
        "a - (" * (MAX_DEPTH - 1) + "b" + ")" * (MAX_DEPTH - 1),
        "a" + "'" * (MAX_DEPTH - 1),
    ],
)
async def test_the_deepest_and_widest_expressions_can_be_asked_for(customers: Customers, text: str) -> None:
    expression = parse(text)
    meant = sorted(id for id, followed in FOLLOWED.items() if includes(expression, followed))
    assert await customers.audience("shop", expression) == meant
