"""HTTP Basic authentication (RFC 7617)."""

from __future__ import annotations

import base64


def basic(user: str, secret: str) -> str:
    """The value of the Authorization header."""
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"
