"""Everybody who can write to a simulated account, whatever its provider."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers.simulator import custom_http, telegram_checks, whatsapp_errors
from handlers.simulator.callbacks import Callback
from handlers.simulator.config import Account
from handlers.simulator.control import Refused
from handlers.simulator.custom_http import Sender
from handlers.simulator.rules import Rule
from handlers.simulator.speech import Speech
from handlers.simulator.telegram import Telegram
from handlers.simulator.whatsapp_cloud import Number, WhatsAppCloud

_KNOWN: Mapping[str, Callable[[str], bool]] = {
    "whatsapp_cloud": whatsapp_errors.known,
    "telegram": telegram_checks.known,
    "custom_http": custom_http.known,
}


def unknown_cases(rules: Sequence[Rule], accounts: Sequence[Account]) -> list[str]:
    """What rules name that no account they are for could say."""
    found = []
    for number, rule in enumerate(rules):
        providers = {one.provider for one in accounts if rule.account in (None, one.account)}
        if not providers:
            found.append(f"rules.{number}.account: there is no account {rule.account}")
            continue
        throttle = rule.send.throttle
        cases = (rule.send.refuse, rule.receipts.fail, throttle.case if throttle else None)
        found += [
            f"rules.{number}: {'/'.join(sorted(providers))} knows no case {case}"
            for case in cases
            if case is not None and not any(_KNOWN[provider](case) for provider in providers)
        ]
    return found


class Everybody:
    """People for all accounts (control.People)."""

    def __init__(
        self,
        accounts: Sequence[Account],
        numbers: Sequence[Number],
        senders: Sequence[Sender],
        cloud: WhatsAppCloud,
        telegram: Telegram,
    ) -> None:
        self._accounts = tuple(accounts)
        self._by_number = {number.account.account: number for number in numbers}
        self._by_sender = {sender.account.account: sender for sender in senders}
        self._cloud = cloud
        self._telegram = telegram

    def speech(self, account: str, speech: Speech) -> Sequence[Callback]:
        line = self._telegram.line(account)
        if line is not None:
            if not re.fullmatch(r"-?[1-9][0-9]{0,18}", speech.sender):
                raise Refused("from: is a Telegram chat id, a number")
            if speech.edit_of is not None and not re.search(r"(^|:)[0-9]+$", speech.edit_of):
                raise Refused("edit_of: is a message id, as in the ledger")
            return line.speech(speech)
        if not re.fullmatch(r"[0-9]{5,15}", speech.sender):
            raise Refused("from: is a phone number, digits only")
        if account in self._by_number:
            return [self._by_number[account].speech(speech)]
        if account in self._by_sender:
            return [self._by_sender[account].speech(speech)]
        raise Refused(f"account: there is no account {account}")

    async def subscribe(self, account: str) -> dict[str, Any]:
        if account not in self._by_number:
            raise Refused(f"account: there is no WhatsApp account {account}")
        status, verified = await self._cloud.subscribe(account)
        return {"verified": verified, "http_status": status}

    def check_rules(self, rules: Sequence[Rule]) -> None:
        found = unknown_cases(rules, self._accounts)
        if found:
            raise Refused("; ".join(found))
