"""What a scenario puts through: MT of every fate in a random order, and what people write of themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.fates import ACCOUNTS, FATES, Fate

# In the text of everything that a test sends or a person writes; it must be in no log
# (tests/e2e/test_logs.py).
FORBIDDEN_TEXT = "that nobody may log"
_TWICE = 0.03  # the share of MT that the platform publishes twice
_NUMBER_DIGITS = 6

Key = tuple[str, str]  # app_id, message_id
Habit = Callable[
    [Mapping[str, Any], int], Mapping[str, Any]
]  # a rule, the last digit of a recipient: its rule


@dataclass(frozen=True, slots=True)
class Message:
    """One MT of the platform."""

    key: Key
    fate: Fate
    recipient: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Speech:
    """What a person writes without having been written to."""

    account: str
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """Everything that is put through in one run. `publications` is `messages`, some of them twice."""

    run: int
    messages: Mapping[Key, Message]
    publications: Sequence[Message]
    speeches: Sequence[Speech]
    rules: Sequence[Mapping[str, Any]]
    answers: Mapping[tuple[str, str], str]  # what people write back, by account and recipient


def make_traffic(
    run: int,
    mt: int,
    mo: int,
    *,
    validity_seconds: int,
    random: Random,
    habit: Habit | None = None,
    without_account: str | None = None,
) -> Traffic:
    """Traffic whose ids and recipients no other run has. `habit` varies the rules by recipient."""
    counts = _counts(mt, without_account)
    messages = [
        make_message(run, index, number, validity_seconds=validity_seconds)
        for index, count in enumerate(counts)
        for number in range(count)
    ]
    random.shuffle(messages)
    publications = list(messages)
    for message in random.sample(messages, int(mt * _TWICE)):
        publications.insert(random.randrange(len(publications)), message)
    accounts = list(ACCOUNTS.values())
    speeches = [
        Speech(accounts[n % 3], f"998{run:04}{n:05}", f"word {n} of run {run} {FORBIDDEN_TEXT}")
        for n in range(mo)
    ]
    return Traffic(
        run=run,
        messages={message.key: message for message in messages},
        publications=publications,
        speeches=speeches,
        rules=[rule for index in range(len(FATES)) for rule in _rules(run, index, habit)],
        answers={
            (message.fate.account, message.recipient): message.fate.rule["reply"]["text"]
            for message in messages
            if "reply" in message.fate.rule
        },
    )


def correlation_of(run: int) -> str:
    """What all MT of a run have in common."""
    return f"run {run}"


def _counts(mt: int, without_account: str | None) -> list[int]:
    """How many MT of each fate: at least one, by their weights."""
    weights = sum(fate.weight for fate in FATES)
    counts = [0 if fate.account == without_account else max(1, mt * fate.weight // weights) for fate in FATES]
    counts[0] += max(0, mt - sum(counts))
    return counts


def _recipient(run: int, index: int, number: str) -> str:
    """999 is nobody's country code."""
    return f"999{run:04}{index:02}{number}"


def make_message(run: int, index: int, number: int, *, validity_seconds: int) -> Message:
    """The MT with this number of the fate with this index; no other run has its id or its recipient."""
    fate = FATES[index]
    recipient = _recipient(run, index, f"{number:0{_NUMBER_DIGITS}}")
    document = {
        "message_id": f"fault-{run}-{index}-{number}",
        "app_id": "shop",
        "channel": fate.channel,
        "to": recipient,
        "content": {"type": "text", "text": f"text {number} of fate {index} in run {run} {FORBIDDEN_TEXT}"},
        "correlation_id": correlation_of(run),
        **({"validity_seconds": validity_seconds} if fate.silent else {}),
        **fate.fields,
    }
    key = (str(document["app_id"]), str(document["message_id"]))
    return Message(key, fate, recipient, json.dumps(document).encode())


def _rules(run: int, index: int, habit: Habit | None) -> list[dict[str, Any]]:
    """The simulator's rules for the recipients of one fate."""
    fate = FATES[index]
    if not fate.is_sent:
        return []
    if habit is None:
        anybody = _recipient(run, index, f"[0-9]{{{_NUMBER_DIGITS}}}")
        return [{"account": fate.account, "recipient": anybody, **fate.rule}]
    return [
        {
            "account": fate.account,
            "recipient": _recipient(run, index, f"[0-9]{{{_NUMBER_DIGITS - 1}}}{digit}"),
            **habit(fate.rule, digit),
        }
        for digit in range(10)
    ]
