"""What the table of apple_messages cannot show: how files are closed and opened, fetched, and the check."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.errors import ConfigurationError, FailureKind, MessageRefused, Problem, ProviderError
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.providers.apple_messages.attachments import attachment_of, ciphered, fresh_key
from tests.handlers.cases.apple_messages import FILE_ID, FILE_KEY, TABLE
from tests.handlers.cases.apple_messages_accounts import ACCOUNT, TAKEN, asked, read
from tests.handlers.cases.apple_messages_failures import PICTURE, PLACE, UPLOADED
from tests.handlers.cases.apple_messages_sends import SENDS
from tests.handlers.fake_http import Answer, FakeHttp
from tests.handlers.rows import answer
from tests.handlers.tables import REGISTRY, build

DOWNLOAD = answer({"download-url": "https://download.example/2?sign=y"})


def keystream(key: bytes, blocks: int) -> bytes:
    """Counter mode from zero, by its definition (NIST SP 800-38A, section 6.5)."""
    counters = b"".join(number.to_bytes(16, "big") for number in range(blocks))
    return Cipher(algorithms.AES256(key), modes.ECB()).encryptor().update(counters)  # noqa: S305


def test_a_file_is_closed_and_opened_in_counter_mode_from_zero() -> None:
    key, plain = fresh_key(), bytes(range(40))
    stream = keystream(bytes.fromhex(key.removeprefix("00")), 3)
    closed = ciphered(key, plain)
    assert closed == bytes(one ^ other for one, other in zip(plain, stream, strict=False))
    assert ciphered(key, closed) == plain


def test_every_file_has_a_key_of_its_own() -> None:
    keys = {fresh_key() for _ in range(50)}
    assert len(keys) == 50
    assert {(len(key), key[:2]) for key in keys} == {(66, "00")}


async def test_the_key_in_a_message_opens_the_file_that_was_uploaded() -> None:
    row = next(row for row in SENDS if row.name == "a file: image")
    http = FakeHttp(PICTURE, PLACE, UPLOADED, TAKEN)
    await build(TABLE).send(row.submission, http.transports)
    file = json.loads(gzip.decompress(http.requests[3].body))["attachments"][0]
    assert http.requests[2].body != b"picture"
    assert ciphered(file["key"], http.requests[2].body) == b"picture"


def fetched(media_id: str, *answers: Answer) -> tuple[HttpRequest | None, FakeHttp]:
    http = FakeHttp(*answers)
    return asyncio.run(build(TABLE).media(media_id, http.transports)), http


def test_a_file_is_fetched_from_where_apple_says() -> None:
    request, http = fetched(FILE_ID, DOWNLOAD)
    assert request == HttpRequest("GET", "https://download.example/2?sign=y")
    assert request.opened is not None
    closed = ciphered(FILE_KEY, b"a picture")
    assert request.opened(closed[:2]) + request.opened(closed[2:]) == b"a picture"
    assert [read(each) for each in http.requests] == [
        asked(
            "preDownload",
            mmcs_url="https://mmcs.example/2",
            mmcs_owner="owner-2",
            mmcs_signature="ARavfA==",
        )
    ]
    assert attachment_of(FILE_ID).key == FILE_KEY


@pytest.mark.parametrize(
    "wrong", ["", "4711", "é", "\udcff", base64.urlsafe_b64encode(b'{"url":"https://x"}').decode()]
)
def test_an_id_that_is_none_of_ours_names_no_file(wrong: str) -> None:
    with pytest.raises(ProviderError) as error:
        fetched(wrong)
    assert (error.value.kind, error.value.reason) == (FailureKind.PERMANENT, "media_unreachable")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (HttpResponse(401), FailureKind.AUTH),
        (HttpResponse(404), FailureKind.PERMANENT),
        (answer({"url": "https://x"}), FailureKind.UNCERTAIN),
    ],
)
def test_a_file_that_apple_does_not_give_is_an_error(told: HttpResponse, kind: FailureKind) -> None:
    with pytest.raises(ProviderError) as error:
        fetched(FILE_ID, told)
    assert error.value.kind is kind


def test_the_check_asks_for_a_place_and_puts_nothing_there() -> None:
    http = FakeHttp(PLACE)
    said = asyncio.run(build(TABLE).check(http.transports))
    assert said == "business urn:biz:0a1b2c3d-0000-4000-8000-000000000001"
    assert [read(each) for each in http.requests] == [asked("preUpload", mmcs_size="1")]


def test_a_message_that_is_refused_uploads_nothing() -> None:
    row = next(row for row in SENDS if row.name == "a file by id")
    http = FakeHttp()
    with pytest.raises(MessageRefused):
        asyncio.run(build(TABLE).send(row.submission, http.transports))
    assert http.requests == []


@pytest.mark.parametrize("wrong", ["not base64!", "YQ=", "YQ==YQ=="])
def test_a_secret_that_is_not_in_base64_is_refused_by_name(wrong: str) -> None:
    for section in ("credentials", "callback"):
        raw: dict[str, Any] = {**ACCOUNT, section: {**ACCOUNT[section], "secret": wrong}}  # type: ignore[dict-item]
        with pytest.raises(ConfigurationError) as error:
            REGISTRY.account(raw, "a.yaml")
        assert error.value.problems == (Problem(f"a.yaml: {section}.secret", "is not in base64"),)
