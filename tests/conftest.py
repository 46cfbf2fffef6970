"""Fixtures that every test can use: the real servers, each started once a run and only when asked for."""

from __future__ import annotations

pytest_plugins = ["tests.servers.mongod", "tests.servers.rabbitmq"]
