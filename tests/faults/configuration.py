"""The configuration of a gateway under fault tests: the samples, with limits and intervals that suit them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.faults.fates import ACCOUNTS, CAREFUL, HASTY

_SAMPLES = Path(__file__).parents[2] / "config"
_PROVIDER = "${env:IMGW_DEMO_PROVIDER_URL}"
_PROXIED = "${env:IMGW_DEMO_PROXY_URL}"
# The claim of a killed process runs out after this and 15 more seconds.
_TIMEOUT_SECONDS = 3
MAX_IN_FLIGHT = 20
# Two short ones, and then enough to outlast whatever a test does to an attempt or to the provider.
_INTERVALS_SECONDS = [1, 1, 5, 5, 5, 30, 30]
_HASTY_INTERVALS_SECONDS = [1]
_HASTY_SECRETS = {
    "credentials": "${env:IMGW_DEMO_HASTY_SECRET}",
    "callback": "${env:IMGW_DEMO_HASTY_CALLBACK_SECRET}",
}


def write_configuration(folder: Path) -> Path:
    """Write accounts, applications and the simulator's file; the last one's path."""
    for name in ("accounts", "applications"):
        (folder / name).mkdir(parents=True)
    for account in ACCOUNTS.values():
        _write(folder / "accounts" / f"{account}.yaml", _account(account))
    _write(folder / "accounts" / f"{HASTY}.yaml", _hasty())
    shop = _read(_SAMPLES / "applications" / "shop.yaml") | {"accounts": ["*"]}
    _write(folder / "applications" / "shop.yaml", shop)
    careful = shop | {"app_id": CAREFUL, "name": "Careful", "duplicates": "avoid"}
    _write(folder / "applications" / "careful.yaml", careful)
    _write(folder / "simulator.yaml", _simulator())
    return folder / "simulator.yaml"


def _account(name: str) -> dict[str, Any]:
    account = _read(_SAMPLES / "accounts" / f"{name}.yaml")
    account.pop("max_tps", None)
    return account | {
        "url": account["url"].replace(_PROVIDER, _PROXIED),
        "timeout_seconds": _TIMEOUT_SECONDS,
        "max_in_flight": MAX_IN_FLIGHT,
        "retry": {"intervals_seconds": _INTERVALS_SECONDS},
    }


def _hasty() -> dict[str, Any]:
    """A second account at the generic provider, for messages that name it."""
    account = _account("sms-shop")
    account["callback"]["verification"]["secret"] = _HASTY_SECRETS["callback"]
    del account["callback"]["dr"]["reference"]  # its receipts match by the provider's id or not at all
    return account | {
        "account": HASTY,
        "conditions": {"route": "by name only"},
        "credentials": {"secret": _HASTY_SECRETS["credentials"]},
        "from": ["447700900201"],
        "retry": {"intervals_seconds": _HASTY_INTERVALS_SECONDS},
    }


def _simulator() -> dict[str, Any]:
    simulator = _read(_SAMPLES / "simulator.yaml")
    hasty = {
        "provider": "custom_http",
        "account": HASTY,
        "number": "447700900201",
        "secret": _HASTY_SECRETS["credentials"],
        "callback_secret": _HASTY_SECRETS["callback"],
    }
    return simulator | {
        "accounts": [*simulator["accounts"], hasty],
        "rules": [],
        "receipt_delay_seconds": [0.05, 0.5],
        "callback_first_wait_seconds": 0.3,
        "callback_longest_wait_seconds": 3.0,
        "callback_timeout_seconds": 5.0,
        "ledger_entries": 1_000_000,
    }


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document))
