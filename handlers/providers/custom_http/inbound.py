"""Proves and reads callbacks by an account's rules."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson

from gateway.errors import CallbackRefused, FailureKind
from gateway.model.address import Person, on_channel
from gateway.model.callback import CallbackItem, CallbackRequest, ItemKind
from gateway.model.content import (
    InboundContent,
    InboundMedia,
    InboundMediaContent,
    InboundText,
    UnsupportedContent,
)
from gateway.model.receipt import DeliveryReceipt, Reason
from handlers.contract import InboundMessage
from handlers.providers.custom_http.callback_settings import (
    CustomCallback,
    Hmac,
    MessageFields,
    ReceiptFields,
    SharedSecret,
)
from handlers.providers.custom_http.settings import Failure
from handlers.providers.custom_http.words import same_id
from handlers.shared.instants import read_instant
from handlers.shared.json_bodies import read_callback, write_item
from handlers.shared.pointers import find, find_text
from handlers.shared.secret import revealed
from handlers.shared.signatures import same, signed

_KINDS: dict[str, InboundMedia] = {"image": "image", "video": "video", "audio": "audio"}
_DEFAULT_REASONS = {"failed": "provider_error", "expired": "recipient_unreachable"}


def verify(callback: CustomCallback, request: CallbackRequest) -> None:
    """Raises CallbackRefused unless the request is the provider's."""
    rules, secrets = callback.verification, revealed(callback.verification.secret)
    if isinstance(rules, SharedSecret) and rules.parameter is not None:
        if not same(request.query.get(rules.parameter, ""), *secrets):
            raise CallbackRefused(f"the parameter {rules.parameter} is missing or wrong")
        return
    given = request.headers.get((rules.header or "").lower(), "")
    if isinstance(rules, Hmac):
        proved = given.startswith(rules.prefix) and signed(
            given.removeprefix(rules.prefix),
            secrets,
            request.body,
            algorithm=rules.algorithm,
            encoding=rules.encoding,
        )
    else:
        proved = same(given, *secrets)
    if not proved:
        raise CallbackRefused(f"the {rules.header} header is missing or wrong")


def split(callback: CustomCallback, request: CallbackRequest) -> tuple[CallbackItem, ...]:
    """One item per receipt or message of the request."""
    document = _document(callback, request)
    items = [document] if callback.items is None else find(document, callback.items)
    if not isinstance(items, list):
        raise CallbackRefused(f"there is no list at {callback.items}", status=400)
    return tuple(write_item(_kind(callback, item), item) for item in items)


def _document(callback: CustomCallback, request: CallbackRequest) -> Any:
    match callback.format:
        case "query":
            return {name: value for name, value in request.query.items() if not _is_secret(callback, name)}
        case "form":
            # Text that is not UTF-8 keeps its places, not its letters: better than losing the whole.
            fields = parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)
            return dict(fields)
    return read_callback(request.body)


def _is_secret(callback: CustomCallback, name: str) -> bool:
    rules = callback.verification
    return isinstance(rules, SharedSecret) and name == rules.parameter


def _kind(callback: CustomCallback, item: Any) -> ItemKind:
    if callback.kind is None:
        return "dr" if callback.dr is not None else "mo"
    told = find_text(item, callback.kind.pointer)
    if told in callback.kind.dr and callback.dr is not None:
        return "dr"
    return "mo" if told in callback.kind.mo and callback.mo is not None else "event"


def read_message(fields: MessageFields, channel: str, body: bytes) -> InboundMessage:
    """The message of an item. Raises ValueError where it has no id or no sender."""
    item = orjson.loads(body)
    address = on_channel(_needed(item, fields.sender), channel)
    text = find_text(item, fields.text)
    content: InboundContent
    if url := find_text(item, fields.media_url):
        content = _media(url, find_text(item, fields.mime_type), text)
    elif text is None:
        content = UnsupportedContent(provider_type="no text", raw=item if isinstance(item, dict) else None)
    else:
        content = InboundText(text=text)
    return InboundMessage(
        provider_message_id=_needed(item, fields.id),
        sender=Person(kind=address.kind, id=address.id, name=find_text(item, fields.name)),
        to=find_text(item, fields.to),
        content=content,
        sent_at=read_instant(find(item, fields.time)),
    )


def _media(url: str, mime_type: str | None, caption: str | None) -> InboundMediaContent:
    kind = _KINDS.get((mime_type or "").partition("/")[0].lower(), "document")
    return InboundMediaContent(type=kind, url=url, mime_type=mime_type, caption=caption or None)


def read_receipt(fields: ReceiptFields, failure: Failure, body: bytes) -> DeliveryReceipt:
    """The receipt of an item. Raises ValueError where it has no id or no status."""
    item = orjson.loads(body)
    told = _needed(item, fields.status)
    status = fields.statuses.get(told)
    reason = None
    if status in _DEFAULT_REASONS:
        code = find_text(item, fields.code)
        meaning = failure.codes.get(code or "")
        reason = Reason(
            code=meaning.reason if meaning else _DEFAULT_REASONS[status],
            kind=meaning.kind if meaning else FailureKind.PERMANENT,
            provider_code=code,
            provider_text=find_text(item, fields.text),
        )
    return DeliveryReceipt(
        provider_message_id=same_id(_needed(item, fields.id), fields.id_form),
        reference=find_text(item, fields.reference),
        status=status,
        provider_status=told,
        reason=reason,
        occurred_at=read_instant(find(item, fields.time)),
    )


def _needed(item: Any, pointer: str) -> str:
    found = find_text(item, pointer)
    if not found:
        raise ValueError(f"there is nothing at {pointer!r}")
    return found
