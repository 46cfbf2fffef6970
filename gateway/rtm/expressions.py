"""Expressions of topics: who gets an MT that goes to more than one topic.

    news                  all who follow news
    news || sport         union
    news & sport          intersection
    news - sport          difference; with a space before it, since names may hold a `-`
    news'                 complement: everybody of the application who does not follow news

`'` binds closest, then `&`, then `-`, then `||`; operators of one kind from left to right. Parentheses as
usual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from gateway.rtm.refusals import RtmRefused

MAX_TOPICS = 32
MAX_DEPTH = 32
MAX_NAME = 64
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[a-z0-9][a-z0-9._-]*)|(?P<operator>\|\||[&'()])|(?P<minus>(?<=[\s)'])-))"
)


@dataclass(frozen=True, slots=True)
class Topic:
    name: str


@dataclass(frozen=True, slots=True)
class Union:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Intersection:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Difference:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Complement:
    of: Expression


Expression = Topic | Union | Intersection | Difference | Complement


def parse(text: str) -> Expression:
    """The expression that `text` says. Raises RtmRefused with `invalid_expression`, which says where it goes
    wrong."""
    return _Reader(text).whole()


def topics_of(expression: Expression) -> frozenset[str]:
    """The names in it."""
    match expression:
        case Topic(name):
            return frozenset((name,))
        case Complement(of):
            return topics_of(of)
        case _:
            return topics_of(expression.left) | topics_of(expression.right)


def includes(expression: Expression, followed: Collection[str]) -> bool:
    """Whether a person who follows these topics is meant."""
    match expression:
        case Topic(name):
            return name in followed
        case Union(left, right):
            return includes(left, followed) or includes(right, followed)
        case Intersection(left, right):
            return includes(left, followed) and includes(right, followed)
        case Difference(left, right):
            return includes(left, followed) and not includes(right, followed)
        case Complement(of):
            return not includes(of, followed)


def is_meant(topics: str, followed: Collection[str]) -> bool:
    """Whether who follows `followed` is meant by the expression that `topics` says; never by one that is
    none."""
    try:
        return includes(parse(topics), followed)
    except RtmRefused:
        return False


def reaches_strangers(expression: Expression) -> bool:
    """Whether a person who follows none of its topics can be meant."""
    return includes(expression, ())


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # a name is `name`, an operator is what it looks like, the end is empty
    text: str
    at: int  # counted from 1


def _tokens(text: str) -> Iterator[_Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            skipped = len(text[position:end]) - len(text[position:end].lstrip())
            raise _refused("is no part of an expression", position + skipped + 1)
        group = found.lastgroup or ""
        start = found.start(group) + 1
        if group == "name" and len(found[group]) > MAX_NAME:
            raise _refused(f"begins a name of more than {MAX_NAME} characters", start)
        yield _Token("name" if group == "name" else found[group], found[group], start)
        position = found.end()
    yield _Token("", "", end + 1)


class _Reader:
    """Reads one expression by recursive descent. What it builds comes with its depth, so that no later walk
    over it goes deeper than MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens)
        self._names = 0
        self._open = 0

    def whole(self) -> Expression:
        expression, _ = self._union()
        if self._next.kind:
            raise _refused("is not what can follow here", self._next.at)
        return expression

    def _union(self) -> tuple[Expression, int]:
        return self._chain("||", Union, self._difference)

    def _difference(self) -> tuple[Expression, int]:
        return self._chain("-", Difference, self._intersection)

    def _intersection(self) -> tuple[Expression, int]:
        return self._chain("&", Intersection, self._complement)

    def _chain(
        self,
        operator: str,
        node: type[Union] | type[Difference] | type[Intersection],
        operand: Callable[[], tuple[Expression, int]],
    ) -> tuple[Expression, int]:
        left, depth = operand()
        while self._next.kind == operator:
            self._take()
            right, deep = operand()
            left, depth = node(left, right), self._deeper(max(depth, deep))
        return left, depth

    def _complement(self) -> tuple[Expression, int]:
        expression, depth = self._single()
        while self._next.kind == "'":
            self._take()
            expression, depth = Complement(expression), self._deeper(depth)
        return expression, depth

    def _single(self) -> tuple[Expression, int]:
        token = self._take()
        if token.kind == "name":
            self._names += 1
            if self._names > MAX_TOPICS:
                raise _refused(f"is one topic more than the {MAX_TOPICS} that there may be", token.at)
            return Topic(token.text), 1
        if token.kind != "(":
            raise _refused("should be a topic or a (", token.at)
        self._open = self._deeper(self._open)
        expression, depth = self._union()
        self._open -= 1
        closing = self._take()
        if closing.kind != ")":
            raise _refused("should be an operator or a )", closing.at)
        return expression, depth

    def _take(self) -> _Token:
        token = self._next
        if token.kind:
            self._next = next(self._tokens)
        return token

    def _deeper(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise _refused(f"nests deeper than {MAX_DEPTH}", self._next.at)
        return depth + 1


def _refused(what: str, at: int) -> RtmRefused:
    # By its place alone: what stands there may be anything.
    return RtmRefused("invalid_expression", f"character {at} of the expression {what}")
