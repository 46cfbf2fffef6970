"""WhatsApp's own words for lists and templates, which several providers take as Meta wrote them.

Source: Meta's reference of messages, read in November 2026.
"""

from __future__ import annotations

from typing import Any

from gateway.model.content import ListContent, TemplateContent

Json = dict[str, Any]


def list_of(content: ListContent) -> Json:
    """The `interactive` part of a list."""
    sections = [section.model_dump(exclude_none=True) for section in content.sections]
    action = {"button": content.button, "sections": sections}
    return {"type": "list", "body": {"text": content.text}, "action": action}


def template_of(content: TemplateContent, language: Json) -> Json:
    """A template with its parameters, as far as there are any."""
    values = content.parameters
    components: list[Json] = [
        {"type": kind, "parameters": [_text(value) for value in texts]}
        for kind, texts in (("header", values.header), ("body", values.body))
        if texts
    ]
    # Only a URL button has a placeholder; an empty value skips the button at its place.
    components += [
        {"type": "button", "sub_type": "url", "index": str(index), "parameters": [_text(value)]}
        for index, value in enumerate(values.buttons)
        if value
    ]
    template: Json = {"name": content.name, "language": language}
    return template | ({"components": components} if components else {})


def _text(value: str) -> Json:
    return {"type": "text", "text": value}
