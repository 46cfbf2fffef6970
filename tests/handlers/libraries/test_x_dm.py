"""X direct messages, against the libraries that talk to X: tweepy, requests-oauthlib and oauthlib."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import tweepy  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.common import Request
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1
from oauthlib.oauth1.rfc5849.signature import verify_hmac_sha1
from requests_oauthlib import OAuth1

from handlers.providers.x_dm.oauth import Keys, authorization
from tests.handlers.cases.x_dm_accounts import CONSUMER_KEY, CONSUMER_SECRET, TO, TOKEN, TOKEN_SECRET
from tests.handlers.cases.x_dm_sends import SENDS
from tests.handlers.fake_http import FakeHttp
from tests.handlers.rows import seen
from tests.handlers.tables import TABLES, build

KEYS = Keys(CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET)
URLS = (
    "https://api.x.com/2/dm_conversations/with/4242/messages",
    "https://API.X.com:443/2/users/me?user.fields=id,name",
    "http://127.0.0.1:8099/2/media/upload",
    "https://ton.twitter.com/1.1/ton/data/dm/1/2/a%20b.jpg?name=a+b&name=%C3%A9&empty=&tilde=~",
    "https://x.com",
)


def proved(method: str, url: str, header: str, keys: Keys = KEYS) -> bool:
    """Whether oauthlib, as the server, takes the signature."""
    fields = dict(part.split("=", 1) for part in header.removeprefix("OAuth ").split(", "))
    read = {name: unquote(value.strip('"')) for name, value in fields.items()}
    request: Any = Request(url, method)  # type: ignore[arg-type]
    request.signature = read.pop("oauth_signature")
    request.params = [*read.items(), *parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    return bool(verify_hmac_sha1(request, keys.consumer_secret, keys.token_secret))


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_oauthlib_takes_our_signatures_and_only_for_what_was_signed(method: str, url: str) -> None:
    header = authorization(KEYS, method, url)
    assert proved(method, url, header)
    assert not proved("PUT", url, header)
    assert not proved(method, url + "/more", header)
    assert not proved(method, url, header, Keys("", "another secret", "", TOKEN_SECRET))


@given(secret=st.text(min_size=1), token=st.text(min_size=1), value=st.text())
def test_oauthlib_takes_our_signatures_whatever_letters_are_in_them(
    secret: str, token: str, value: str
) -> None:
    keys = Keys("key", secret, "token", token)
    url = requests.Request("GET", "https://api.x.com/2/x", params={"q": value}).prepare().url
    assert url is not None
    assert proved("GET", url, authorization(keys, "GET", url), keys)


@pytest.mark.parametrize("url", URLS)
def test_requests_oauthlib_makes_the_same_header(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.providers.x_dm.oauth.secrets.token_hex", lambda _: "nonce")
    monkeypatch.setattr("handlers.providers.x_dm.oauth.time.time", lambda: 1_795_341_600.9)
    signer = OAuth1(
        CONSUMER_KEY,
        CONSUMER_SECRET,
        TOKEN,
        TOKEN_SECRET,
        signature_method=SIGNATURE_HMAC_SHA1,
        nonce="nonce",
        timestamp="1795341600",
    )
    theirs = requests.Request("POST", url, json={"text": "Hello"}, auth=signer).prepare()
    header = theirs.headers["Authorization"]
    told = header.decode() if isinstance(header, bytes) else header
    ours = authorization(KEYS, "POST", url)
    assert sorted(ours.removeprefix("OAuth ").split(", ")) == sorted(told.removeprefix("OAuth ").split(", "))


@pytest.mark.parametrize(
    ("row", "given"),
    [
        ("a text", {"text": "Hello"}),
        ("an image by id, with a caption", {"text": "This?", "media_id": "555"}),
    ],
)
async def test_tweepy_sends_the_same_request(row: str, given: dict[str, str]) -> None:
    asked: list[Any] = []

    class Session(requests.Session):
        def request(self, method: Any, url: Any, **more: Any) -> requests.Response:  # type: ignore[override]
            asked.append((str(method), url, more["json"]))
            response = requests.Response()
            response.status_code, response._content = 201, b'{"data":{"dm_event_id":"1"}}'
            return response

    client = tweepy.Client(None, CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET)
    client.session = Session()
    client.create_direct_message(participant_id=TO.id, **given)

    http = FakeHttp(*next(send.answers for send in SENDS if send.name == row))
    table = next(table for table in TABLES if table.provider == "x_dm")
    await build(table).send(next(send.submission for send in SENDS if send.name == row), http.transports)
    ours = seen(http.requests[0])
    assert [(ours.method, ours.url.replace("x.example", "api.twitter.com"), ours.body)] == asked
