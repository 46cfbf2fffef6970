"""The table of web_push: what is sent is in web_push_sends, what comes back in push_rows."""

from __future__ import annotations

from tests.handlers.cases.push_rows import OLD_SECRET, SECRET, prove, receipt_rows
from tests.handlers.cases.web_push_accounts import ACCOUNTS, VAPID_KEY, read
from tests.handlers.cases.web_push_sends import SENDS
from tests.handlers.rows import Table

TABLE = Table(
    provider="web_push",
    accounts=ACCOUNTS,
    secrets=(VAPID_KEY, SECRET, OLD_SECRET),
    sends=SENDS,
    callbacks=receipt_rows(),
    prove=prove,
    proof="authorization",
    proof_covers_body=False,
    read=read,
)
