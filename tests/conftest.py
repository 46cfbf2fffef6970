"""Fixtures that every test can use: the real servers, each started once a run and only when asked for, and
the evidence of what was logged."""

from __future__ import annotations

import pytest

from tests.logs import Evidence

pytest_plugins = [
    "tests.machine",
    "tests.servers.mongod",
    "tests.servers.mosquitto",
    "tests.servers.rabbitmq",
]

_LAST = "test_no_secret_and_no_message_text_is_in_any_log_line"


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Where processes under test log to, and what must not be there."""
    return Evidence(tmp_path_factory.mktemp("logs"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that looks at everything that was logged comes after everything that logs."""
    items.sort(key=lambda item: item.name == _LAST)
