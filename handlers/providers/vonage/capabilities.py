"""What each channel can carry at Vonage.

Source: the limits of Vonage's reference of the Messages API and of its Python library, November 2026; those
of WhatsApp's own kinds are Meta's.
"""

from __future__ import annotations

from dataclasses import replace

from handlers.contract import NO_TEXT, Capabilities, ListLimits
from handlers.providers.vonage.settings import VonageAccount
from handlers.shared.splitting import Limit

_CAPTION = Limit(1_024)

_CHANNELS: dict[str, Capabilities] = {
    "sms": Capabilities(content={"text": Limit(3_200), "raw": None}, receipts=True),
    "mms": Capabilities(
        content={
            "text": Limit(3_200),
            "image": Limit(3_000),
            "video": Limit(3_000),
            "audio": Limit(3_000),
            "raw": None,
        },
        receipts=True,
        fetches_media=True,
    ),
    "whatsapp": Capabilities(
        content={
            "text": Limit(4_096),
            "image": _CAPTION,
            "video": _CAPTION,
            "audio": NO_TEXT,
            "document": _CAPTION,
            "sticker": NO_TEXT,
            "location": None,
            "list": Limit(4_096),
            "template": None,
            "reaction": None,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        buttons={"reply": 3},
        button_title=Limit(20),
        text_with_buttons=Limit(1_024),
        lists=ListLimits(rows=10, title=Limit(24), description=Limit(72), button=Limit(20)),
        session_window_seconds=86_400,
        replies=True,
        fetches_media=True,
    ),
    "viber": Capabilities(
        content={"text": Limit(1_000), "image": Limit(1_000), "document": NO_TEXT, "raw": None},
        receipts=True,
        read_receipts=True,
        buttons={"url": 1},
        buttons_under=frozenset({"text", "image"}),
        button_title=Limit(30),
        fetches_media=True,
    ),
    "messenger": Capabilities(
        content={
            "text": Limit(640),
            "image": NO_TEXT,
            "video": NO_TEXT,
            "audio": NO_TEXT,
            "document": NO_TEXT,
            "raw": None,
        },
        receipts=True,
        read_receipts=True,
        session_window_seconds=86_400,
        fetches_media=True,
    ),
}
EVERYTHING = replace(_CHANNELS["whatsapp"], buttons={"reply": 3, "url": 1})


def capabilities_of(account: VonageAccount) -> Capabilities:
    """What this account's channel can carry."""
    return _CHANNELS[account.channel]
