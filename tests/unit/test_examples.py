"""What documents and examples tell people to write is taken."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.errors import ConfigurationError
from gateway.rtm.account import RtmAccount, RtmParameters
from gateway.settings import load_settings
from handlers.registry import Registry
from handlers.simulator.config import load
from processors.configuration import check_folder

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose.yaml"
_SHIPPED = (
    ROOT / "README.md",
    *(ROOT / "deploy").rglob("*.md"),
    *(ROOT / "deploy").rglob("*.yaml"),
    *(ROOT / "config").rglob("*.yaml"),
)
EXAMPLES = sorted(path for path in _SHIPPED if "node_modules" not in path.parts)


def is_refused(name: str) -> bool:
    """Whether every command stops when this variable is set, since it is not a setting."""
    try:
        load_settings({name: "a value"})
    except ConfigurationError as error:
        return any(each.where == name and "is not a setting" in each.what for each in error.problems)
    return False


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_command_refuses_a_variable_that_an_example_takes_a_secret_from(path: Path) -> None:
    names = set(re.findall(r"\$\{env:(\w+)\}", path.read_text(encoding="utf-8")))
    assert {name for name in names if is_refused(name)} == set()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_that_an_example_names_is_one(path: Path) -> None:
    names = set(re.findall(r"\bIMGW_[A-Z0-9_]*[A-Z0-9]\b", path.read_text(encoding="utf-8")))
    assert {name for name in names if is_refused(name)} == set()


def test_what_the_containers_cannot_do_without_is_written_before_they_are_started() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text(encoding="utf-8")))
    told = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"cat > deploy/\.env <<END\n(.*?)\nEND\n", told, re.DOTALL)
    written = {line.partition("=")[0] for line in lines.splitlines()}
    assert needed - written == set()
    assert written - set(re.findall(r"\$\{(\w+):", COMPOSE.read_text(encoding="utf-8"))) == set()


def test_the_account_for_the_container_of_mosquitto_is_one_that_clients_reach() -> None:
    comment = re.findall(
        r"# Its account.*\n((?:  #   .*\n)+)  mosquitto:", COMPOSE.read_text(encoding="utf-8")
    )
    fields = yaml.safe_load(re.sub(r"^  # ", "", comment[0], flags=re.MULTILINE))
    account = Registry.discover().account({"account": "app", **fields}, "compose.yaml")
    assert isinstance(account, RtmAccount)
    assert (account.server.host, account.client_url) == ("mosquitto", "mqtt://im.example.com:1883")
    assert account.parameters.public_websocket_url == "ws://im.example.com:8083"


def test_the_example_of_an_mqtt_broker_shows_every_field_that_is_its_own() -> None:
    text = (ROOT / "config/accounts/rtm-shop.yaml").read_text(encoding="utf-8")
    shown = set(re.findall(r"^ *#? *(\w+):(?: |$)", text, re.MULTILINE))
    own = {"url", "credentials", "callback", "parameters", *RtmParameters.model_fields}
    assert own - shown == set()


def test_with_the_values_for_trying_it_by_hand_the_shipped_configuration_is_in_order() -> None:
    environ = sourced(ROOT / "config/try.env")
    result = check_folder(ROOT / "config", environ, Registry.discover())
    assert sorted(result.catalogue.accounts) == ["rtm-shop", "sms-shop", "tg-shop", "wa-shop"]
    simulator = load(ROOT / "config/simulator.yaml", environ)
    assert sorted(account.account for account in simulator.accounts) == ["sms-shop", "tg-shop", "wa-shop"]
    settings = load_settings(environ)
    assert (settings.web.host, str(settings.http.allowed_private_networks[0])) == ("127.0.0.1", "127.0.0.0/8")


def sourced(file: Path) -> dict[str, Any]:
    """The variables of a shell that was told `. file`, and of nothing else."""
    said = subprocess.run(
        ["sh", "-c", '. "$1" && env', "sh", str(file)], env={}, capture_output=True, text=True, check=True
    )
    pairs = (line.partition("=") for line in said.stdout.splitlines())
    return {name: value for name, _, value in pairs if name.startswith("IMGW_")}
