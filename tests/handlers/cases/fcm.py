"""The table of fcm: what is sent is in fcm_sends, what comes back in push_rows."""

from __future__ import annotations

from tests.handlers.cases.fcm_accounts import ACCOUNTS, GRANTED, PEM, SERVICE_ACCOUNT, read
from tests.handlers.cases.fcm_sends import SENDS
from tests.handlers.cases.push_rows import OLD_SECRET, SECRET, prove, receipt_rows
from tests.handlers.rows import Table

TABLE = Table(
    provider="fcm",
    accounts=ACCOUNTS,
    secrets=(SERVICE_ACCOUNT, PEM, SECRET, OLD_SECRET),
    sends=SENDS,
    callbacks=receipt_rows(),
    prove=prove,
    proof="authorization",
    proof_covers_body=False,
    before=(GRANTED,),
    read=read,
)
