"""A gateway for fault tests: its processes, and the simulator and the proxies around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from gateway.ports import free_ports
from processors.demo.playground import OwnProcess, demo_environment
from tests.e2e.harness import imgw
from tests.faults.configuration import MAX_IN_FLIGHT, write_configuration
from tests.faults.fates import ALL_ACCOUNTS
from tests.faults.meter import Meter
from tests.faults.proxy import Proxy
from tests.faults.scale import Scale
from tests.faults.traffic import FORBIDDEN_TEXT
from tests.logs import Evidence
from tests.waiting import eventually

WORKERS = 50


@dataclass
class Installation:
    """Its processes live as long as it does; `open` is for the time of one test.

    `daemons` gives each process's name and role. Providers are reached through `provider_proxy`. Where there
    are several web daemons, callbacks go to all of them in turn through `web_proxy`.
    """

    folder: Path
    environment: Mapping[str, str]
    daemons: Mapping[str, str]
    processes: dict[str, OwnProcess]
    admin_ports: Mapping[str, int]
    web_ports: tuple[int, ...]
    provider_proxy: Proxy
    web_proxy: Proxy | None
    http: aiohttp.ClientSession | None = None
    runs: int = 0
    applied: bool = False

    @property
    def simulator_url(self) -> str:
        return self.environment["IMGW_DEMO_PROVIDER_URL"]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Make it usable from this event loop: proxies listening, daemons configured and ready."""
        async with AsyncExitStack() as stack:
            timeout = aiohttp.ClientTimeout(total=10)
            self.http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            await stack.enter_async_context(self.provider_proxy)
            if self.web_proxy is not None:
                await stack.enter_async_context(self.web_proxy)
            simulator = self.processes["simulator"]
            await simulator.until_answering(self.http, f"{self.simulator_url}/simulator/summary")
            await self.until_ready()
            if not self.applied:
                await self._apply()
            yield

    async def until_ready(self, names: Iterable[str] | None = None) -> None:
        assert self.http is not None
        for name in self.daemons if names is None else names:
            await self.processes[name].until_answering(self.http, self._admin(name, "readyz"))

    async def trouble(self, name: str) -> list[str]:
        """What a daemon's readiness says is wrong; nothing when it is ready."""
        assert self.http is not None
        async with self.http.get(self._admin(name, "readyz")) as response:
            return [] if response.status == 200 else sorted((await response.json())["checks"])

    async def command(self, *arguments: str) -> str:
        """Run an imgw command beside the daemons; its output. Fails when it fails."""
        return await asyncio.to_thread(imgw, self.environment, *arguments)

    async def kill(self, *names: str) -> list[int]:
        """As kill -9 does, all at once; their process ids."""
        processes = [self.processes[name] for name in names]
        await asyncio.gather(*(asyncio.to_thread(process.kill) for process in processes))
        return [process.pid for process in processes]

    async def stop(self, *names: str) -> dict[str, int]:
        """SIGTERM, all at once; their exit codes."""
        stops = [asyncio.to_thread(self.processes[name].stop) for name in names]
        return dict(zip(names, await asyncio.gather(*stops), strict=True))

    def start(self, *names: str) -> None:
        for name in names:
            self.processes[name].start()

    @property
    def most_in_flight(self) -> int:
        """How many sends can be under way at once, as far as the accounts' limits allow."""
        senders = {"mt": 1, "retry": 1, "all": 1}
        return sum(senders.get(role, 0) for role in self.daemons.values()) * len(ALL_ACCOUNTS) * MAX_IN_FLIGHT

    def meters(self) -> dict[str, Meter]:
        """A meter for each daemon, running from now on."""
        return {name: Meter(self.processes[name].pid, self.processes[name].log) for name in self.daemons}

    async def _apply(self) -> None:
        await self.command("apply", str(self.folder / "config"))
        await eventually(self._followed, within_seconds=30)
        self.applied = True

    async def _followed(self) -> bool:
        assert self.http is not None
        for name in self.daemons:
            async with self.http.get(self._admin(name, "metrics")) as response:
                if "imgw_catalogue_version 1.0" not in await response.text():
                    return False
        return True

    def _admin(self, name: str, page: str) -> str:
        return f"http://127.0.0.1:{self.admin_ports[name]}/{page}"


@contextmanager
def installed(
    folder: Path,
    evidence: Evidence,
    daemons: Mapping[str, str],
    settings: Mapping[str, str],
    scale: Scale,
) -> Iterator[Installation]:
    """Start everything; it is stopped in order at the end."""
    folder.mkdir(parents=True)
    simulator_file = write_configuration(folder / "config")
    environment = demo_environment(folder / "data")
    ports = _further_ports(2 * len(daemons) + 1, environment)
    own: dict[str, dict[str, str]] = {}
    for name in daemons:
        own[name] = {"IMGW_WEB__PORT": str(next(ports)), "IMGW_ADMIN__PORT": str(next(ports))}
    webs = [int(own[name]["IMGW_WEB__PORT"]) for name, role in daemons.items() if role in ("web", "all")]
    gateway_port = _port(environment["IMGW_DEMO_GATEWAY_URL"]) if len(webs) > 1 else webs[0]
    provider_port = next(ports)
    environment |= {
        "IMGW_LOG__LEVEL": "info",
        "IMGW_LOG__FORMAT": "json",
        "IMGW_PROCESSOR__WORKERS": str(WORKERS),
        "IMGW_CATALOGUE__POLL_SECONDS": "1",
        "IMGW_STORE__TIMEOUT_SECONDS": str(scale.store_timeout_seconds),
        "IMGW_DEMO_GATEWAY_URL": f"http://127.0.0.1:{gateway_port}",
        "IMGW_DEMO_PROXY_URL": f"http://127.0.0.1:{provider_port}",
        "IMGW_DEMO_HASTY_SECRET": "the-hasty-account-s-secret",
        "IMGW_DEMO_HASTY_CALLBACK_SECRET": "the-hasty-account-s-callback-secret",
        **settings,
    }
    evidence.add_secrets(environment)
    evidence.forbidden[FORBIDDEN_TEXT] = "the text of a message of the fault tests"
    simulator_port = _port(environment["IMGW_DEMO_PROVIDER_URL"])
    simulate = ["simulate", str(simulator_file), "--port", str(simulator_port)]
    with ExitStack() as stack:
        processes = {
            "simulator": stack.enter_context(
                OwnProcess(simulate, environment, evidence.log_file("faults-simulator"))
            )
        }
        for name, role in daemons.items():
            log = evidence.log_file(f"faults-{name}")
            processes[name] = stack.enter_context(
                OwnProcess(["run", role], {**environment, **own[name]}, log)
            )
        stack.callback(_stop_at_once, {name: processes[name] for name in daemons})
        yield Installation(
            folder=folder,
            environment=environment,
            daemons=daemons,
            processes=processes,
            admin_ports={name: int(own[name]["IMGW_ADMIN__PORT"]) for name in daemons},
            web_ports=tuple(webs),
            provider_proxy=Proxy(provider_port, [simulator_port]),
            web_proxy=Proxy(gateway_port, webs) if len(webs) > 1 else None,
        )


def _stop_at_once(processes: Mapping[str, OwnProcess]) -> None:
    """In order each, but not one after the other: ten times a few seconds would add up."""
    with ThreadPoolExecutor(len(processes)) as stopping:
        exit_codes = dict(zip(processes, stopping.map(OwnProcess.stop, processes.values()), strict=True))
    assert exit_codes == dict.fromkeys(processes, 0)


def _further_ports(count: int, environment: Mapping[str, str]) -> Iterator[int]:
    """Free ports that the environment does not name already."""
    taken = {value for name, value in environment.items() if name.endswith("_PORT")}
    taken |= {value.rpartition(":")[2] for name, value in environment.items() if name.endswith("_URL")}
    return iter([port for port in free_ports(count + len(taken)) if str(port) not in taken])


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
