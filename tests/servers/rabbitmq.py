"""A private RabbitMQ for the tests: started once a run, a virtual host of its own for each test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.ports import free_port
from tests.servers.need import missing

_FOLDER = Path("/usr/lib/rabbitmq/bin")
_SERVER = _FOLDER / "rabbitmq-server"
USER = "tests"
PASSWORD = "only-here"
_START_SECONDS = 90.0
_END_SECONDS = 30.0
_SETTLING_SECONDS = 10.0
_POLL_SECONDS = 0.02

# Erlang's port mapper, until the process of the tests closes its end of the pipe, if only by dying.
_EPMD = "epmd & read -r _; kill $!; wait"


class RabbitServer:
    """A RabbitMQ node on free loopback ports, with all its files in `folder`.

    It runs with an Erlang shell on its standard input: that is how tests give it orders in milliseconds,
    where rabbitmqctl takes seconds, and it makes the node end when the process of the tests ends, however.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._epmd_port = free_port()
        self._dist_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._retired: list[tuple[str, float]] = []
        (folder / "answers").mkdir(parents=True)
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self._port}\n"
            "disk_free_limit.absolute = 50MB\n"
            f"default_user = {USER}\n"
            f"default_pass = {PASSWORD}\n"
            "log.file.level = warning\n"
        )

    @property
    def url(self) -> str:
        """Its default virtual host."""
        return self.url_of("%2F")

    def url_of(self, vhost: str, *, user: str = USER, password: str = PASSWORD) -> str:
        return f"amqp://{user}:{password}@127.0.0.1:{self._port}/{vhost}"

    def start(self) -> None:
        """Start it, or start it again with what it had; returns when it is ready for everything."""
        if self._epmd is None:
            self._epmd = self._run(["sh", "-c", _EPMD])
        self._node = self._run([str(_SERVER)])
        self._poll(self._answers_amqp, _START_SECONDS, "does not take connections")
        self._poll(self._has_booted, _START_SECONDS, "does not finish its start")
        self._started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        return self._node is not None

    def stop(self) -> None:
        """As an operator does, in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As kill -9 does."""
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """It keeps its connections and answers nothing."""
        self._send(signal.SIGSTOP)
        if self._node is not None:
            os.waitid(os.P_PID, self._node.pid, os.WSTOPPED)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def restart(self) -> None:
        """Bring it up again, however it ended; in order, when it runs."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        if self._epmd is not None:
            self._epmd.communicate(timeout=_END_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def order(self, expression: str) -> str:
        """Evaluate an Erlang expression on the node; its value as Erlang writes it."""
        assert self._node is not None
        assert self._node.stdin is not None
        answer = self._folder / "answers" / uuid.uuid4().hex
        self._node.stdin.write(
            f'(fun() -> Value = (catch ({expression})), file:write_file("{answer}.part", '
            f'io_lib:format("~0p", [Value])), file:rename("{answer}.part", "{answer}") end)().\n'.encode()
        )
        self._node.stdin.flush()
        self._poll(answer.exists, _END_SECONDS, f"does not answer {expression}")
        return answer.read_text()

    def add_vhost(self) -> str:
        """A new, empty virtual host; its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._expect_ok(f'rabbit_vhost:add(<<"{name}">>, <<"tests">>)')
        everything = '<<".*">>'
        self._expect_ok(
            f'rabbit_auth_backend_internal:set_permissions(<<"{USER}">>, <<"{name}">>, '
            f'{everything}, {everything}, {everything}, <<"tests">>)'
        )
        return name

    def retire_vhost(self, name: str) -> None:
        """Delete it in a while.

        RabbitMQ 3.10.8 stops dead-lettering on the whole node, and with it the declaration of quorum queues,
        when some of these are deleted just when they have been declared or recovered (seen 2026-11).
        """
        self._retired.append((name, time.monotonic()))
        while self._retired and self._is_settled(self._retired[0][1]):
            self.order(f'rabbit_vhost:delete(<<"{self._retired.pop(0)[0]}">>, <<"tests">>)')

    def close_connections(self) -> None:
        """What `rabbitmqctl close_all_connections` does."""
        self.order('rabbit_networking:close_all_connections("by a test")')

    def set_plugins(self, *names: str) -> None:
        """What `rabbitmq-plugins set` does: these, and no others."""
        plugins = self._folder / "plugins"
        plugins.write_text(f"[{','.join(names)}].\n")
        answer = self.order(f'rabbit_plugins:ensure("{plugins}")')
        assert answer.startswith("{ok,"), answer

    def enable_mqtt(self) -> int:
        """MQTT 3.1.1 on its default virtual host, at this loopback port, until `set_plugins` says
        otherwise."""
        port = free_port()
        listener = f'[{{"127.0.0.1", {port}}}]'
        self.order("application:load(rabbitmq_mqtt)")
        self._expect_ok(
            f"application:set_env(rabbitmq_mqtt, tcp_listeners, {listener}, [{{persistent, true}}])"
        )
        self.set_plugins("rabbitmq_mqtt")
        return port

    def set_memory_alarm(self, *, on: bool) -> None:
        """With it, RabbitMQ stops reading from connections that publish."""
        alarm = "{resource_limit, memory, node()}"
        self.order(f"rabbit_alarm:set_alarm({{{alarm}, []}})" if on else f"rabbit_alarm:clear_alarm({alarm})")

    def set_policy(self, url: str, queue: str, definition: str) -> None:
        """What `rabbitmqctl set_policy` does, for one queue of a URL's virtual host."""
        vhost = url.rsplit("/", 1)[1]
        pattern = queue.replace(".", "\\\\.")
        self._expect_ok(
            f'rabbit_policy:set(<<"{vhost}">>, <<"{queue}">>, <<"^{pattern}$">>, {definition}, 0, '
            '<<"queues">>, <<"tests">>)'
        )

    def bring_up(self) -> None:
        """Make it usable, whatever the last test left of it."""
        if not self.is_running:
            self.start()
        self.resume()
        self.set_memory_alarm(on=False)
        if self.order("is_pid(whereis(rabbit_fifo_dlx_sup))") != "true":
            self.restart()

    def _is_settled(self, retired_at: float) -> bool:
        return time.monotonic() - max(retired_at, self._started_at) > _SETTLING_SECONDS

    def _expect_ok(self, expression: str) -> None:
        answer = self.order(expression)
        assert answer == "ok", answer

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"imgwtest_{self._port}@localhost",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ALLOW_INPUT": "true",
        }

    def _end(self, number: signal.Signals) -> None:
        if self._node is None:
            return
        self.resume()  # or it would not hear of the other signal
        node, self._node = self._node, None
        node.send_signal(number)
        node.wait(_END_SECONDS)
        node.communicate()  # closes the pipe

    def _send(self, number: signal.Signals) -> None:
        if self._node is not None:
            self._node.send_signal(number)

    def _answers_amqp(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=2) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return probe.recv(1) == b"\x01"  # a method frame: connection.start
        except OSError:
            return False

    def _has_booted(self) -> bool:
        """It takes connections a little before that."""
        return self.order("rabbit:is_booted()") == "true"

    def _poll(self, holds: Callable[[], bool], within_seconds: float, what: str) -> None:
        deadline = time.monotonic() + within_seconds
        while not holds():
            assert self._node is not None
            if self._node.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"RabbitMQ {what}: {(self._folder / 'output').read_text()[-2_000:]}")
            time.sleep(_POLL_SECONDS)


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """One server for the whole run; a test that stops it starts it again."""
    if not _SERVER.exists():
        missing("RabbitMQ", "apt-get install rabbitmq-server")
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def rabbitmq_url(rabbitmq_server: RabbitServer) -> Iterator[str]:
    """A virtual host that no other test has, with nothing in it."""
    rabbitmq_server.bring_up()
    vhost = rabbitmq_server.add_vhost()
    yield rabbitmq_server.url_of(vhost)
    rabbitmq_server.bring_up()
    rabbitmq_server.retire_vhost(vhost)
