"""Settings: what is read from where, and what is said when it is wrong."""

from __future__ import annotations

import base64
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.errors import ConfigurationError, Problem
from gateway.settings import Settings, load_settings

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
PASSWORD = "hunter2-the-password"


def problems(environ: dict[str, str]) -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ)
    assert PASSWORD not in f"{caught.value} {caught.value!r}"
    return list(caught.value.problems)


def toml(tmp_path: Path, text: str) -> dict[str, str]:
    file = tmp_path / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return {"IMGW_CONFIG_FILE": str(file)}


def test_without_any_variable_the_gateway_stands_on_its_own() -> None:
    settings = load_settings({})
    assert settings == Settings()
    assert (settings.embedded_broker, settings.embedded_store) == (True, True)
    assert (settings.store.driver, settings.data_dir) == ("motor", Path(".imgw"))


def test_variables_name_section_and_field() -> None:
    settings = load_settings(
        {
            "IMGW_BROKER__URL": "amqps://u:p@rabbit:5671/imgw",
            "IMGW_STORE__URL": "mongodb://u:p@a:27017,b:27017/?replicaSet=rs0",
            "IMGW_STORE__DRIVER": "pymongo",
            "IMGW_SECRETS__KEY": f"{KEY},{KEY}",
            "IMGW_WEB__PORT": "0",
            "IMGW_WEB__PUBLIC_URL": "https://im.example.com/",
            "IMGW_DATA_DIR": "/var/lib/imgw",
            "IMGW_LOG__LEVEL": "DEBUG",
            "PATH": "/bin",
        }
    )
    assert (settings.embedded_broker, settings.embedded_store) == (False, False)
    assert settings.broker.url == SecretStr("amqps://u:p@rabbit:5671/imgw")
    assert settings.store.url == SecretStr("mongodb://u:p@a:27017,b:27017/?replicaSet=rs0")
    assert settings.secrets.key == SecretStr(f"{KEY},{KEY}")
    assert (settings.store.driver, settings.web.port, settings.log.level) == ("pymongo", 0, "debug")
    assert (settings.web.public_url, settings.data_dir) == ("https://im.example.com", Path("/var/lib/imgw"))


@pytest.mark.parametrize(
    "text", ["10.1.0.0/16, fd00::/8", '["10.1.0.0/16", "fd00::/8"]', "10.1.0.0/16,fd00::/8,"]
)
def test_a_list_is_separated_by_commas_or_json(text: str) -> None:
    settings = load_settings({"IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": text})
    assert settings.http.allowed_private_networks == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))


def test_an_empty_variable_counts_as_not_set() -> None:
    assert (
        load_settings({"IMGW_BROKER__URL": "", "IMGW_LOG__LEVEL": "", "IMGW_CONFIG_FILE": ""}) == Settings()
    )


def test_settings_cannot_be_changed_and_do_not_show_secrets() -> None:
    settings = load_settings({"IMGW_BROKER__URL": f"amqp://u:{PASSWORD}@h/"})
    with pytest.raises(ValueError, match="frozen"):
        settings.web.port = 1  # type: ignore[misc]
    assert PASSWORD not in f"{settings} {settings!r} {settings.model_dump()}"


def test_a_secret_may_be_in_a_file_whose_last_line_end_is_not_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("amqp://u:p@h/ \n\n", encoding="utf-8")
    settings = load_settings({"IMGW_BROKER__URL_FILE": str(file)})
    assert settings.broker.url == SecretStr("amqp://u:p@h/ \n")


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("amqp://h/", encoding="utf-8")
    found = problems({"IMGW_BROKER__URL": f"amqp://u:{PASSWORD}@h/", "IMGW_BROKER__URL_FILE": str(file)})
    assert found == [
        Problem("IMGW_BROKER__URL_FILE", "is set, and so is the same without _FILE; only one can be")
    ]


def test_a_secret_file_that_is_not_there_is_named() -> None:
    found = problems({"IMGW_BROKER__URL_FILE": "/nowhere/url"})
    assert found == [
        Problem("IMGW_BROKER__URL_FILE", "/nowhere/url cannot be read: No such file or directory")
    ]


def test_what_is_not_a_secret_has_no_file_of_its_own() -> None:
    assert problems({"IMGW_WEB__HOST_FILE": "/x"}) == [
        Problem("IMGW_WEB__HOST_FILE", "is not a setting; did you mean IMGW_WEB__HOST?")
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("IMGW_WEB__PROT", "; did you mean IMGW_WEB__PORT?"),
        ("IMGW_WEB_PORT", "; did you mean IMGW_WEB__PORT?"),
        ("imgw_web__port", "; did you mean IMGW_WEB__PORT?"),
        ("IMGW_BROKER_URL_FILE", "; did you mean IMGW_BROKER__URL_FILE?"),
        ("IMGW_CONFIGFILE", "; did you mean IMGW_CONFIG_FILE?"),
        ("IMGW_ZZZZZZZZZZ", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_closest_one(name: str, hint: str) -> None:
    assert problems({name: "1"}) == [Problem(name, f"is not a setting{hint}")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMGW_DEMO_SECONDS", "5"),
        ("IMGW_SERVICE_HOST", "10.0.0.1"),
        ("IMGW_WEB_SERVICE_PORT_HTTP", "80"),
        ("IMGW_WEB_PORT", "tcp://10.0.0.1:80"),
        ("IMGW_WEB_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("IMGWX", "1"),
    ],
)
def test_the_demos_variables_and_those_that_kubernetes_sets_are_left_alone(name: str, value: str) -> None:
    assert load_settings({name: value}) == Settings()


def test_every_problem_is_listed_at_once_by_name_and_without_values() -> None:
    found = problems(
        {
            "IMGW_BROKER__URL": f"http://u:{PASSWORD}@h/",
            "IMGW_STORE__URL": f"mongodb://u:{PASSWORD}@/",
            "IMGW_WEB__PORT": "65536",
            "IMGW_WEB__PUBLIC_URL": "im.example.com",
            "IMGW_LOG__LEVEL": "loud",
            "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": "10.0.0.1/8",
            "IMGW_EXPIRY__BATCH": "many",
            "IMGW_PROCESSOR__GRACE_SECONDS": "inf",
            "IMGW_NOPE": "1",
        }
    )
    assert sorted(problem.where for problem in found) == [
        "IMGW_BROKER__URL",
        "IMGW_EXPIRY__BATCH",
        "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS",
        "IMGW_LOG__LEVEL",
        "IMGW_NOPE",
        "IMGW_PROCESSOR__GRACE_SECONDS",
        "IMGW_SECRETS__KEY",
        "IMGW_STORE__URL",
        "IMGW_WEB__PORT",
        "IMGW_WEB__PUBLIC_URL",
    ]
    assert Problem("IMGW_BROKER__URL", "must begin with amqp:// or amqps://") in found
    assert Problem("IMGW_STORE__URL", "names no host") in found


@pytest.mark.parametrize(
    "url", [f"amqp://u:{PASSWORD}/x@h:5672/", f"amqp://[{PASSWORD}", f"amqp://u:{PASSWORD}@h:x/"]
)
def test_a_url_that_is_not_understood_is_never_shown(url: str) -> None:
    try:
        settings = load_settings({"IMGW_BROKER__URL": url})
    except ConfigurationError as error:
        assert PASSWORD not in str(error)  # noqa: PT017 - either outcome is right, showing it is not
    else:
        assert PASSWORD not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS", "[10.0.0.0/8", "begins like a JSON list and is not one"),
        (
            "IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS",
            "10.0.0.1/8",
            "10.0.0.1/8 is not a network such as 10.1.0.0/16 (no bits set behind it)",
        ),
        ("IMGW_WEB__PUBLIC_URL", "im.example.com", "must be a URL beginning with https:// or http://"),
        ("IMGW_WEB__PUBLIC_URL", "https://u@im.example.com", "takes no user, query or fragment"),
        ("IMGW_WEB__PUBLIC_URL", "https://im.example.com/?a=b", "takes no user, query or fragment"),
        ("IMGW_BROKER__URL", "amqp://[", "cannot be read as a URL"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_in_words(name: str, value: str, what: str) -> None:
    assert problems({name: value}) == [Problem(name, what)]


def test_a_secret_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_bytes(b"\xff" + PASSWORD.encode())
    assert problems({"IMGW_BROKER__URL_FILE": str(file)}) == [
        Problem("IMGW_BROKER__URL_FILE", f"{file} is not text in UTF-8")
    ]


@pytest.mark.parametrize("key", ["short", f"{KEY},short", f"{KEY}{KEY}", "ä" * 44, f"{KEY},"])
def test_a_key_that_is_not_fernets_is_refused(key: str) -> None:
    assert problems({"IMGW_SECRETS__KEY": key}) == [
        Problem("IMGW_SECRETS__KEY", "each key is 32 bytes in URL-safe base64, several separated by commas")
    ]


def test_keys_of_the_api_are_secrets_and_may_be_several(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{'a' * 22},\t{'B-._~+/' * 4}==\n", encoding="utf-8")
    settings = load_settings({"IMGW_API__KEYS_FILE": str(file), "IMGW_API__MAX_MEDIA_BYTES": "2048"})
    assert settings.api.keys == SecretStr(f"{'a' * 22},\t{'B-._~+/' * 4}==")
    assert (settings.api.max_media_bytes, load_settings({}).api.keys) == (2_048, None)
    assert "aaa" not in f"{settings} {settings!r} {settings.model_dump()}"


@pytest.mark.parametrize("keys", ["a" * 21, f"{'a' * 22},", f"{'a' * 22},short", f"{'a' * 22} b", "ä" * 22])
def test_a_key_of_the_api_that_could_be_guessed_or_not_be_sent_is_refused(keys: str) -> None:
    what = "each key is 22 or more of A-Z a-z 0-9 . _ ~ + / - (several separated by commas)"
    assert problems({"IMGW_API__KEYS": keys}) == [Problem("IMGW_API__KEYS", what)]


def test_a_store_of_ones_own_needs_a_key_and_the_problem_says_how_to_make_one() -> None:
    found = problems({"IMGW_STORE__URL": "mongodb://h/"})
    assert [problem.where for problem in found] == ["IMGW_SECRETS__KEY"]
    assert "make one with: python3 -c" in found[0].what


def test_variables_win_over_the_file_field_by_field(tmp_path: Path) -> None:
    environ = toml(
        tmp_path, '[web]\nport = 1\nhost = "::"\n[http]\nallowed_private_networks = ["10.0.0.0/8"]\n'
    )
    settings = load_settings(environ | {"IMGW_WEB__PORT": "2"})
    assert (settings.web.port, settings.web.host) == (2, "::")
    assert settings.http.allowed_private_networks == (ip_network("10.0.0.0/8"),)


def test_networks_in_the_file_are_a_list(tmp_path: Path) -> None:
    environ = toml(tmp_path, "[http]\nallowed_private_networks = 5\n")
    assert problems(environ) == [
        Problem(
            f"{environ['IMGW_CONFIG_FILE']}: http.allowed_private_networks", "Input should be a valid tuple"
        )
    ]


def test_a_secret_in_the_file_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("amqp://h/\n", encoding="utf-8")
    settings = load_settings(toml(tmp_path, f'[broker]\nurl_file = "{tmp_path}/url"\n'))
    assert settings.broker.url == SecretStr("amqp://h/")


def test_problems_of_the_file_name_file_and_field(tmp_path: Path) -> None:
    environ = toml(tmp_path, f'[web]\nport = "x"\nprot = 1\n[broker]\nurl = "{PASSWORD}"\n[nope]\n')
    file = environ["IMGW_CONFIG_FILE"]
    assert {problem.where for problem in problems(environ)} == {
        f"{file}: web.port",
        f"{file}: web.prot",
        f"{file}: broker.url",
        f"{file}: nope",
    }
    assert Problem(f"{file}: web.prot", "is not a setting; did you mean web.port?") in problems(environ)


@pytest.mark.parametrize("text", [f"a = {PASSWORD}", f'password = "{PASSWORD}', "[a"])
def test_a_file_that_is_not_toml_is_named_with_the_place(tmp_path: Path, text: str) -> None:
    found = problems(toml(tmp_path, text))
    assert len(found) == 1
    assert re.fullmatch(r"is not TOML( \(at line \d+, column \d+\))?", found[0].what)


def test_a_file_that_is_not_there_is_a_problem_of_the_variable() -> None:
    assert problems({"IMGW_CONFIG_FILE": "/nowhere/gateway.toml"}) == [
        Problem("IMGW_CONFIG_FILE", "/nowhere/gateway.toml cannot be read: No such file or directory")
    ]
