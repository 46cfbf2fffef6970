"""`imgw provider test`: does the provider take an account's credentials?"""

from __future__ import annotations

from gateway.errors import ProviderError
from gateway.settings import Settings
from gateway.store.catalog import CatalogueStore
from gateway.store.connect import Database
from gateway.store.tokens import SharedTokens
from handlers.contract import Handler
from handlers.registry import Registry
from processors.commands.session import command_settings, harmless, out, run
from processors.servers import open_database, secret_box
from processors.ways_out import WaysOut


def test(account: str) -> bool:
    """Say what the provider said; whether that was not a failure."""
    return run(_test(account))


async def _test(account: str) -> bool:
    settings = command_settings()
    async with open_database(settings) as database:
        handler = await _handler(settings, database, account)
        if handler is None:
            out.print(harmless(f"the store has no account {account}"))
            return False
        ways_out = WaysOut(settings, SharedTokens(database, secret_box(settings)), "provider-test")
        await ways_out.start()
        try:
            said = await handler.check(ways_out.all)
        except ProviderError as error:
            words = f": {error.text}" if error.text else ""
            out.print(harmless(f"{account}: {error.reason} (provider code {error.code}){words}"))
            return False
        finally:
            await ways_out.close()
    out.print(harmless(f"{account}: {said or 'this provider has no harmless call'}"))
    return True


async def _handler(settings: Settings, database: Database, account: str) -> Handler | None:
    """The account's handler, as a daemon would make it. Raises ConfigurationError for one that is wrong."""
    stored = await CatalogueStore(database, secret_box(settings)).load()
    document = stored.accounts.get(account)
    if document is None:
        return None
    registry = Registry.discover()
    return registry.handler(registry.account(document, f"account {account}"))
