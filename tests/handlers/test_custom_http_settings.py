"""What is noticed about a custom_http account when it is loaded, and what its capabilities follow from."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import ConfigurationError
from handlers.contract import Capabilities, ContentKind
from handlers.shared.splitting import Limit
from tests.handlers.cases.custom_http_accounts import OTHER, SEND_ONLY, SMARTICO
from tests.handlers.tables import REGISTRY

MEDIA: tuple[ContentKind, ...] = ("image", "video", "audio", "document", "sticker")
PLACEHOLDERS = (
    "reference, to, from, text, caption, media_url, media_type, mime_type, filename, in_reply_to, "
    "attributes.<name>, credentials.<name>"
)


def problem(section: str, **changes: Any) -> str:
    """The problem of the Smartico account with these changes in one of its sections."""
    first, _, rest = section.partition(".")
    raw: dict[str, Any] = {**SMARTICO, first: {**SMARTICO[first]}}  # type: ignore[dict-item]
    holder = raw[first]
    for step in filter(None, rest.split(".")):
        holder[step] = {**holder[step]}
        holder = holder[step]
    holder |= changes
    with pytest.raises(ConfigurationError) as error:
        REGISTRY.account(raw, "a.yaml")
    assert len(error.value.problems) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("field", "template"),
    [
        ("path", "/send?to={{too}}"),
        ("headers", {"X-To": "{{too}}"}),
        ("json", {"to": "{{to}}", "deep": [{"er": "x {{too}} x"}]}),
    ],
)
def test_an_unknown_placeholder_is_named(field: str, template: Any) -> None:
    where = "headers.X-To" if field == "headers" else field
    what = f"unknown placeholder {{{{too}}}}; there are {PLACEHOLDERS}"
    assert problem("parameters.request", **{field: template}) == f"a.yaml: parameters.request.{where}: {what}"


def test_a_placeholder_that_is_not_closed_is_noticed() -> None:
    told = problem("parameters.request", json={"to": "{{to}", "body": "{{text}}"})
    assert told == "a.yaml: parameters.request.json: a placeholder is not closed: it is written {{name}}"


def test_a_placeholder_in_the_name_of_a_field_is_noticed() -> None:
    told = problem("parameters.request", json={"{{to}}": "{{text}}"})
    what = "placeholders belong into values, not into the names of fields"
    assert told == f"a.yaml: parameters.request.json: {what}"


def test_a_credential_that_is_not_there_is_named() -> None:
    told = problem("parameters.request", headers={"Authorization": "Bearer {{credentials.token}}"})
    what = "parameters.request uses {{credentials.token}}, which credentials does not have"
    assert told == f"a.yaml: {what}"


@pytest.mark.parametrize("name", ["to", "text"])
def test_a_template_that_leaves_out_recipient_or_text_is_noticed(name: str) -> None:
    body = {field: f"{{{{{field}}}}}" for field in ("to", "text") if field != name}
    told = problem("parameters.request", json=body)
    assert told == f"a.yaml: parameters.request never uses {{{{{name}}}}}"


def test_idempotence_needs_our_reference_in_the_request() -> None:
    told = problem("parameters", request={"form": {"to": "{{to}}", "text": "{{text}}"}}, idempotent=True)
    assert told == "a.yaml: parameters.request never uses {{reference}}"


def test_a_body_is_either_json_or_a_form() -> None:
    told = problem("parameters.request", form={"to": "{{to}}"})
    assert told == "a.yaml: parameters.request: takes at most one of json and form"


@pytest.mark.parametrize("path", ["messages", "@evil.example/", "/a b", "/a#b", "//{{to}} x"])
def test_a_path_begins_with_a_slash_or_is_a_query(path: str) -> None:
    assert problem("parameters.request", path=path).startswith("a.yaml: parameters.request.path: string sh")


def test_a_reason_is_one_of_ours() -> None:
    told = problem("parameters.failure", codes={7: {"kind": "permanent", "reason": "bad_luck"}})
    assert told.startswith("a.yaml: parameters.failure.codes.7.reason: not a reason code; there are invalid_")


@pytest.mark.parametrize("pointer", ["ext_message_id", "/a~2b"])
def test_a_pointer_that_is_none_is_noticed(pointer: str) -> None:
    assert problem("callback.dr", id=pointer).startswith("a.yaml: callback.dr.id: ")


def test_success_is_told_by_a_pointer_and_its_value_together() -> None:
    told = problem("parameters.success", equals=None)
    assert told == "a.yaml: parameters.success: pointer and equals go together"


def test_callbacks_without_proof_are_not_to_be_had() -> None:
    assert problem("callback", verification={}) == "a.yaml: callback.verification: needs 'scheme'"
    told = problem("callback", verification={"scheme": "none"})
    assert told == "a.yaml: callback.verification: its 'scheme' is none of 'hmac', 'shared_secret'"
    told = problem("callback", verification={"scheme": "hmac", "header": "X-Signature"})
    assert told == "a.yaml: callback.verification.secret: is required"


def test_a_shared_secret_has_one_place() -> None:
    for places in ({}, {"header": "X-Secret", "parameter": "token"}):
        told = problem("callback", verification={"scheme": "shared_secret", "secret": "s", **places})
        what = "needs exactly one of header and parameter"
        assert told == f"a.yaml: callback.verification.shared_secret: {what}"


def test_a_form_or_a_query_holds_one_item_and_a_query_has_no_body_to_sign() -> None:
    assert problem("callback", format="form", items="/all") == "a.yaml: callback: items are only in JSON"
    told = problem("callback", format="query")
    assert told == "a.yaml: callback: hmac proves a body, and a query has none"


def test_receipts_and_messages_must_be_told_apart() -> None:
    assert problem("callback", kind=None) == "a.yaml: callback: needs kind, which tells dr from mo"
    assert problem("callback", dr=None, mo=None) == "a.yaml: callback: needs dr, mo, or both"


@pytest.mark.parametrize(
    ("raw", "capabilities"),
    [
        (SMARTICO, Capabilities(content={"text": None}, receipts=True, read_receipts=True)),
        (SEND_ONLY, Capabilities(content={"text": None}, receipts=False, inbound=False)),
        (
            OTHER,
            Capabilities(
                content=dict.fromkeys(("text", *MEDIA), Limit(1000)),
                receipts=True,
                idempotent=True,
                inbound=False,
            ),
        ),
    ],
)
def test_capabilities_follow_from_what_is_configured(raw: Any, capabilities: Capabilities) -> None:
    assert REGISTRY.handler(REGISTRY.account(raw, "a.yaml")).capabilities == capabilities


def test_the_table_of_providers_can_show_what_an_account_may_have() -> None:
    assert isinstance(REGISTRY.providers()["custom_http"].capabilities, Capabilities)
