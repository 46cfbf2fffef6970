"""What the WhatsApp Cloud API checks in a request to send, and the limits that it documents.

Source: Meta's reference of POST /{phone_number_id}/messages, API version 25.0, read in 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import RefusedError
from handlers.simulator.desk import Answer
from handlers.simulator.whatsapp_errors import ERRORS, invalid_parameter, refusal

Json = Mapping[str, Any]

MAX_TEXT = 4_096
MAX_CAPTION = 1_024
MAX_BUTTON_TEXT = 1_024
MAX_LIST_TEXT = 4_096
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_BUTTON_ID = 256
MAX_ROWS = 10
MAX_SECTIONS = 10
MAX_ROW_TITLE = 24
MAX_ROW_ID = 200
MAX_ROW_DESCRIPTION = 72
MAX_OPAQUE = 512
MEDIA = frozenset({"image", "video", "audio", "document", "sticker"})
CAPTIONED = frozenset({"image", "video", "document"})


class Wrong(RefusedError):
    """A request that the Cloud API refuses, with its answer."""

    def __init__(self, answer: Answer, code: int) -> None:
        super().__init__(f"code {code}")
        self.answer = answer
        self.code = code


def check(body: object) -> Json:
    """The body of a request that the Cloud API would take. Raises Wrong with what it would answer."""
    message = body if isinstance(body, dict) else {}
    if message.get("messaging_product") != "whatsapp":
        raise Wrong(invalid_parameter("The parameter messaging_product is required."), 100)
    if "to" not in message and "recipient" not in message:
        raise Wrong(invalid_parameter("The parameter to is required."), 100)
    _addressed(message)
    if message.get("recipient_type", "individual") not in ("individual", "group"):
        raise _value("recipient_type is not valid")
    opaque = message.get("biz_opaque_callback_data", "")
    if not isinstance(opaque, str) or len(opaque) > MAX_OPAQUE:
        raise _too_long("biz_opaque_callback_data", MAX_OPAQUE)
    kind = message.get("type", "text")
    if not isinstance(kind, str) or kind not in _CHECKS:
        raise Wrong(refusal(ERRORS[131051]), 131051)
    part = message.get("contacts" if kind == "contacts" else kind)
    if part is None:
        raise _missing(f"{kind} is required")
    _CHECKS[kind](kind, part)
    return message


def addressee(message: Json) -> str:
    """Who a message is for: the `wa_id` of a phone number, or a business-scoped user id as it is."""
    return digits(message["to"]) if "to" in message else str(message["recipient"])


def digits(number: str) -> str:
    """A phone number without plus and punctuation: the `wa_id`."""
    return re.sub(r"\D", "", number)


def _addressed(message: Json) -> None:
    to = message.get("to", "0000000")
    if not isinstance(to, str) or not re.fullmatch(r"\+?[0-9 ()-]{5,24}", to) or len(digits(to)) < 5:
        raise _value("The phone number is malformed")
    user = message.get("recipient", "x")
    if not isinstance(user, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", user):
        raise _value("The recipient is malformed")


def _text(_: str, part: Any) -> None:
    body = _object(part, "text").get("body")
    if not isinstance(body, str) or not body:
        raise _missing("text.body is required")
    if len(body) > MAX_TEXT:
        raise _too_long("text['body']", MAX_TEXT)


def _media(kind: str, part: Any) -> None:
    media = _object(part, kind)
    sources = [name for name in ("id", "link") if isinstance(media.get(name), str) and media[name]]
    if len(sources) != 1:
        raise _missing(f"{kind} needs exactly one of id and link")
    if sources == ["link"] and not re.match(r"https?://", media["link"]):
        raise _value(f"{kind}.link is not a valid URL")
    if "caption" not in media:
        return
    if kind not in CAPTIONED:
        raise Wrong(invalid_parameter(f'Unexpected key "caption" on param "{kind}".'), 100)
    _length(media["caption"], f"{kind}['caption']", MAX_CAPTION)


def _location(kind: str, part: Any) -> None:
    place = _object(part, kind)
    for name in ("latitude", "longitude"):
        try:
            float(place[name])
        except KeyError as error:
            raise _missing(f"location.{name} is required") from error
        except (TypeError, ValueError) as error:
            raise _value(f"location.{name} is not a number") from error


def _interactive(kind: str, part: Any) -> None:
    interactive = _object(part, kind)
    form = interactive.get("type")
    action = _object(interactive.get("action"), "interactive.action")
    body = _object(interactive.get("body"), "interactive.body").get("text")
    _within(body, "Body text", MAX_LIST_TEXT if form == "list" else MAX_BUTTON_TEXT)
    if form == "button":
        _buttons(action.get("buttons"))
    elif form == "list":
        _list(action)
    elif form not in ("cta_url", "location_request_message", "flow", "product", "product_list"):
        raise _value("interactive.type is not valid")


def _buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MAX_BUTTONS:
        raise _value(f"Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {MAX_BUTTONS}")
    replies = [_object(_object(button, "button").get("reply"), "button.reply") for button in buttons]
    for reply in replies:
        _within(reply.get("title"), "Button title", MAX_BUTTON_TITLE)
        _within(reply.get("id"), "Button id", MAX_BUTTON_ID)
    if len({reply["id"] for reply in replies}) < len(replies):
        raise _value("Duplicate button ids")


def _list(action: Json) -> None:
    _within(action.get("button"), "List button", MAX_BUTTON_TITLE)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= MAX_SECTIONS:
        raise _value(f"Invalid sections count. Min allowed sections: 1, Max allowed sections: {MAX_SECTIONS}")
    rows = [row for section in sections for row in _array(_object(section, "section").get("rows"), "rows")]
    if not 1 <= len(rows) <= MAX_ROWS:
        raise _value(f"Total row count exceed max allowed count: {MAX_ROWS}")
    for row in rows:
        _within(_object(row, "row").get("title"), "Row title", MAX_ROW_TITLE)
        _within(row.get("id"), "Row id", MAX_ROW_ID)
        if row.get("description"):
            _within(row["description"], "Row description", MAX_ROW_DESCRIPTION)
    for section in sections:
        if len(sections) > 1:
            _within(section.get("title"), "Section title", MAX_ROW_TITLE)


def _template(kind: str, part: Any) -> None:
    template = _object(part, kind)
    if not isinstance(template.get("name"), str) or not template["name"]:
        raise _missing("template.name is required")
    if not _object(template.get("language"), "template.language").get("code"):
        raise _missing("template.language.code is required")
    for component in _array(template.get("components", []), "components"):
        if str(_object(component, "component").get("type")).lower() not in ("header", "body", "button"):
            raise _value("component type is not valid")


def _reaction(kind: str, part: Any) -> None:
    if not _object(part, kind).get("message_id"):
        raise _missing("reaction.message_id is required")


def _contacts(_: str, part: Any) -> None:
    if not isinstance(part, list) or not part:
        raise _missing("contacts is required")
    for contact in part:
        if not _object(_object(contact, "contact").get("name"), "contact.name").get("formatted_name"):
            raise _missing("contacts.name.formatted_name is required")


_CHECKS: Mapping[str, Callable[[str, Any], None]] = {
    "text": _text,
    "location": _location,
    "interactive": _interactive,
    "template": _template,
    "reaction": _reaction,
    "contacts": _contacts,
    **dict.fromkeys(MEDIA, _media),
}


def _object(value: Any, name: str) -> Json:
    if not isinstance(value, dict):
        raise _missing(f"{name} is required")
    return value


def _array(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _missing(f"{name} is required")
    return value


def _within(value: Any, name: str, longest: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise _value(f"{name} length invalid. Min length: 1, Max length: {longest}")


def _length(value: Any, name: str, longest: int) -> None:
    if not isinstance(value, str) or len(value) > longest:
        raise _too_long(name, longest)


def _missing(details: str) -> Wrong:
    return Wrong(refusal(ERRORS[131008], details), 131008)


def _value(details: str) -> Wrong:
    return Wrong(refusal(ERRORS[131009], details), 131009)


def _too_long(name: str, longest: int) -> Wrong:
    return Wrong(invalid_parameter(f"Param {name} must be at most {longest} characters long."), 100)
