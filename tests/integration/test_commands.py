"""The `imgw` command as an operator runs it: what it says, what it changes, and its exit code."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from gateway.broker.port import Publication, StoredMessage
from gateway.store.embedded import EmbeddedMongod
from gateway.store.secrets import SecretBox
from processors.cli import app
from processors.commands.providers import COLUMNS
from processors.dead_letters import dead_letter
from processors.demo.playground import demo_environment
from processors.outcome import Dead
from tests.integration.scripted_server import http, scripted_server
from tests.integration.shell import Operator
from tests.processors.fakes import delivery_of
from tests.servers.mongod import MongoServer

CONFIG = Path("config").resolve()
SHOP = "app_id: shop\naccounts: [tg]\n"
TG = (
    "account: tg\nprovider: telegram\nmo_application: shop\n"
    "credentials: {token: '${env:IMGW_DEMO_TG_TOKEN}'}\n"
    "callback: {secret_token: '${env:IMGW_DEMO_TG_SECRET_TOKEN}'}\n"
)


@pytest.fixture(scope="module")
def data_dir(mongod: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A data folder whose embedded server runs, so that commands need not start it, and its URL."""
    folder = tmp_path_factory.mktemp("data")
    server = EmbeddedMongod(folder / "mongo")
    yield folder, asyncio.run(server.start())
    asyncio.run(server.stop())


@pytest.fixture
def operator(data_dir: tuple[Path, str]) -> Operator:
    folder, url = data_dir
    return Operator(folder, url, f"imgw_{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """What the sample configuration refers to."""
    environment = demo_environment(Path("unused"))
    return {name: value for name, value in environment.items() if name.startswith("IMGW_DEMO_")}


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            found.append((*path, name))
            walk(inner, (*path, name))

    walk(typer.main.get_command(app), ())
    return found


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_explains_itself_and_all_that_it_takes(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert (result.exit_code, result.exception) == (0, None)
    usage, sentence, *_ = [part for part in result.output.split("\n\n") if part.strip()]
    assert usage.startswith("Usage: ")
    assert len(sentence.split()) >= 4
    assert sentence.strip().endswith(".")
    _, _, listed = result.output.partition("Options:")
    lines = [line for line in listed.splitlines() if re.match(r"  \S", line)]
    assert [line for line in lines if not re.search(r"\S  +\S", line)] == [], "each is explained"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        (
            "processors.cli",
            ("aiohttp", "motor", "pymongo", "aio_pika", "pydantic", "uvloop", "rich.console", "structlog"),
        ),
        (
            "processors.commands.daemons",
            ("handlers.simulator", "gateway.web.api", "processors.web", "processors.in_app", "paho"),
        ),
    ],
)
def test_only_what_is_needed_is_loaded(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_it_says_its_version_and_its_commands(operator: Operator) -> None:
    assert re.fullmatch(r"im-gateway \d+\.\d+\.\d+\n", operator.imgw("--version"))
    assert "Commands:" in operator.imgw("--help")


def test_the_samples_are_in_order_and_applied_and_pruned(
    operator: Operator, variables: dict[str, str]
) -> None:
    said = operator.imgw("check", CONFIG, "--connect", variables=variables)
    assert said == ("3 applications and 4 accounts are in order\nembedded broker and embedded store answer\n")
    assert (
        operator.imgw("apply", CONFIG, variables=variables)
        == "3 applications and 4 accounts applied as version 1\n"
    )
    smaller = operator.write({"applications/shop.yaml": SHOP, "accounts/tg.yaml": TG})
    assert (
        operator.imgw("apply", smaller, variables=variables)
        == "1 applications and 1 accounts applied as version 2\n"
    )
    # The account sms-shop, which the samples have and these files do not, is still there to be named.
    named = operator.write({"applications/more.yaml": "app_id: more\naccounts: [sms-shop]\n"})
    assert operator.imgw("apply", named) == "1 applications and 0 accounts applied as version 3\n"
    said = operator.imgw("apply", smaller, "--prune", variables=variables)
    assert said == "1 applications and 1 accounts applied as version 4\n"
    assert operator.imgw("apply", named, code=78) == (
        "imgw: applications/more.yaml: accounts: there is no account sms-shop\n"
    )


def test_a_command_starts_the_embedded_store_itself_and_stops_it(
    tmp_path: Path, variables: dict[str, str], mongod: MongoServer
) -> None:
    operator = Operator(tmp_path, "", "imgw")
    files = operator.write({"applications/shop.yaml": SHOP, "accounts/tg.yaml": TG})
    assert operator.imgw("apply", files, variables=variables).endswith("applied as version 1\n")
    assert operator.imgw("apply", files, variables=variables).endswith("applied as version 2\n")
    assert EmbeddedMongod(tmp_path / "mongo").pid is None
    assert oct((tmp_path / "secret.key").stat().st_mode)[-3:] == "600"


def test_with_another_key_a_pruning_apply_still_works(operator: Operator, variables: dict[str, str]) -> None:
    files = operator.write({"applications/shop.yaml": SHOP, "accounts/tg.yaml": TG})
    operator.imgw("apply", files, variables=variables)
    new_key = {"IMGW_SECRETS__KEY": SecretBox.new_key()}
    said = operator.imgw("apply", files, code=78, variables=variables | new_key)
    assert said == (
        "imgw: IMGW_SECRETS__KEY: does not open the secrets in the store: they were sealed with another key\n"
    )
    operator.imgw("apply", files, "--prune", variables=variables | new_key)
    operator.imgw("apply", files, variables=variables | new_key)


def test_every_problem_of_settings_and_files_is_said_at_once(operator: Operator) -> None:
    broken = operator.write(
        {
            "applications/shop.yaml": SHOP + "colour: red\n",
            "accounts/tg.yaml": TG + "max_tps: -1\n",
            "accounts/tab.yaml": "a:\n\t- b\n",
        }
    )
    wrong = {"IMGW_BROKR__URL": "amqp://ann:s3cret@h", "IMGW_LOG__LEVEL": "loud"}
    said = operator.imgw("check", broken, code=78, variables=wrong)
    assert sorted(line.split(": ")[1:3] for line in said.splitlines()) == sorted(
        [
            ["IMGW_BROKR__URL", "is not a setting; did you mean IMGW_BROKER__URL?"],
            ["IMGW_LOG__LEVEL", "Input should be 'debug', 'info', 'warning' or 'error'"],
            ["accounts/tab.yaml", "is not readable as YAML at line 2, column 1"],
            ["accounts/tg.yaml", "callback.secret_token"],
            ["accounts/tg.yaml", "credentials.token"],
            ["accounts/tg.yaml", "max_tps"],
            ["applications/shop.yaml", "colour"],
        ]
    )
    assert "s3cret" not in said


@pytest.mark.parametrize("command", [["run", "all"], ["audit"]])
def test_a_setting_that_is_none_ends_any_command(operator: Operator, command: list[str]) -> None:
    said = operator.imgw(*command, code=78, variables={"IMGW_BROKR__URL": "amqp://h"})
    assert said == "imgw: IMGW_BROKR__URL: is not a setting; did you mean IMGW_BROKER__URL?\n"


def test_a_data_folder_that_cannot_be_is_a_line_and_no_traceback(operator: Operator) -> None:
    said = operator.imgw("audit", code=78, variables={"IMGW_DATA_DIR": "/dev/null/imgw"})
    assert said.startswith("imgw: IMGW_DATA_DIR: /dev/null/imgw")
    assert len(said.splitlines()) == 1


def test_the_providers_are_shown(operator: Operator) -> None:
    lines = operator.imgw("providers").splitlines()
    assert re.split(r" {2,}", lines[0].strip()) == list(COLUMNS)
    assert {"custom_http", "telegram", "whatsapp_cloud"} <= {line.split()[0] for line in lines[1:]}


@pytest.mark.parametrize(
    ("account", "answer", "code", "said"),
    [
        ("tg", http(b'{"ok":true,"result":{"id":7,"username":"shop_bot"}}'), 0, "tg: bot @shop_bot\n"),
        (
            "tg",
            http(b'{"ok":false,"error_code":401,"description":"No\\u001b"}', status="401 Unauthorized"),
            1,
            "tg: account_credentials (provider code 401): No\\x1b\n",
        ),
        ("sms-shop", b"", 0, "sms-shop: this provider has no harmless call\n"),
        ("nobody", b"", 1, "the store has no account nobody\n"),
    ],
)
async def test_a_provider_is_asked_whether_it_takes_the_credentials(
    operator: Operator, variables: dict[str, str], account: str, answer: bytes, code: int, said: str
) -> None:
    async with scripted_server(lambda _: answer) as server:
        sms = {"accounts/sms.yaml": (CONFIG / "accounts/sms-shop.yaml").read_text()}
        tg = {"accounts/tg.yaml": f"{TG}url: {server.url()}\n"}
        files = operator.write({"applications/shop.yaml": SHOP} | sms | tg)
        await asyncio.to_thread(operator.imgw, "apply", files, variables=variables)
        allowed = {"IMGW_HTTP__ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}
        asking = asyncio.to_thread(operator.imgw, "provider", "test", account, code=code, variables=allowed)
        assert await asking == said


def test_a_new_key_is_one(operator: Operator) -> None:
    SecretBox(SecretStr(operator.imgw("secret-key").strip()))


async def test_an_mt_is_published_as_it_was_given(operator: Operator) -> None:
    given = ["--app", "shop", "--to", "447700900001", "--text", "Hi [bold] :tea:", "--channel", "sms"]
    said = operator.imgw("send", *given, "--wait", "0")
    document = {"app_id": "shop", "channel": "sms", "to": "447700900001", "message_id": "m-7"}
    content = {"type": "text", "text": "Hi"}
    line = orjson.dumps({**document, "content": content}).decode()
    assert operator.imgw("send", "--file", "-", "--wait", "0", stdin=line) == "m-7 published\n"
    [typed, read] = await operator.broker(queue="imgw.mt")
    assert said == f"{typed.message_id} published\n"
    assert orjson.loads(typed.body) == {
        **document,
        "message_id": typed.message_id,
        "content": {"type": "text", "text": "Hi [bold] :tea:"},
    }
    assert (orjson.loads(read.body), read.type) == ({**document, "content": content}, "imgw.mt.v1")


def test_what_is_no_mt_is_refused_with_every_reason(operator: Operator) -> None:
    assert operator.imgw("send", "--text", "Hi", code=78).splitlines() == [
        "imgw: imgw send: app_id: is required",
        "imgw: imgw send: to: is required",
    ]
    assert operator.imgw("send", "--file", "-", code=78, stdin="{'a'}") == "imgw: -: is not JSON\n"
    assert operator.imgw("send", "--file", "-", code=78, stdin="[]") == "imgw: -: is not a JSON object\n"


def test_an_mt_that_nobody_knows_is_not_shown(operator: Operator) -> None:
    assert operator.imgw("tx", "show", "[m-1]", code=1) == "the log has no MT [m-1]\n"


def test_an_empty_installation_is_in_order(operator: Operator) -> None:
    said = operator.imgw("audit").splitlines()
    assert said[0].split() == ["accepted", "0"]
    assert said[1:] == [
        "MO received: 0; receipts without an MT: 0",
        "queues: all empty",
        "the conservation law holds",
    ]


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize("arguments", [[], ["7", "--reason", "invalid_json"]])
def test_nothing_is_done_to_dead_letters_without_saying_to_which(command: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["dead", command, *arguments])
    assert (result.exit_code, "give either an id or --reason" in result.output) == (2, True)


async def test_dead_letters_are_listed_shown_put_back_and_thrown_away(operator: Operator) -> None:
    original = Publication(
        "", "imgw.mt", b'{"a": "[/red] \x1b]0;x\x07"}', "imgw.mt.v1", "m-1", {"x-attempt": 2}
    )
    letters = [
        dead_letter(delivery_of(original), Dead("invalid_message", "content[0]: [/wrong]")),
        dead_letter(delivery_of(original), Dead("invalid_json", "line 1")),
        dead_letter(delivery_of(original), Dead("invalid_json", "line 2")),
        Publication("", "imgw.dead", b"?", "", "stranger", {"x-attempt": "three"}),
    ]
    await operator.broker(*letters)
    ids = [str(letter.headers.get("x-dead-id", "stranger")) for letter in letters]

    rows = operator.imgw("dead", "list").splitlines()[1:]
    assert [row.split()[0] for row in rows] == ids
    assert [row.split()[2:] for row in rows[:2]] == [
        ["imgw.mt", "invalid_message", "content[0]:", "[/wrong]", "2"],
        ["imgw.mt", "invalid_json", "line", "1", "2"],
    ]

    shown = operator.imgw("dead", "show", ids[0])
    assert shown.endswith('type: imgw.mt.v1\n\n{"a": "[/red] \\x1b]0;x\\x07"}\n')
    assert "x-dead-reason: invalid_message\n" in shown

    assert operator.imgw("dead", "replay", ids[0]) == "1 put back\n"
    assert operator.imgw("dead", "discard", "--reason", "invalid_json") == "2 thrown away\n"
    assert operator.imgw("dead", "discard", ids[0], code=1) == "0 thrown away\n"
    assert [letter.message_id for letter in await operator.broker()] == ["stranger"]
    [back] = await operator.broker(queue="imgw.mt")
    headers = {**original.headers, "x-revived": True}
    assert back == StoredMessage(original.body, headers, original.type, original.message_id)
