"""The fates of MT: what the simulated provider does with each kind, and what must become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNTS = {"whatsapp": "wa-shop", "telegram": "tg-shop", "sms": "sms-shop"}
HASTY = "sms-hasty"  # an account that soon gives up
ALL_ACCOUNTS = (*ACCOUNTS.values(), HASTY)
CAREFUL = "careful"  # an application that wants no duplicates


@dataclass(frozen=True, slots=True)
class Fate:
    """A kind of MT. `weight` is how many there are in relation to others.

    It ends as `status`, for one of `reasons` where there are any. `rule` is the simulator's rule for its
    recipients; `fields` are what its MT have beside the usual ones. `last_try`: it may not be tried again
    after an attempt that a damage has cut off, so that it may end as `failed` with `outcome_unknown`.
    `silent`: it gets no receipt, so it needs a short validity.
    """

    name: str
    channel: str
    weight: int
    status: str
    reasons: tuple[str, ...] = ()
    rule: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    last_try: bool = False
    silent: bool = False

    @property
    def account(self) -> str:
        return str(self.fields.get("account", ACCOUNTS.get(self.channel, "")))

    @property
    def avoids_duplicates(self) -> bool:
        return self.fields.get("app_id") == CAREFUL

    @property
    def is_sent(self) -> bool:
        """Whether a provider ever hears of it."""
        return self.status != "rejected"


def _send(**what: Any) -> dict[str, Any]:
    return {"send": what}


_ONCE = {"times": 1}
_WINDOW = ("outside_session_window",)
_UNAVAILABLE = ("provider_unavailable", "provider_error")
_SILENT = ("no_receipt_in_time", "expired_before_send")
_UNKNOWN = ("outcome_unknown",)
_REPLY = {"reply": {"text": "an answer that nobody may log", "after_seconds": 0.2}}

FATES: tuple[Fate, ...] = (
    Fate("wa well", "whatsapp", 16, "delivered"),
    Fate("tg well", "telegram", 12, "submitted"),
    Fate("sms well", "sms", 12, "delivered"),
    Fate("wa answers", "whatsapp", 3, "delivered", rule=_REPLY),
    Fate("tg answers", "telegram", 2, "submitted", rule=_REPLY),
    Fate("sms answers", "sms", 2, "delivered", rule=_REPLY),
    Fate("wa slow", "whatsapp", 2, "delivered", rule=_send(slow_seconds=1.0)),
    Fate("wa retried", "whatsapp", 3, "delivered", rule=_send(unavailable=_ONCE)),
    Fate("tg retried", "telegram", 2, "submitted", rule=_send(server_error=_ONCE)),
    Fate("sms retried", "sms", 2, "delivered", rule=_send(unavailable=_ONCE)),
    Fate("wa throttled", "whatsapp", 1, "delivered", rule=_send(throttle=_ONCE)),
    Fate("tg throttled", "telegram", 1, "submitted", rule=_send(throttle=_ONCE)),
    Fate("wa dropped", "whatsapp", 2, "delivered", rule=_send(drop_connection=_ONCE)),
    Fate("sms unreadable", "sms", 2, "delivered", rule=_send(garbage={"times": 1, "taken": True})),
    Fate("wa refused", "whatsapp", 2, "failed", ("recipient_unreachable",), _send(refuse="131026")),
    Fate("tg refused", "telegram", 2, "failed", ("recipient_blocked",), _send(refuse="blocked")),
    Fate("sms refused", "sms", 2, "failed", ("invalid_recipient",), _send(refuse="invalid_recipient")),
    Fate("wa fails later", "whatsapp", 2, "failed", _WINDOW, {"receipts": {"fail": "131047"}}),
    Fate("sms fails later", "sms", 2, "failed", ("recipient_blocked",), {"receipts": {"fail": "blocked"}}),
    Fate("hasty well", "sms", 3, "delivered", fields={"account": HASTY}),
    Fate(
        "exhausted",
        "sms",
        1,
        "failed",
        _UNAVAILABLE,
        _send(unavailable={}),
        {"account": HASTY},
        last_try=True,
    ),
    Fate("wa silent", "whatsapp", 2, "expired", _SILENT, {"receipts": {"drop": True}}, silent=True),
    Fate("sms silent", "sms", 1, "expired", _SILENT, {"receipts": {"drop": True}}, silent=True),
    Fate("careful well", "whatsapp", 4, "delivered", fields={"app_id": CAREFUL}, last_try=True),
    Fate(
        "careful dropped",
        "sms",
        1,
        "failed",
        _UNKNOWN,
        _send(drop_connection=_ONCE),
        {"app_id": CAREFUL},
        last_try=True,
    ),
    Fate("no route", "line", 1, "rejected", ("no_route",)),
    Fate("no account", "sms", 1, "rejected", ("unknown_account",), fields={"account": "nobody"}),
    Fate("misspelt", "sms", 1, "rejected", ("invalid_message",), fields={"vaildity_seconds": 60}),
    Fate("stranger", "sms", 1, "rejected", ("unknown_application",), fields={"app_id": "stranger"}),
)
