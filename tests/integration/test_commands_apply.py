"""What `imgw apply` leaves as it is: secrets that the API has made."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.store.catalog import CatalogueStore
from gateway.store.connect import Database
from gateway.store.secrets import SecretBox
from tests.integration.shell import Operator

KEY = SecretBox.new_key()
CHAT = "app_id: chat\nname: The shop's app\n"
SECRET = "s3cret-that-signs-the-tokens-of-clients"
OTHER = "an-0ther-secret-of-thirty-two-characters"


def stored(operator: Operator, *made: str) -> dict[str, Any]:
    """The application in the store; before that, the API makes these secrets for it."""

    async def look() -> dict[str, Any]:
        database = Database(operator.url, operator.database)
        store = CatalogueStore(database, SecretBox(SecretStr(KEY)))
        try:
            found = await store.application("chat")
            assert found is not None
            if made:
                changed = {**found[0], "secrets": [SecretStr(each) for each in made]}
                assert await store.put_application(changed, expected=found[1])
            return (await store.load()).applications["chat"]
        finally:
            await database.close()

    return asyncio.run(look())


@pytest.mark.parametrize("options", [(), ("--prune",)])
def test_secrets_that_the_api_made_stay_until_the_files_have_some(
    operator: Operator, options: tuple[str, ...]
) -> None:
    def apply(text: str) -> None:
        files = operator.write({"applications/chat.yaml": text})
        operator.imgw("apply", files, *options, variables={"IMGW_SECRETS__KEY": KEY, "OTHER": OTHER})

    document = {"app_id": "chat", "name": "The shop's app"}
    apply(CHAT)
    assert stored(operator, SECRET) == {**document, "secrets": [SECRET]}
    apply(CHAT + "enabled: false\n")
    assert stored(operator) == {**document, "enabled": False, "secrets": [SECRET]}
    apply(CHAT + "secrets: ['${env:OTHER}']\n")
    assert stored(operator) == {**document, "secrets": [OTHER]}
    apply(CHAT + "secrets: []\n")
    assert stored(operator) == {**document, "secrets": []}
