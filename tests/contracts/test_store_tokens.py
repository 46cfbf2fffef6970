"""Access tokens in the store: fetched by one, used by all, sealed, and never taken from each other."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import bson
import pytest
from pydantic import SecretStr

import gateway.store.tokens
from gateway.errors import ConfigurationError, FailureKind, ProviderError
from gateway.model.base import now
from gateway.store.secrets import SecretBox
from gateway.store.tokens import COLLECTION, SharedTokens
from gateway.transports.port import Token
from tests.contracts.store_world import Store

pytestmark = pytest.mark.mongodb

KEY = SecretBox.new_key()
HOUR = timedelta(hours=1)


class Provider:
    """Gives a token of its own to whoever asks; each takes a moment."""

    def __init__(self, *, lasting: timedelta = HOUR) -> None:
        self.given = 0
        self.asked_at = now()
        self.lasting = lasting
        self.trouble: Exception | None = None

    async def fetch(self) -> Token:
        self.asked_at = now()
        await asyncio.sleep(0.05)
        if self.trouble is not None:
            raise self.trouble
        self.given += 1
        return Token(f"t0ken-{self.given}", now() + self.lasting)


def process(store: Store, key: str = KEY) -> SharedTokens:
    """The tokens as one process has them."""
    return SharedTokens(store.database, SecretBox(SecretStr(key)))


async def leased(store: Store, name: str, lasting: timedelta) -> datetime:
    """Another process is fetching, until then, and will not come back."""
    until = now() + lasting
    await store.database.db[COLLECTION].insert_one({"_id": name, "rev": 0, "leased_until": until})
    return until


async def test_of_fifty_callers_in_two_processes_one_fetches(store: Store) -> None:
    provider, processes = Provider(), [process(store), process(store)]
    calls = [each.get("acme", provider.fetch) for _ in range(25) for each in processes]
    assert (await asyncio.gather(*calls), provider.given) == (["t0ken-1"] * 50, 1)


async def test_each_name_has_a_token_of_its_own(store: Store) -> None:
    provider, tokens = Provider(), process(store)
    found = [await tokens.get(name, provider.fetch) for name in ("acme", "acme media", "acme")]
    assert found == ["t0ken-1", "t0ken-2", "t0ken-1"]


async def test_a_token_that_the_provider_refuses_is_fetched_anew_once_for_all(store: Store) -> None:
    provider, processes = Provider(), [process(store), process(store)]
    await asyncio.gather(*(each.get("acme", provider.fetch) for each in processes))
    calls = [each.get("acme", provider.fetch, refused="t0ken-1") for _ in range(25) for each in processes]
    assert (await asyncio.gather(*calls), provider.given) == (["t0ken-2"] * 50, 2)
    # Whoever hears of the first token's end only now gets what there is.
    late = process(store)
    assert await late.get("acme", provider.fetch, refused="t0ken-1") == "t0ken-2"
    assert await processes[0].get("acme", provider.fetch) == "t0ken-2"


@pytest.mark.parametrize(("lasting", "found"), [(50, "t0ken-2"), (70, "t0ken-1")])
async def test_a_token_is_not_used_in_its_last_minute(store: Store, lasting: float, found: str) -> None:
    provider, tokens = Provider(lasting=timedelta(seconds=lasting)), process(store)
    assert await tokens.get("acme", provider.fetch) == "t0ken-1"
    assert await tokens.get("acme", provider.fetch) == found
    assert await process(store).get("acme", provider.fetch) == ("t0ken-1" if lasting > 60 else "t0ken-3")


async def test_a_fetch_that_fails_is_told_to_its_caller_and_the_next_one_may_try(store: Store) -> None:
    provider, processes = Provider(), [process(store), process(store)]
    provider.trouble = ProviderError(FailureKind.AUTH, reason="account_credentials", code="7")
    for each in processes:
        with pytest.raises(ProviderError) as caught:
            await asyncio.wait_for(each.get("acme", provider.fetch), 5)
        assert caught.value is provider.trouble
    provider.trouble = None
    assert await asyncio.wait_for(processes[0].get("acme", provider.fetch), 5) == "t0ken-1"


async def test_who_waits_for_a_fetch_that_is_given_up_fetches_itself(store: Store) -> None:
    provider, entered = Provider(), asyncio.Event()

    async def endless() -> Token:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody ends it")

    first = asyncio.create_task(process(store).get("acme", endless))
    await entered.wait()
    second = asyncio.create_task(process(store).get("acme", provider.fetch))
    await asyncio.sleep(0.2)
    assert (second.done(), provider.given) == (False, 0)
    first.cancel()
    assert await asyncio.wait_for(second, 5) == "t0ken-1"


async def test_who_dies_while_fetching_is_waited_for_only_as_long_as_its_lease(store: Store) -> None:
    provider = Provider()
    until = await leased(store, "acme", timedelta(seconds=0.5))
    assert await asyncio.wait_for(process(store).get("acme", provider.fetch), 5) == "t0ken-1"
    assert provider.asked_at >= until


async def test_whoever_takes_too_long_is_not_waited_for_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.store.tokens, "_LONGEST_WAIT_SECONDS", 0.3)
    provider = Provider()
    await leased(store, "acme", HOUR)
    with pytest.raises(ProviderError) as caught:
        await process(store).get("acme", provider.fetch)
    error = caught.value
    assert (error.kind, error.reason, error.code, provider.given) == (
        FailureKind.TRANSIENT,
        "provider_unavailable",
        "no_token",
        0,
    )


async def test_who_outstays_its_lease_does_not_replace_what_another_has_fetched_since(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.store.tokens, "_LEASE", timedelta(seconds=0.2))
    provider, entered, ended = Provider(), asyncio.Event(), asyncio.Event()

    async def slow() -> Token:
        entered.set()
        await ended.wait()
        return Token("t0ken-of-the-slow-one", now() + HOUR)

    first = asyncio.create_task(process(store).get("acme", slow))
    await entered.wait()
    assert await asyncio.wait_for(process(store).get("acme", provider.fetch), 5) == "t0ken-1"
    ended.set()
    assert await first == "t0ken-of-the-slow-one"
    assert await process(store).get("acme", provider.fetch) == "t0ken-1"


async def test_a_token_is_sealed_in_the_store_and_opens_with_its_key_only(store: Store) -> None:
    provider = Provider()
    await process(store).get("acme", provider.fetch)
    [document] = await store.database.db[COLLECTION].find().to_list(None)
    assert b"t0ken" not in bson.encode(document)
    assert document.keys() == {"_id", "rev", "value", "expires_at"}
    assert "t0ken" not in repr(Token("t0ken-1", now()))
    with pytest.raises(ConfigurationError):
        await process(store, SecretBox.new_key()).get("acme", provider.fetch)
