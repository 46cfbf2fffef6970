"""Fixtures that every test can use: the real servers, each started once a run and only when asked for."""

from __future__ import annotations

from importlib.util import find_spec

pytest_plugins = [m for m in ("tests.servers.mongod", "tests.servers.rabbitmq") if find_spec(m)]
