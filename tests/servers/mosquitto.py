"""A private Mosquitto for the tests: one of its own, and empty, for each test that asks for it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gateway.ports import free_port
from tests.servers.need import missing

DYNAMIC_SECURITY = "mosquitto_dynamic_security.so"

_PROGRAM = Path("/usr/sbin/mosquitto")  # not on everybody's PATH
_PLUGIN_FOLDERS = ("/usr/lib", "/usr/local/lib")
_START_SECONDS = 30.0
_END_SECONDS = 30.0
_POLL_SECONDS = 0.005

_CONNECT = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x01p"  # MQTT 5, clean start, client id "p"
_CONNACK = b"\x20"


class MosquittoServer:
    """A Mosquitto on free loopback ports, with all its files in `folder`; its ports stay the same throughout.

    Without more it lets everybody in, has one listener for MQTT over TCP (`host`, `port`), queues a million,
    and keeps its sessions and what is retained over `stop` and `restart`, not over `kill`. With
    `websockets` it has a listener for MQTT over WebSocket at `websocket_port`; with `anonymous=False` only
    logins get in. `lines` come at the end of its configuration, as they are: they may set what holds for all
    listeners, belong to the last listener, or begin another one.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        *,
        websockets: bool = False,
        anonymous: bool = True,
        log_type: str = "all",
        lines: Sequence[str] = (),
    ) -> None:
        need_mosquitto()
        self._log_type = log_type
        self.folder = folder
        self.port = free_port()
        self.websocket_port = free_port() if websockets else None
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(anonymous=anonymous, lines=lines)

    @property
    def url(self) -> str:
        """As accounts have it: mqtt://host:port."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def websocket_url(self) -> str:
        assert self.websocket_port is not None
        return f"ws://{self.host}:{self.websocket_port}"

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        return None if self._process is None else self._process.pid

    def configure(self, *, anonymous: bool = True, lines: Sequence[str] = ()) -> None:
        """Write its configuration anew, for the next start."""
        listeners = [f"listener {self.port} {self.host}"]
        if self.websocket_port is not None:
            listeners += [f"listener {self.websocket_port} {self.host}", "protocol websockets"]
        (self.folder / "mosquitto.conf").write_text(
            "\n".join(
                [
                    "user root",  # when it is started by root: else it could not write to the folder
                    "persistence true",
                    f"persistence_location {self.folder}/",
                    # With 0, it cuts off a client whose publication it denies before that hears of it.
                    "max_queued_messages 1000000",
                    "max_inflight_messages 1000",
                    f"log_dest file {self.log_file}",
                    f"log_type {self._log_type}",
                    "set_tcp_nodelay true",
                    *listeners,
                    f"allow_anonymous {str(anonymous).lower()}",
                    *lines,
                    "",
                ]
            )
        )

    @property
    def log_file(self) -> Path:
        return self.folder / "mosquitto.log"

    def start(self) -> None:
        """Start it, or start it again with what it had; returns when it answers MQTT. Nothing when it
        runs."""
        if self._process is not None:
            return
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(_PROGRAM), "-c", str(self.folder / "mosquitto.conf")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._poll(self._answers, _START_SECONDS)

    def stop(self) -> None:
        """As an operator does (SIGTERM): it writes down its sessions, and is gone when this returns."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As kill -9 does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Bring it up again, however it ended; in order, when it runs."""
        self.stop()
        self.start()

    def suspend(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self.resume()  # or it would not hear of the other signal
        process, self._process = self._process, None
        process.send_signal(number)
        process.wait(_END_SECONDS)

    def _answers(self) -> bool:
        """With a CONNACK, whether or not it lets in somebody without a name."""
        try:
            with socket.create_connection((self.host, self.port), timeout=2) as probe:
                probe.sendall(_CONNECT)
                return probe.recv(1) == _CONNACK
        except OSError:
            return False

    def _poll(self, holds: Callable[[], bool], within_seconds: float) -> None:
        deadline = time.monotonic() + within_seconds
        while not holds():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Mosquitto does not start: {self._words()}")
            time.sleep(_POLL_SECONDS)

    def _words(self) -> str:
        files = (self.folder / "output", self.log_file)
        return "".join(path.read_text()[-1_000:] for path in files if path.exists())


def need_mosquitto() -> None:
    """Skip the test where Mosquitto or its clients are not installed (in CI: fail it)."""
    if not _PROGRAM.exists() or shutil.which("mosquitto_sub") is None:
        missing("Mosquitto", "apt-get install mosquitto mosquitto-clients")


def plugin(name: str) -> Path:
    """Where one of Mosquitto's own plugins lies, as DYNAMIC_SECURITY."""
    found = [path for folder in _PLUGIN_FOLDERS for path in Path(folder).glob(f"**/{name}")]
    if not found:
        missing(name, "apt-get install mosquitto")
    return found[0]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoServer]:
    """A running, empty server that lets everybody in. It starts in some milliseconds: a test that wants it
    otherwise makes a MosquittoServer of its own, and closes it."""
    server = MosquittoServer(tmp_path / "mosquitto")
    try:
        server.start()
        yield server
    finally:
        server.close()
