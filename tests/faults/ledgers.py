"""The three ledgers compared: what was published, what the simulator saw, what the platform was told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from tests.faults.fates import HASTY
from tests.faults.notebook import Notebook
from tests.faults.traffic import Key, Message, Speech, Traffic
from tests.faults.witness import Entry

_TOLD_BY_RECEIPT = ("delivered", "read", "failed")
# The provider's last word on an attempt, as the simulator's ledger has it. What was answered with anything
# else is sent again by right.
_ENDS = ("accepted", "refuse:")
# Answers after which the sender cannot be sure that nothing was taken.
_PERHAPS_TAKEN = ("accepted", "drop_connection", "time_out", "garbage", "server_error")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """All that is known of one run.

    `spoken` holds what people wrote, by the provider's id of it; `logged` the statuses that the gateway's log
    says were told.

    `in_flight` is how many MT were being sent when something was damaged, all damages together.
    """

    traffic: Traffic
    notebook: Notebook
    entries: Sequence[Entry]
    spoken: Mapping[str, Speech]
    logged: Mapping[Key, Set[str]]
    in_flight: int
    sends: Mapping[Key, Sequence[Entry]] = field(init=False)
    foreign_sends: Sequence[Entry] = field(init=False)

    def __post_init__(self) -> None:
        owners = {
            (message.fate.account, message.recipient): key for key, message in self.traffic.messages.items()
        }
        sends: defaultdict[Key, list[Entry]] = defaultdict(list)
        foreign = []
        for entry in self.entries:
            if entry["entry"] == "send":
                owner = owners.get((entry["account"], entry["recipient"]))
                if owner is None:
                    foreign.append(entry)
                else:
                    sends[owner].append(entry)
        object.__setattr__(self, "sends", sends)
        object.__setattr__(self, "foreign_sends", foreign)

    def final(self, key: Key) -> Mapping[str, Any] | None:
        return next(iter(self.notebook.finals.get(key, {}).values()), None)

    def answers(self, key: Key) -> list[str]:
        """What the simulator answered to each attempt."""
        return [entry["answered"] for entry in self.sends.get(key, ())]

    def sent_twice(self) -> list[Key]:
        """MT that the provider saw again after it had given its last word on them."""
        return [key for key in self.sends if sum(map(_is_end, self.answers(key))) > 1]

    def lost(self) -> list[Key]:
        return [key for key in self.notebook.confirmed if key not in self.notebook.finals]

    def unknown_outcomes(self) -> list[Key]:
        """MT that ended as `outcome_unknown` though their fate is another: they may not be tried again."""
        return [
            key
            for key, message in self.traffic.messages.items()
            if message.fate.last_try and _said(self.final(key)) == "failed: outcome_unknown"
            if "outcome_unknown" not in message.fate.reasons
        ]


def problems(ledgers: Ledgers) -> dict[str, list[Any]]:
    """Everything that contradicts the promise, by what it is; empty when it was kept."""
    found: dict[str, list[Any]] = {
        "lost": ledgers.lost(),
        "several finals": _several_finals(ledgers),
        "news of an MT that nobody published": _invented(ledgers),
        "wrong ends": list(_wrong_ends(ledgers)),
        "receipts that were taken and not passed on": list(_receipts_lost(ledgers)),
        "statuses in the log that were not told": list(_untold(ledgers)),
        "statuses without a receipt": list(_statuses_invented(ledgers)),
        "submitted though the provider took nothing": list(_submissions_invented(ledgers)),
        "sends to nobody": [dict(entry) for entry in ledgers.foreign_sends],
        "sent twice by an application that avoids it": _twice_though_avoided(ledgers),
        "the same event id for different news": ledgers.notebook.contradictions,
        **_mo_problems(ledgers),
    }
    return {name: items for name, items in found.items() if items}


def _several_finals(ledgers: Ledgers) -> list[Any]:
    finals = ledgers.notebook.finals
    return [(key, sorted(map(_said, told.values()))) for key, told in finals.items() if len(told) > 1]


def _invented(ledgers: Ledgers) -> list[Key]:
    told = {(dr["app_id"], dr["message_id"]) for dr in ledgers.notebook.dr.values()}
    return sorted(told - ledgers.traffic.messages.keys())


def _wrong_ends(ledgers: Ledgers) -> Iterator[str]:
    """Of MT that have an end, those that have another than their fate."""
    unknown = set(ledgers.unknown_outcomes())
    allowed = unknown if len(unknown) <= ledgers.in_flight else set()
    for key, message in ledgers.traffic.messages.items():
        final = ledgers.final(key)
        if final is not None and key not in allowed and not _fits(message, final):
            yield f"{key}, {message.fate.name}: {_said(final)}; the provider: {ledgers.answers(key)}"


def _fits(message: Message, final: Mapping[str, Any]) -> bool:
    fate = message.fate
    return final["status"] == fate.status and (
        not fate.reasons or final.get("reason", {}).get("code") in fate.reasons
    )


def _receipts_lost(ledgers: Ledgers) -> Iterator[str]:
    """A receipt that the gateway answered with 2xx must have led to its DR.

    But what no state of the MT can follow: `failed` after it was delivered, `delivered` after `failed` is
    late.
    """
    reached = _reached(ledgers)
    told = _statuses_told(ledgers)
    for key, statuses in reached.items():
        missing = statuses - told[key]
        if "failed" in missing and "delivered" in told[key]:
            missing -= {"failed"}
        if missing:
            yield f"{key}: {sorted(missing)}; told {sorted(told[key])}"


def _untold(ledgers: Ledgers) -> Iterator[str]:
    """What the log lets be told must be told, if the application asks for it (all of these do)."""
    told = _statuses_told(ledgers)
    for key, statuses in ledgers.logged.items():
        if key in ledgers.traffic.messages and statuses - told[key]:
            yield f"{key}: {sorted(statuses - told[key])}; told {sorted(told[key])}"


def _statuses_invented(ledgers: Ledgers) -> Iterator[str]:
    reached = _reached(ledgers)
    for key, statuses in _statuses_told(ledgers).items():
        extra = (statuses & {"delivered", "read"}) - reached[key]
        if extra == {"delivered"} and "read" in reached[key]:
            continue  # read implies delivered
        if extra:
            yield f"{key}: {sorted(extra)}; receipts {sorted(reached[key])}"


def _submissions_invented(ledgers: Ledgers) -> Iterator[str]:
    for key, statuses in _statuses_told(ledgers).items():
        if "submitted" in statuses and not any(send["taken"] for send in ledgers.sends.get(key, ())):
            yield f"{key}: the provider answered {ledgers.answers(key)}"


def _twice_though_avoided(ledgers: Ledgers) -> list[Key]:
    return [
        key
        for key, sends in ledgers.sends.items()
        if ledgers.traffic.messages[key].fate.avoids_duplicates
        and sum(send["answered"].startswith(_PERHAPS_TAKEN) for send in sends) > 1
    ]


def _reached(ledgers: Ledgers) -> defaultdict[Key, set[str]]:
    """The receipts that the gateway took, by MT.

    Where a receipt names nothing but the provider's id, only those with an id that the gateway has learned:
    an attempt that was cut off before its answer leaves receipts that belong to nothing.
    """
    owners = {
        id: key
        for key, sends in ledgers.sends.items()
        for send in sends
        for id in send["message_ids"]
        if send["account"] != HASTY or id in ledgers.notebook.provider_ids
    }
    reached: defaultdict[Key, set[str]] = defaultdict(set)
    for entry in ledgers.entries:
        told = entry["entry"] == "callback" and entry["status"] in _TOLD_BY_RECEIPT
        if told and entry["message_id"] in owners:
            reached[owners[entry["message_id"]]].add(entry["status"])
    return reached


def _statuses_told(ledgers: Ledgers) -> defaultdict[Key, set[str]]:
    told: defaultdict[Key, set[str]] = defaultdict(set)
    for dr in ledgers.notebook.dr.values():
        told[dr["app_id"], dr["message_id"]].add(dr["status"])
    return told


def _mo_problems(ledgers: Ledgers) -> dict[str, list[Any]]:
    """What people wrote and the gateway took is on imgw.mo, once each and as it was written."""
    posted = {
        (entry["account"], entry["message_id"])
        for entry in ledgers.entries
        if entry["entry"] == "callback" and entry["kind"] == "message"
    }
    heard = Counter((mo["account"], mo["provider_message_id"]) for mo in ledgers.notebook.mo.values())
    asked = {(speech.account, id) for id, speech in ledgers.spoken.items()}
    return {
        "MO lost": sorted(posted - heard.keys()),
        "MO that nobody wrote": sorted(heard.keys() - posted - asked),
        "MO twice": [key for key, count in heard.items() if count > 1],
        "what people wrote and the simulator never got rid of": sorted(asked - posted),
        "MO with other words": list(_misheard(ledgers)),
    }


def _misheard(ledgers: Ledgers) -> Iterator[str]:
    for mo in ledgers.notebook.mo.values():
        said, account, sender = mo["content"].get("text"), mo["account"], mo["from"]["id"]
        speech = ledgers.spoken.get(mo["provider_message_id"])
        written = speech.text if speech else ledgers.traffic.answers.get((account, sender))
        if said != written or (speech and (speech.account, speech.sender) != (account, sender)):
            yield f"{account}, {mo['provider_message_id']}"


def _said(dr: Mapping[str, Any] | None) -> str:
    if dr is None:
        return "nothing"
    return f"{dr['status']}: {dr['reason']['code']}" if dr.get("reason") else str(dr["status"])


def _is_end(answered: str) -> bool:
    return answered.startswith(_ENDS)
