"""The web page of the in-app channel as a person has it: its library from the lock file, a static server, and
windows of a real Chromium."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, async_playwright

from tests.integration.rtm_world import API_KEY, APP, RtmWorld, open_world
from tests.logs import Evidence
from tests.servers.mongod import MongoServer
from tests.servers.mosquitto import MosquittoServer
from tests.servers.need import chromium, missing
from tests.waiting import eventually

CLIENTS = Path(__file__).parents[2] / "deploy" / "clients"

WIDE: ViewportSize = {"width": 860, "height": 480}
NARROW: ViewportSize = {"width": 390, "height": 700}

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_WITHIN_MS = 15_000
_TURN = """visibility => {
  Object.defineProperty(document, "visibilityState", { value: visibility, configurable: true });
  Object.defineProperty(document, "hidden", { value: visibility === "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the library that it loads, as the README says to get it."""
    if shutil.which("npm") is None:
        missing("npm", "apt-get install npm")
    folder = tmp_path_factory.mktemp("page") / "web"
    shutil.copytree(CLIENTS / "web", folder, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        missing("the page's library", f"npm ci in deploy/clients/web must work: {done.stderr[-500:]}")
    return folder


@dataclass
class Window:
    """The page in a window of its own, as a person sees and uses it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def message(self, text: str) -> Locator:
        return self.page.locator("#messages li").filter(has=self.page.get_by_text(text, exact=True))

    async def until_message(self, text: str) -> None:
        await self.message(text).wait_for(timeout=_WITHIN_MS)

    async def until_mark(self, text: str, mark: str) -> None:
        """Wait until the message has this mark, in these words."""
        marks = self.message(text).locator("[data-mark]", has_text=mark)
        await marks.wait_for(timeout=_WITHIN_MS)

    async def until_said(self, words: str) -> None:
        await self.page.get_by_text(words, exact=True).wait_for(timeout=_WITHIN_MS)

    async def texts(self) -> list[str]:
        """Of the messages that are shown, in their order."""
        return await self.page.locator("#messages li .text").all_inner_texts()

    async def turn(self, visibility: Literal["visible", "hidden"]) -> None:
        """As when another tab covers the page: a headless browser shows every page at all times."""
        await self.page.evaluate(_TURN, visibility)

    async def connected(self) -> None:
        await self.page.locator('#state[data-state="connected"]').wait_for(timeout=_WITHIN_MS)

    async def write(self, text: str) -> None:
        await self.page.get_by_label("Message", exact=True).fill(text)
        await self.page.keyboard.press("Enter")

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click(timeout=_WITHIN_MS)

    async def open_thread(self, title: str) -> None:
        await self.page.get_by_role("navigation").get_by_role("button", name=title).click(timeout=_WITHIN_MS)


@dataclass
class PageSite:
    """Where the page is, and the browser."""

    url: str
    world: RtmWorld
    browser: Browser
    windows: list[Window] = field(default_factory=list)

    async def link(self, user_id: str, device_id: str) -> str:
        """The page's address with a pass, as get_pass.py makes it."""
        return (await self.get_pass(user_id, device_id, "--page", self.url)).strip()

    async def get_pass(self, user_id: str, device_id: str, *more: str) -> str:
        command = [sys.executable, str(CLIENTS / "get_pass.py"), *arguments(self.world, user_id, device_id)]
        process = await asyncio.create_subprocess_exec(*command, *more, stdout=subprocess.PIPE)
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said.decode()

    async def window(self, viewport: ViewportSize = WIDE) -> Window:
        """A window of another person, with a memory of its own."""
        return await self._window_in(await self.browser.new_context(viewport=viewport))

    async def another(self, first: Window, user_id: str, device_id: str) -> Window:
        """Another window of the same browser, in which this device is connected."""
        window = await self._window_in(first.page.context)
        await window.page.goto(await self.link(user_id, device_id))
        await window.connected()
        return window

    async def _window_in(self, context: BrowserContext) -> Window:
        window = Window(await context.new_page())
        window.page.on("pageerror", lambda error: window.errors.append(str(error)))
        self.windows.append(window)
        return window

    async def chatting(self, user_id: str, device_id: str, viewport: ViewportSize = WIDE) -> Window:
        """A window in which this device is connected."""
        window = await self.window(viewport)
        await window.page.goto(await self.link(user_id, device_id))
        await window.connected()
        return window


def arguments(world: RtmWorld, user_id: str, device_id: str) -> list[str]:
    """What the clients need to know."""
    who = ["--app", APP, "--user", user_id, "--device", device_id]
    return [*who, "--gateway", world.url, "--key", API_KEY]


async def only_mo(world: RtmWorld) -> dict[str, Any]:
    """The one MO that the platform has got, once it is there."""

    async def there() -> bool:
        return bool(world.mo)

    await eventually(there)
    (mo,) = world.mo
    return mo


@asynccontextmanager
async def open_page(world: RtmWorld, folder: Path) -> AsyncIterator[PageSite]:
    """The page, served, and a browser; no window may have had an error by the end."""
    program = chromium()
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=_FLAGS)
            opened = PageSite(f"http://127.0.0.1:{runner.addresses[0][1]}/index.html", world, browser)
            yield opened
            assert [window.errors for window in opened.windows if window.errors] == []
            await browser.close()
    finally:
        await runner.cleanup()


@pytest.fixture
def mosquitto_for_browsers(tmp_path: Path) -> Iterator[MosquittoServer]:
    server = MosquittoServer(tmp_path / "mosquitto", websockets=True)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def protocol() -> str:
    """The version of MQTT; a test may name another."""
    return "5"


@pytest.fixture
async def world(
    tmp_path: Path,
    evidence: Evidence,
    mosquitto_for_browsers: MosquittoServer,
    mongod: MongoServer,
    database_name: str,
    protocol: str,
) -> AsyncIterator[RtmWorld]:
    reached = {"public_websocket_url": mosquitto_for_browsers.websocket_url, "protocol": protocol}
    async with open_world(
        tmp_path,
        evidence,
        mosquitto_for_browsers,
        mongod,
        database_name,
        parameters=reached,
        device_sync=True,
    ) as world:
        yield world


@pytest.fixture
async def site(world: RtmWorld, page_folder: Path) -> AsyncIterator[PageSite]:
    async with open_page(world, page_folder) as site:
        yield site
