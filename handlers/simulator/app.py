"""The simulator as a web application: three providers' APIs and the control API on one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from aiohttp import web

from gateway.errors import ConfigurationError, Problem
from handlers.simulator.callbacks import Courier, Patience
from handlers.simulator.config import CustomHttpAccount, SimulatorConfig, TelegramAccount, WhatsAppAccount
from handlers.simulator.control import Control
from handlers.simulator.custom_http import CustomHttp, Sender
from handlers.simulator.desk import Desk, Manners
from handlers.simulator.ledger import Ledger
from handlers.simulator.people import Everybody, unknown_cases
from handlers.simulator.plan import Habits
from handlers.simulator.rules import Rulebook
from handlers.simulator.telegram import Telegram
from handlers.simulator.telegram_bot import Bot
from handlers.simulator.whatsapp_cloud import Number, WhatsAppCloud

MAX_BODY_BYTES = 4 * 1_048_576
BACKLOG = 1_024
# How long requests under way may take to finish when the simulator stops.
GRACE_SECONDS = 2.0

log = structlog.get_logger(__name__)


def build(config: SimulatorConfig) -> web.Application:
    """The application. Raises ConfigurationError for rules that no account could follow."""
    unknown = unknown_cases(config.rules, config.accounts)
    if unknown:
        raise ConfigurationError([Problem("simulator", what) for what in unknown])
    ledger = Ledger(config.ledger_entries)
    rulebook = Rulebook(config.rules)
    courier = Courier(_patience(config), ledger)
    desk = Desk(_manners(config), rulebook, ledger, courier)
    numbers, bots, senders = _sort(config)
    cloud = WhatsAppCloud(numbers, desk, courier)
    telegram = Telegram(bots, desk)
    people = Everybody(config.accounts, numbers, senders, cloud, telegram)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes(cloud.routes())
    app.add_routes(telegram.routes())
    app.add_routes(CustomHttp(senders, desk).routes())
    app.add_routes(Control(ledger, rulebook, courier, people).routes())

    async def life(_: web.Application) -> AsyncIterator[None]:
        await courier.start()
        yield
        await courier.stop()

    async def let_go(_: web.Application) -> None:
        desk.close()

    app.cleanup_ctx.append(life)
    app.on_shutdown.append(let_go)
    return app


async def serve(
    config: SimulatorConfig, host: str, port: int, ready: Callable[[int], None] | None = None
) -> None:
    """Run until cancelled. Port 0 takes a free one; `ready` is told which, once it listens."""
    # No access log: Telegram's token is part of the URL.
    runner = web.AppRunner(build(config), access_log=None, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        port = runner.addresses[0][1]
        log.info("simulator.started", host=host, port=port, accounts=len(config.accounts))
        if ready is not None:
            ready(port)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        log.info("simulator.stopped")


def _patience(config: SimulatorConfig) -> Patience:
    return Patience(
        first_wait_seconds=config.callback_first_wait_seconds,
        longest_wait_seconds=config.callback_longest_wait_seconds,
        give_up_seconds=config.callback_give_up_seconds,
        timeout_seconds=config.callback_timeout_seconds,
        at_once=config.callbacks_at_once,
    )


def _manners(config: SimulatorConfig) -> Manners:
    return Manners(
        habits=Habits(config.receipt_delay_seconds, config.read_share),
        reply_share=config.reply_share,
        seed=config.seed,
        bare=config.bare,
        latency_seconds=config.latency_seconds,
    )


def _sort(config: SimulatorConfig) -> tuple[list[Number], list[Bot], list[Sender]]:
    """The accounts by provider, each with the way of its callbacks."""
    numbers: list[Number] = []
    bots: list[Bot] = []
    senders: list[Sender] = []
    for account in config.accounts:
        url = config.callback_url(account.account)
        if isinstance(account, WhatsAppAccount):
            numbers.append(Number(account, url, config.batch_statuses))
        elif isinstance(account, TelegramAccount):
            bots.append(Bot(account, url))
        elif isinstance(account, CustomHttpAccount):
            senders.append(Sender(account, url))
    return numbers, bots, senders
