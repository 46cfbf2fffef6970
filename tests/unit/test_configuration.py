"""A folder of configuration: checked as a whole, with what is stored, and ready to be stored itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.errors import ConfigurationError
from gateway.store.catalog import StoredCatalogue
from handlers.registry import Registry
from processors.configuration import NOTHING_STORED, Checked, check_folder
from processors.demo.playground import demo_environment
from tests.unit.acme import REGISTRY, account

SECRET = "t0ken-of-32-characters-and-a-few-more"
ENVIRON = {"TOKEN": "t0ken-of-acme", "REGION": "us", "SECRET": SECRET}
SHOP = "app_id: shop\naccounts: [acme-1]\n"
ACME = "account: acme-1\nprovider: acme\ncredentials: {token: '${env:TOKEN}'}\n"
WRITTEN_OUT = "a secret is not written into a file; refer to it as ${env:NAME} or ${file:PATH}"


def folder_of(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def checked(folder: Path, files: dict[str, str], stored: StoredCatalogue = NOTHING_STORED) -> Checked:
    return check_folder(folder_of(folder, files), ENVIRON, REGISTRY, stored)


def problems(
    folder: Path, files: dict[str, str], stored: StoredCatalogue = NOTHING_STORED
) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        checked(folder, files, stored)
    assert "t0ken" not in str(caught.value)
    return sorted((problem.where, problem.what) for problem in caught.value.problems)


def test_what_is_in_order_is_ready_to_be_stored(tmp_path: Path) -> None:
    result = checked(tmp_path, {"applications/shop.yaml": SHOP, "accounts/acme.yaml": ACME})
    assert result.applications == {"shop": {"app_id": "shop", "accounts": ["acme-1"]}}
    assert result.accounts == {
        "acme-1": {
            "account": "acme-1",
            "provider": "acme",
            "credentials": {"token": SecretStr("t0ken-of-acme")},
        }
    }
    assert list(result.catalogue.handlers) == ["acme-1"]


def test_whatever_came_from_a_reference_is_kept_like_a_secret(tmp_path: Path) -> None:
    text = """
    account: acme-1
    provider: acme
    credentials:
      token: ${env:TOKEN}
      older_tokens: ["${env:TOKEN}-1", "${env:TOKEN}-2"]
      named: {a.b: "${env:TOKEN}"}
    parameters:
      headers: {Authorization: "Bearer ${env:TOKEN}", Accept: text/plain}
      words: [plain, "${env:REGION}"]
      in: ${env:REGION}
    """
    secret = SecretStr("t0ken-of-acme")
    assert checked(tmp_path, {"accounts/acme.yaml": text}).accounts["acme-1"] == {
        "account": "acme-1",
        "provider": "acme",
        "credentials": {
            "token": secret,
            "older_tokens": [SecretStr("t0ken-of-acme-1"), SecretStr("t0ken-of-acme-2")],
            "named": {"a.b": secret},
        },
        "parameters": {
            "headers": {"Authorization": SecretStr("Bearer t0ken-of-acme"), "Accept": "text/plain"},
            "words": ["plain", SecretStr("us")],
            "in": SecretStr("us"),
        },
    }


def test_a_secret_that_is_written_out_is_refused_wherever_it_is(tmp_path: Path) -> None:
    text = """
    account: acme-1
    provider: acme
    credentials: {token: t0ken, older_tokens: ["${env:TOKEN}", t0ken-2], named: {a: t0ken-3}}
    """
    assert problems(tmp_path, {"accounts/acme.yaml": text}) == [
        ("accounts/acme.yaml: credentials.named.a", WRITTEN_OUT),
        ("accounts/acme.yaml: credentials.older_tokens.1", WRITTEN_OUT),
        ("accounts/acme.yaml: credentials.token", WRITTEN_OUT),
    ]


def test_an_application_s_secrets_come_from_references_and_are_kept_like_an_account_s(tmp_path: Path) -> None:
    text = "app_id: chat\nsecrets: ['${env:SECRET}', '${env:SECRET}-2']\nname: ${env:REGION}\n"
    result = checked(tmp_path, {"applications/chat.yaml": text})
    assert result.applications == {
        "chat": {
            "app_id": "chat",
            "secrets": [SecretStr(SECRET), SecretStr(f"{SECRET}-2")],
            "name": SecretStr("us"),
        }
    }
    secrets = result.catalogue.applications["chat"].secrets
    assert [secret.get_secret_value() for secret in secrets] == [SECRET, f"{SECRET}-2"]
    assert SECRET not in repr(result)


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        (f"['${{env:SECRET}}', {SECRET}]", [("secrets.1", WRITTEN_OUT)]),
        (f"[{SECRET}]", [("secrets.0", WRITTEN_OUT)]),
        ("['${env:TOKEN}']", [("secrets.0", "Value should have at least 32 items after validation, not 13")]),
        ("${env:SECRET}", [("secrets", "Input should be a valid tuple")]),
        (
            "['${env:NOT_SET}']",
            [("secrets.0", "needs the environment variable NOT_SET, which is not set")],
        ),
    ],
)
def test_an_application_s_secret_that_is_written_out_or_is_none_is_refused(
    tmp_path: Path, secrets: str, expected: list[tuple[str, str]]
) -> None:
    found = problems(tmp_path, {"applications/chat.yaml": f"app_id: chat\nsecrets: {secrets}\n"})
    assert found == [(f"applications/chat.yaml: {field}", what) for field, what in expected]


def test_a_stored_application_with_secrets_belongs_to_the_whole(tmp_path: Path) -> None:
    stored = StoredCatalogue(4, {"chat": {"app_id": "chat", "secrets": [SECRET]}}, {})
    result = checked(tmp_path, {"applications/shop.yaml": "app_id: shop\n"}, stored)
    assert sorted(result.catalogue.applications) == ["chat", "shop"]


def test_the_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    files = {
        "applications/shop.yaml": SHOP + "colour: red\n",
        "applications/other.yaml": "app_id: other\naccounts: [nobody]\n",
        "accounts/acme.yaml": ACME.replace("${env:TOKEN}", "${env:NOT_SET}") + "max_tps: -1\n",
        "accounts/list.yaml": "- 1\n",
        "accounts/tab.yaml": "a:\n\t- b\n",
        "accounts/open.yaml": ACME.replace("acme-1", "acme-2").replace("${env:TOKEN}", "t0ken"),
    }
    assert problems(tmp_path, files) == [
        (
            "accounts/acme.yaml: credentials.token",
            "needs the environment variable NOT_SET, which is not set",
        ),
        ("accounts/acme.yaml: max_tps", "input should be greater than 0"),
        ("accounts/list.yaml", "is not a mapping of fields to values"),
        ("accounts/open.yaml: credentials.token", WRITTEN_OUT),
        (
            "accounts/tab.yaml",
            "is not readable as YAML at line 2, column 1: found character '\\t' that cannot start any token",
        ),
        ("applications/other.yaml: accounts", "there is no account nobody"),
        ("applications/shop.yaml: colour", "is not a setting"),
    ]


def test_a_reference_that_leads_nowhere_is_one_problem_not_two(tmp_path: Path) -> None:
    files = {"accounts/acme.yaml": ACME.replace("TOKEN", "NOT_SET") + "url: ${env:NOT_SET_EITHER}\n"}
    assert [where for where, _ in problems(tmp_path, files)] == [
        "accounts/acme.yaml: credentials.token",
        "accounts/acme.yaml: url",
    ]


def test_the_same_name_in_two_files_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, {"accounts/a.yaml": ACME, "accounts/b.yaml": ACME}) == [
        ("accounts/b.yaml: account", "acme-1 is defined in accounts/a.yaml already")
    ]


def test_what_is_stored_and_not_given_belongs_to_the_whole(tmp_path: Path) -> None:
    stored = StoredCatalogue(4, {"alerts": {"app_id": "alerts"}}, {"acme-1": account()})
    files = {
        "applications/shop.yaml": SHOP,
        "accounts/new.yaml": ACME.replace("acme-1", "acme-2") + "mo_application: alerts\n",
    }
    result = checked(tmp_path, files, stored)
    assert sorted(result.catalogue.applications) == ["alerts", "shop"]
    assert sorted(result.catalogue.accounts) == ["acme-1", "acme-2"]
    assert (list(result.applications), list(result.accounts)) == (["shop"], ["acme-2"])


def test_what_is_given_takes_the_place_of_what_is_stored(tmp_path: Path) -> None:
    stored = StoredCatalogue(4, {}, {"acme-1": account(max_tps=1)})
    result = checked(tmp_path, {"accounts/acme.yaml": ACME + "max_tps: 2\n"}, stored)
    assert result.catalogue.accounts["acme-1"].max_tps == 2


def test_a_change_that_breaks_what_is_stored_is_refused_and_says_so(tmp_path: Path) -> None:
    stored = StoredCatalogue(4, {}, {"acme-1": account(mo_application="shop")})
    assert problems(tmp_path, {"applications/other.yaml": "app_id: other\n"}, stored) == [
        ("account acme-1 (stored): mo_application", "there is no application shop")
    ]


@pytest.mark.parametrize("name", ["[a, b]", "{a: b}", "7", "null"])
def test_a_name_that_is_none_is_a_problem_and_nothing_worse(tmp_path: Path, name: str) -> None:
    files = {"accounts/acme.yaml": ACME.replace("account: acme-1", f"account: {name}")}
    assert [where for where, _ in problems(tmp_path, files)] == ["accounts/acme.yaml: account"]


@pytest.mark.parametrize(
    ("made", "what"), [(True, "holds no folder applications or accounts"), (False, "is not a folder")]
)
def test_a_folder_that_is_none_is_named(tmp_path: Path, made: bool, what: str) -> None:
    folder = tmp_path / "config"
    if made:
        folder.mkdir()
    assert problems(folder, {}) == [(str(folder), what)]


def test_the_sample_configuration_is_in_order() -> None:
    environ = demo_environment(Path("unused"))
    result = check_folder(Path("config"), environ, Registry.discover())
    assert sorted(result.catalogue.accounts) == ["rtm-shop", "sms-shop", "tg-shop", "wa-shop"]
    assert sorted(result.catalogue.applications) == ["alerts", "chat", "shop"]
