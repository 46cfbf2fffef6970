"""Bodies that nobody should send: broken, hostile or huge, for queues and for callback URLs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

Json = Any
POISON = "poison-"  # how the name of every application begins that sends some
HUGE_BYTES = 10_000_000

BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (number, b"&lol%s;" % (b"" if number == 1 else b"%d" % (number - 1)) * 10)
        for number in range(1, 10)
    )
    + b"]><lolz>&lol9;</lolz>"
)
FOREIGN_ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><message>&x;</message>'
)

# None of these is JSON that can be read.
UNREADABLE: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\x00",
    b"\x00" * 4_096,
    b"{",
    b'{"app_id"',
    b'{"app_id": "shop", "content": {"type": "text", "text": "cut o',
    b'{"app_id": "shop",}',
    b"{'app_id': 'shop'}",
    b'{"app_id": "\xff\xfe\xfd"}',
    b'{"app_id": "\xed\xa0\x80"}',
    b'{"text": "a\x00b"}',
    b'{"number": NaN}',
    b'{"number": 01}',
    b"[" * 100_000,
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"\xef\xbb\xbf{}",
    '{"app_id": "shop"}'.encode("utf-16"),
    b"\x1f\x8b\x08\x00broken gzip",
    gzip.compress(b'{"app_id": "shop"}'),
    b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00",  # the beginning of a pickle
    b"app_id=shop&to=447700900001",
    b"<!doctype html><title>502 Bad Gateway</title>",
    BILLION_LAUGHS,
    FOREIGN_ENTITY,
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    b"*3\r\n$3\r\nSET\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"%s%n%x${jndi:ldap://127.0.0.1/a}",
    b"../../../../etc/passwd",
    b"{}{}",
)

# JSON, but nothing that anybody could act on.
POINTLESS: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"0",
    b"-0.0",
    b"1e400",
    b"9" * 5_000,
    b'"text"',
    b'""',
    b"[]",
    b"[[]]",
    b"[null, null]",
    b"{}",
    b'{"": ""}',
    b'{"app_id": null}',
    b'{"$where": "sleep(1000)"}',
    b'{"app_id": {"$gt": ""}}',
    b'{"app_id": "Shop With Capitals"}',
    b'{"app_id": "' + b"x" * 70_000 + b'"}',
    b'{"__proto__": {"admin": true}, "constructor": {}}',
    b'{"app_id": "\\u0000"}',
    b'{"app_id": "\\ud800"}',
    b'{"a\\u0000b": 1, "a.b": 2, "$c": 3}',
)

# What a field must not be. None of it makes a message valid that needs the field.
WRONG: tuple[Json, ...] = (
    None,
    True,
    -1,
    1e308,
    10**30,
    [],
    {},
    [[[]]],
    {"$gt": ""},
    {"kind": "msisdn"},
    "",
    "x" * 70_000,
    "\u0000",
    ["a"] * 1_000,
)


def huge(count: int, app_id: str) -> list[bytes]:
    """Bodies of 10 MB, by turns of three kinds."""
    named = b'{"app_id": "%s", "message_id": "huge", "callback_data": "%s"}'
    kinds = [b"\x00" * HUGE_BYTES, named % (app_id.encode(), b"x" * HUGE_BYTES), b"[" * HUGE_BYTES]
    return [kinds[number % len(kinds)] for number in range(count)]


def wrong_mt(app_id: str) -> Iterator[bytes]:
    """MT with one field that is not what it must be; each from an application of its own that is not there.

    Their names begin with `app_id`.
    """
    good: dict[str, Json] = {
        "message_id": "poison",
        "channel": "whatsapp",
        "to": "99900000000",
        "content": {"type": "text", "text": "poison that nobody may log"},
    }
    places = (
        "to",
        "content",
        "content.type",
        "content.text",
        "expires_at",
        "priority",
        "attributes",
        "extra",
    )
    number = 0
    for place in places:
        for wrong in WRONG:
            number += 1
            yield _with(good | {"app_id": f"{app_id}-{number}"}, place, wrong)


def broken_callbacks(provider: str, marker: str) -> Iterator[tuple[str, bytes]]:
    """Callbacks that are plainly a message or a receipt, and lack what makes one: each with a word of its
    own, by which what became of it can be found."""
    for number, document in enumerate(_BROKEN[provider]):
        own = f"{marker}-{number}"
        yield own, json.dumps(document).replace("MARKER", own).encode()


def _with(document: dict[str, Json], place: str, wrong: Json) -> bytes:
    outer, _, inner = place.partition(".")
    value = {**document[outer], inner: wrong} if inner else wrong
    return json.dumps({**document, outer: value}).encode()


def _whatsapp(**value: Json) -> Json:
    change = {"field": "messages", "value": {"metadata": {"phone_number_id": "1"}, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


_BROKEN: dict[str, tuple[Json, ...]] = {
    "whatsapp_cloud": (
        _whatsapp(messages=[{"id": "MARKER", "type": "text", "text": {"body": "no sender"}}]),
        _whatsapp(messages=[{"id": "MARKER", "from": "99900000000", "type": "text"}]),
        _whatsapp(messages=[{"id": "MARKER", "from": "99900000000", "type": "text", "text": []}]),
        _whatsapp(messages=[{"id": "MARKER", "from": "99900000000", "type": "location", "location": {}}]),
        _whatsapp(messages=[{"id": ["MARKER"], "from": "99900000000", "type": "text"}]),
        _whatsapp(statuses=[{"id": "MARKER"}]),
        _whatsapp(statuses=[{"id": {"MARKER": 1}, "status": "delivered"}]),
        _whatsapp(statuses=[{"id": "MARKER", "status": ["delivered"]}]),
    ),
    "telegram": (
        {"update_id": 1, "message": {"message_id": 1, "text": "MARKER"}},
        {"update_id": 1, "message": {"message_id": "MARKER", "chat": {"id": 1}, "text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": 1}, "text": "MARKER"}},
        {"update_id": 1, "edited_message": ["MARKER"]},
        {"update_id": 1, "callback_query": {"id": "MARKER"}},
        {"update_id": 1, "my_chat_member": {"chat": "MARKER"}},
    ),
    "custom_http": (
        {"type": "message", "ext_message_id": "MARKER"},
        {"type": "message", "im_uid": "MARKER", "body": "no id"},
        {"type": "message", "ext_message_id": "MARKER", "im_uid": []},
        {"type": "status", "ext_message_id": "MARKER"},
        {"type": "status", "status": "delivered", "ext_user_id": "MARKER"},
        {"type": "status", "ext_message_id": {"MARKER": 1}, "status": "delivered"},
    ),
}
