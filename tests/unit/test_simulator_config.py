"""The simulator's configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from handlers.simulator.app import build
from handlers.simulator.config import SimulatorConfig, load

DEMO = Path(__file__).parents[2] / "config" / "simulator.yaml"
ENVIRON = {
    "IMGW_DEMO_GATEWAY_URL": "http://127.0.0.1:8080/",
    "IMGW_DEMO_WA_ACCESS_TOKEN": "s3cret-1",
    "IMGW_DEMO_WA_APP_SECRET": "s3cret-2",
    "IMGW_DEMO_WA_VERIFY_TOKEN": "s3cret-3",
    "IMGW_DEMO_TG_TOKEN": "123456:s3cret-4",
    "IMGW_DEMO_TG_SECRET_TOKEN": "s3cret-5",
    "IMGW_DEMO_SMS_SECRET": "s3cret-6",
    "IMGW_DEMO_SMS_CALLBACK_SECRET": "s3cret-7",
}
ACCOUNT = """
  - provider: custom_http
    account: sms-shop
    secret: ${env:SECRET}
    callback_secret: b
    number: "447700900101"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "simulator.yaml"
    path.write_text(text, encoding="utf-8")
    return path


async def test_the_demo_file_is_valid_and_its_rules_can_be_followed() -> None:
    config = load(DEMO, ENVIRON)
    build(config)
    assert [account.account for account in config.accounts] == ["wa-shop", "tg-shop", "sms-shop"]
    assert config.callback_url("wa-shop") == "http://127.0.0.1:8080/callbacks/wa-shop"


def test_secrets_do_not_show() -> None:
    assert "s3cret" not in repr(load(DEMO, ENVIRON))


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="IMGW_DEMO_TG_TOKEN"):
        load(DEMO, {name: value for name, value in ENVIRON.items() if name != "IMGW_DEMO_TG_TOKEN"})


def test_every_problem_is_told_with_its_field_and_without_its_value(tmp_path: Path) -> None:
    text = f"gateway: nowhere\nread_share: 2\nsecrets: s3cret\naccounts:{ACCOUNT}    nummber: 1\n"
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"SECRET": "s3cret"})
    problems = [str(problem).removeprefix(f"{path}: ") for problem in caught.value.problems]
    assert [problem.partition(":")[0] for problem in problems] == [
        "gateway",
        "accounts.0.custom_http.nummber",
        "read_share",
        "secrets",
    ]
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("receipt_delay_seconds: [2, 1]", "the first is more than the second"),
        (f"x: 1\naccounts2:{ACCOUNT}", "Extra inputs"),
        ("rules: [{recipient: '1', send: {refuse: nonsense}}]", "custom_http knows no case nonsense"),
        ("rules: [{recipient: '1', account: nobody}]", "there is no account nobody"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, extra: str, problem: str) -> None:
    path = written(tmp_path, f"gateway: http://127.0.0.1:1\naccounts:{ACCOUNT}{extra}\n")
    with pytest.raises(ConfigurationError, match=problem):
        build(load(path, {"SECRET": "a"}))


def test_two_accounts_cannot_share_a_name(tmp_path: Path) -> None:
    path = written(tmp_path, f"gateway: http://127.0.0.1:1\naccounts:{ACCOUNT}{ACCOUNT}")
    with pytest.raises(ConfigurationError, match="two accounts have the same name"):
        load(path, {"SECRET": "a"})


@pytest.mark.parametrize("token", ["123456", "abc:def", "123:with space"])
def test_a_telegram_token_has_telegrams_form(token: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a bot token"):
        load(DEMO, ENVIRON | {"IMGW_DEMO_TG_TOKEN": token})


def test_a_minimal_file_has_sensible_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, f"gateway: http://127.0.0.1:1\naccounts:{ACCOUNT}")
    config = load(path, {"SECRET": "a"})
    defaults = SimulatorConfig(gateway=config.gateway, accounts=config.accounts)
    assert config == defaults
    assert (config.bare, config.rules, config.batch_statuses) == (False, (), 1)
