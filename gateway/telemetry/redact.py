"""Takes out of text and addresses what must not be seen in logs: secrets, and who a message is for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from re import Match, Pattern

REDACTED = "***"

# Names whose values are secrets, in queries, in forms, in JSON and in "name=value" text; and shorter ones
# that are only sure to be in a query.
_SENSITIVE_NAME = (
    r"[\w.-]{0,40}(?:token|secret|passw(?:or)?d|api_?key|private_?key|credential|signature)[\w.-]{0,40}"
    r"|sig|hmac|jwt"
)
_SENSITIVE_IN_QUERY = r"key|code|auth|hash|mac|sign|pass|pwd"
_SENSITIVE_KEY = re.compile(
    r"secret|passw(or)?d|token|authori[sz]ation|api_?key|credential|cookie|signature|private_?key|fernet"
    r"|^(sig|hmac|jwt|auth|key)$",
    re.IGNORECASE,
)
# Under these names there is what people write to each other.
_MESSAGE_KEYS = frozenset({"text", "body", "content", "caption", "payload", "message_text", "callback_data"})

# Bounded at both ends: it is looked for in text of any length that anybody may have sent.
_SCHEME = r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}"

# Every rule below needs one of these; most values in log lines are names and numbers without any.
_WORTH_A_LOOK = re.compile(r"[=:+@\s]")

_Rule = tuple[Pattern[str], str | Callable[[Match[str]], str]]


def mask_address(kind: str, value: str) -> str:
    """An address that can still be told from others by a person who knows it, and not be used by one who
    does not: `+4479*******23`, `j***@example.com`, `PSID…`'s last four. Topics name no person and stay."""
    if kind == "topic":
        return value
    if kind == "msisdn":
        return _masked_number(value)
    if kind == "email" and "@" in value:
        name, _, domain = value.rpartition("@")
        return f"{name[:1]}{REDACTED}@{domain}"
    if kind in ("device_token", "subscription") and len(value) >= 32:
        return f"{value[:6]}{REDACTED}{value[-4:]}"
    return REDACTED + (value[-4:] if len(value) >= 8 else "")


@lru_cache(maxsize=1_024)  # names come from the code, again and again
def looks_secret(key: str) -> bool:
    """Whether what is stored under this name is a secret, going by the name."""
    return _SENSITIVE_KEY.search(key.replace("-", "_")) is not None


def holds_message(key: str) -> bool:
    """Whether what is stored under this name is what somebody wrote, going by the name."""
    return key.lower() in _MESSAGE_KEYS


def redact_url(url: str) -> str:
    """A URL without user and password, without the values of its query and without tokens in its path."""
    bare, mark, query = url.partition("?")
    names = re.sub(r"=[^&#]*", f"={REDACTED}", query)
    return redact_text(bare) + mark + names


def redact_text(text: str) -> str:
    """Any text without the secrets and phone numbers that can be recognised in it. Does not change twice."""
    if not _WORTH_A_LOOK.search(text):
        return text
    for pattern, replacement in _RULES:
        if pattern.search(text):  # much cheaper than a substitution that finds nothing
            text = pattern.sub(replacement, text)
    return text


def _masked_number(number: str) -> str:
    shown_first = 4 if len(number) >= 10 else 0
    return number[:shown_first] + "*" * max(len(number) - shown_first - 2, 3) + number[-2:]


_RULES: tuple[_Rule, ...] = (
    (re.compile(r"(authorization[\"']?\s*[:=]\s*[\"']?)[^\"'\r\n,}]+", re.I), rf"\1{REDACTED}"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=:-]{6,}", re.I), rf"\1 {REDACTED}"),
    (re.compile(r"\b(Digest|Token|ApiKey|Key)\s+[A-Za-z0-9._~+/=:-]{16,}", re.I), rf"\1 {REDACTED}"),
    # Telegram's bot tokens: in the path of every call of its API, and alone (core.telegram.org, 2026).
    (re.compile(r"(/bot)\d+:[^/\s\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"\d{6,12}:[A-Za-z0-9_-]{30,}"), REDACTED),
    # User and password in a URL; the second for passwords that hold a slash, which is not told from a port.
    (re.compile(rf"({_SCHEME}://)[^/\s\"'<>]{{1,512}}@", re.I), rf"\1{REDACTED}@"),
    (
        re.compile(rf"({_SCHEME}://)[^/\s\"'<>:@]*:(?!\d{{1,5}}(?:[/?#\s]|$))[^\s\"'<>]{{0,512}}@", re.I),
        rf"\1{REDACTED}@",
    ),
    (re.compile(rf"(?<![\w.-])((?:{_SENSITIVE_NAME})=)[^&\s\"'#;,<>)]+", re.I), rf"\1{REDACTED}"),
    (re.compile(rf"([?&](?:{_SENSITIVE_IN_QUERY})=)[^&\s\"'#;,<>)]+", re.I), rf"\1{REDACTED}"),
    (
        re.compile(rf"(\\?[\"'](?:{_SENSITIVE_NAME})\\?[\"']\s*:\s*\\?[\"'])[^\"'\\]+", re.I),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.S), REDACTED),
    # Phone numbers as E.164 writes them.
    (re.compile(r"\+\d{8,15}(?!\d)"), lambda match: _masked_number(match.group())),
)
