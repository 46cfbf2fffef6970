"""The table of rtm: what is sent is in rtm_sends, what devices say in rtm_items."""

from __future__ import annotations

from gateway.model.callback import CallbackRequest
from tests.handlers.cases.rtm_items import ITEMS
from tests.handlers.cases.rtm_sends import ACCOUNTS, HOOK_SECRET, PASSWORD, SENDS, read_published
from tests.handlers.rows import CallbackRow, Table

POST = CallbackRequest("POST", "https://gw.example/callbacks/rtm-main", {}, {}, b"{}")


def prove(body: bytes) -> CallbackRequest:
    """A request with this body; nothing would prove it."""
    return CallbackRequest("POST", POST.url, {}, {}, body)


TABLE = Table(
    provider="rtm",
    accounts=ACCOUNTS,
    secrets=(PASSWORD, HOOK_SECRET),
    sends=SENDS,
    callbacks=(
        CallbackRow("any request", POST, refused=403),
        CallbackRow("a question", CallbackRequest("GET", POST.url, {}, {}, b""), refused=403),
    ),
    prove=prove,
    proof="authorization",
    proof_covers_body=False,
    over="mqtt",
    items=ITEMS,
    read_published=read_published,
)
