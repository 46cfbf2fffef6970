"""What the tests of session windows share: a channel that has one, and what to send where it is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.model.content import TemplateContent
from handlers.contract import Capabilities, ContentKind
from handlers.shared.splitting import Limit

DAY = timedelta(days=1)
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
KINDS: tuple[ContentKind, ...] = (
    "text",
    "image",
    "location",
    "contact",
    "list",
    "template",
    "reaction",
    "typing",
    "read",
    "raw",
)
WINDOWED = Capabilities(
    content=dict.fromkeys(KINDS) | {"text": Limit(100)},
    receipts=True,
    session_window_seconds=86_400,
)
TEMPLATE: dict[str, Any] = {"type": "template", "name": "hello_again", "language": "en"}
FALLBACK = TemplateContent(name="hello_again", language="en")
PERSON = "447700900001"
