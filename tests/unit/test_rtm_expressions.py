"""Expressions of topics: what each means, and that what is none is refused by its place alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
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
    is_meant,
    parse,
    reaches_strangers,
    topics_of,
)
from gateway.rtm.refusals import RtmRefused

A, B, C, D = (Topic(name) for name in "abcd")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("a", A),
        ("  a\t\n", A),
        ("((a))", A),
        ("a.b_c-9", Topic("a.b_c-9")),
        ("0" * 64, Topic("0" * 64)),
        ("a || b", Union(A, B)),
        ("a||b", Union(A, B)),
        ("a & b", Intersection(A, B)),
        ("a - b", Difference(A, B)),
        ("a -b", Difference(A, B)),
        ("(a)-b", Difference(A, B)),
        ("a'-b", Difference(Complement(A), B)),
        ("a-b", Topic("a-b")),
        ("a'", Complement(A)),
        ("a''", Complement(Complement(A))),
        ("a & b'", Intersection(A, Complement(B))),
        ("(a || b)'", Complement(Union(A, B))),
        ("a || b & c - d", Union(A, Difference(Intersection(B, C), D))),
        ("a - b & c || d", Union(Difference(A, Intersection(B, C)), D)),
        ("a - b - c", Difference(Difference(A, B), C)),
        ("a - (b - c)", Difference(A, Difference(B, C))),
        ("a || b || c", Union(Union(A, B), C)),
        ("(a || b) & (c || d)", Intersection(Union(A, B), Union(C, D))),
    ],
)
def test_an_expression_is_read_as_it_is_meant(text: str, expression: Expression) -> None:
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "character 1 of the expression should be a topic or a ("),
        ("   ", "character 1 of the expression should be a topic or a ("),
        ("a b", "character 3 of the expression is not what can follow here"),
        ("a)", "character 2 of the expression is not what can follow here"),
        ("(a", "character 3 of the expression should be an operator or a )"),
        ("a ||", "character 5 of the expression should be a topic or a ("),
        ("a & || b", "character 5 of the expression should be a topic or a ("),
        ("()", "character 2 of the expression should be a topic or a ("),
        ("'a", "character 1 of the expression should be a topic or a ("),
        ("a | b", "character 3 of the expression is no part of an expression"),
        ("News", "character 1 of the expression is no part of an expression"),
        ("a || -b", "character 6 of the expression should be a topic or a ("),
        ("a || é", "character 6 of the expression is no part of an expression"),
        ("a || \x00", "character 6 of the expression is no part of an expression"),
        ("a || _b", "character 6 of the expression is no part of an expression"),
        ("a || " + "b" * 65, "character 6 of the expression begins a name of more than 64 characters"),
        (
            " || ".join(["a"] * (MAX_TOPICS + 1)),
            "character 161 of the expression is one topic more than the 32 that there may be",
        ),
        ("(" * 40 + "a" + ")" * 40, "character 34 of the expression nests deeper than 32"),
        ("a" + "'" * 2_000, "character 34 of the expression nests deeper than 32"),
        ("(" * 100_000, "character 34 of the expression nests deeper than 32"),
    ],
)
def test_what_is_no_expression_is_refused_by_the_place_where_it_goes_wrong(text: str, detail: str) -> None:
    with pytest.raises(RtmRefused) as caught:
        parse(text)
    assert (caught.value.code, caught.value.detail) == ("invalid_expression", detail)


def test_as_much_as_there_may_be_is_taken() -> None:
    assert topics_of(parse(" - ".join(f"t{number}" for number in range(MAX_TOPICS)))) == {
        f"t{number}" for number in range(MAX_TOPICS)
    }
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == A


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a", {"a", "ab"}),
        ("a'", {"", "b"}),
        ("a || b", {"a", "b", "ab"}),
        ("a & b", {"ab"}),
        ("a - b", {"a"}),
        ("(a || b)'", {""}),
        ("a' - b", {""}),
        ("a & b || (a || b)'", {"", "ab"}),
    ],
)
def test_an_expression_means_those_who_follow_the_right_topics(text: str, meant: set[str]) -> None:
    expression = parse(text)
    assert {followed for followed in ("", "a", "b", "ab") if includes(expression, set(followed))} == meant
    assert reaches_strangers(expression) is ("" in meant)
    assert topics_of(expression) == {name for name in text if name in "ab"}


def both_in(node: Callable[[Expression, Expression], Expression]) -> Callable[..., Expression]:
    return lambda pair: node(*pair)


expressions = st.recursive(
    st.sampled_from([A, B, C, D]),
    lambda inner: st.one_of(
        inner.map(Complement),
        *(st.tuples(inner, inner).map(both_in(node)) for node in (Union, Intersection, Difference)),
    ),
    max_leaves=12,
)


def written(expression: Expression) -> str:
    match expression:
        case Topic(name):
            return name
        case Complement(of):
            return f"({written(of)})'"
        case _:
            sign = {Union: "||", Intersection: "&", Difference: "-"}[type(expression)]
            return f"({written(expression.left)}) {sign} ({written(expression.right)})"


@given(expressions)
def test_what_is_written_out_is_read_back(expression: Expression) -> None:
    text = written(expression)
    try:
        found = parse(text)
    except RtmRefused as refused:
        assert "nests deeper" in (refused.detail or "")  # noqa: PT017  the only reason that there may be
    else:
        assert found == expression


@given(st.text(alphabet="ab-|&'() \n", max_size=40))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except RtmRefused as refused:
        assert refused.code == "invalid_expression"  # noqa: PT017  each text may be either
    else:
        assert topics_of(expression)


@pytest.mark.parametrize(
    ("topics", "meant"),
    [("a", True), ("a & b", False), ("b'", True), ("", False), ("a ||", False), ("'", False)],
)
def test_nobody_is_meant_by_what_is_no_expression(topics: str, meant: bool) -> None:
    assert is_meant(topics, ["a"]) is meant
