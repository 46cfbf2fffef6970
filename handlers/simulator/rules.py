"""Rules on the recipient: what the simulated provider does instead of the usual, and how often."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from handlers.simulator.base import Model

# In this order, `send` of a rule names at most one; "accept" is what happens without any.
Action = Literal[
    "accept",
    "throttle",
    "refuse",
    "server_error",
    "unavailable",
    "unauthorized",
    "time_out",
    "drop_connection",
    "garbage",
]
FAULTS: tuple[Action, ...] = (
    "throttle",
    "refuse",
    "server_error",
    "unavailable",
    "unauthorized",
    "time_out",
    "drop_connection",
    "garbage",
)


def _code_as_text(value: Any) -> Any:
    """Provider codes are numbers in some documentations; a case is their text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Case = Annotated[str, BeforeValidator(_code_as_text), Field(min_length=1, max_length=64)]
Seconds = Annotated[float, Field(ge=0, le=3_600)]
Times = Annotated[int, Field(ge=1, le=1_000_000)]


class Fault(Model):
    """A failure of the provider's side."""

    times: Times | None = None
    """How often per recipient before all is well; without it, always."""
    taken: bool = False
    """Whether the message is acted on all the same: delivered, with receipts, although the sender does not
    hear of it."""


class Throttle(Model):
    """The provider says: too fast."""

    times: Times | None = 1
    """How often per recipient before all is well; null for always."""
    retry_after_seconds: Annotated[int, Field(ge=1, le=3_600)] = 1
    """What the sender is told to wait, where the provider's answer has a place for it."""
    case: Case | None = None
    """The provider's code; without it, its most usual one."""


class SendRule(Model):
    """How a send is answered; at most one failure, and any of them slowly."""

    slow_seconds: Seconds = 0.0
    """How long the answer takes."""
    throttle: Throttle | None = None
    refuse: Case | None = None
    """A permanent refusal, by the provider's code or by name, such as `blocked`."""
    server_error: Fault | None = None
    unavailable: Fault | None = None
    unauthorized: Fault | None = None
    time_out: Fault | None = None
    """No answer at all, until the sender goes away."""
    drop_connection: Fault | None = None
    """The connection is closed after the request was read."""
    garbage: Fault | None = None
    """A 200 that nobody can read."""

    @model_validator(mode="after")
    def _one_failure(self) -> SendRule:
        named = [name for name in FAULTS if getattr(self, name) is not None]
        if len(named) > 1:
            raise ValueError(f"takes at most one of {', '.join(named)}")
        return self


class ReceiptRule(Model):
    """What becomes of the receipts of a message that was taken."""

    drop: bool = False
    """None is sent."""
    duplicate: Annotated[int, Field(ge=0, le=10)] = 0
    """How many more times each is sent."""
    reorder: bool = False
    """`read` is sent before `delivered`."""
    delay_seconds: Seconds = 0.0
    """A further wait before the first."""
    fail: Case | None = None
    """The provider took it and fails to deliver it, with this code or named case."""
    early: bool = False
    """Everything up to `delivered` is sent before the send itself is answered."""
    no_read: bool = False
    """The person has read receipts switched off."""


class ReplyRule(Model):
    """The person writes back once the message has arrived."""

    text: Annotated[str, Field(min_length=1, max_length=4_096)] = "Thank you!"
    press: bool = False
    """Presses the first button or list row of the message instead, where it has one."""
    edit: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    """Then corrects the text to this, where the provider knows edits."""
    after_seconds: Seconds = 0.5
    """How long the person takes to write, after the last receipt."""


class Rule(Model):
    """What happens to the recipients that it names; the first rule that fits is the only one that counts."""

    recipient: Annotated[str, Field(min_length=1, max_length=512)]
    """A regular expression that the whole address fits."""
    account: str | None = None
    """Only for messages sent through this account."""
    send: SendRule = SendRule()
    receipts: ReceiptRule = ReceiptRule()
    reply: ReplyRule | None = None

    @field_validator("recipient")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error.msg}") from error
        return value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one send, and to what follows from it."""

    action: Action = "accept"
    taken: bool = True
    slow_seconds: float = 0.0
    retry_after_seconds: int = 1
    case: str | None = None
    receipts: ReceiptRule = field(default_factory=ReceiptRule)
    reply: ReplyRule | None = None


class Rulebook:
    """The rules in force and how often each was applied to each recipient."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.replace(rules)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self._rules

    def replace(self, rules: Sequence[Rule]) -> None:
        """Put other rules in force; all counting starts anew."""
        self._rules = tuple(rules)
        self._patterns = tuple(re.compile(rule.recipient) for rule in rules)
        self._applied: Counter[tuple[int, str, str]] = Counter()

    def verdict(self, account: str, recipient: str) -> Verdict:
        """What happens to the next send of this account to this recipient. Counts it."""
        for index, rule in enumerate(self._rules):
            if rule.account not in (None, account) or not self._patterns[index].fullmatch(recipient):
                continue
            key = (index, account, recipient)
            self._applied[key] += 1
            return _judge(rule, self._applied[key])
        return Verdict()


def _judge(rule: Rule, nth: int) -> Verdict:
    send = rule.send
    for action in FAULTS:
        fault = getattr(send, action)
        if fault is not None:
            return _fault(rule, action, fault, nth)
    return Verdict(slow_seconds=send.slow_seconds, receipts=rule.receipts, reply=rule.reply)


def _fault(rule: Rule, action: Action, fault: Fault | Throttle | str, nth: int) -> Verdict:
    times = None if isinstance(fault, str) else fault.times
    over = times is not None and nth > times
    throttle = fault if isinstance(fault, Throttle) else Throttle()
    return Verdict(
        action="accept" if over else action,
        taken=over or (isinstance(fault, Fault) and fault.taken),
        slow_seconds=rule.send.slow_seconds,
        retry_after_seconds=throttle.retry_after_seconds,
        case=fault if isinstance(fault, str) else throttle.case,
        receipts=rule.receipts,
        reply=rule.reply,
    )
