"""Fills an account's request template with a message, and reads the answer by the account's rules."""

from __future__ import annotations

import base64
import re
from urllib.parse import urlencode, urlsplit

from gateway.errors import FailureKind, MessageRefused, ProviderError
from gateway.model.content import MediaContent, TextContent
from gateway.transports.classify import http_failure, retry_after, unreadable
from gateway.transports.port import HttpRequest, HttpResponse
from handlers.contract import Submission, Submitted
from handlers.providers.custom_http.settings import CustomAccount, CustomParameters, RetryAfter
from handlers.providers.custom_http.words import same_id
from handlers.shared.json_bodies import write_request
from handlers.shared.pointers import find_text
from handlers.shared.templates import Values, fill, fill_fields, fill_json, fill_url

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def request_for(account: CustomAccount, submission: Submission) -> HttpRequest:
    """The request. Raises MessageRefused for what the template has no place for."""
    template, values = account.parameters.request, _values(account, submission)
    headers = {name.lower(): value for name, value in fill_fields(template.headers, values).items()}
    if template.basic is not None:
        pair = f"{fill(template.basic.username, values) or ''}:{fill(template.basic.password, values) or ''}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    body = b""
    if template.json_body is not None:
        headers.setdefault("content-type", "application/json")
        body = write_request(fill_json(template.json_body, values))
    elif template.form is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
        body = urlencode(fill_fields(template.form, values)).encode()
    url = f"{account.base_url}{fill_url(template.path, values)}"
    _check_places(url, headers)
    return HttpRequest(template.method, url, headers, body)


def _values(account: CustomAccount, submission: Submission) -> Values:
    content = submission.content
    values: dict[str, str | None] = {
        "reference": submission.key,
        "to": submission.to.id,
        "from": submission.sender,
        "in_reply_to": submission.in_reply_to,
    }
    if isinstance(content, TextContent):
        values["text"] = content.text
    elif isinstance(content, MediaContent):
        if content.url is None:
            raise MessageRefused("media_unsupported", "this account takes media by url, not by media_id")
        values |= {"text": content.caption, "caption": content.caption, "media_url": content.url}
        values |= {"media_type": content.type, "mime_type": content.mime_type, "filename": content.filename}
    else:
        raise MessageRefused("unsupported_content", f"this account has no template for {content.type}")
    if content.buttons:
        raise MessageRefused("unsupported_content", "this account has no template for buttons")
    values |= {f"attributes.{name}": value for name, value in submission.attributes.items()}
    secrets = {name: secret.get_secret_value() for name, secret in account.credentials.items()}
    return values | {f"credentials.{name}": secret for name, secret in secrets.items()}


def _check_places(url: str, headers: dict[str, str]) -> None:
    """What is filled in stays in its place: it neither moves the path nor adds a header."""
    if any(segment in (".", "..") for segment in urlsplit(url).path.split("/")):
        raise MessageRefused("invalid_message", "a value in the path of the request is only dots")
    if any(_CONTROL.search(value) for value in headers.values()):
        raise MessageRefused("invalid_message", "a value in a header of the request has control characters")


def read_answer(parameters: CustomParameters, reference: str, response: HttpResponse) -> Submitted:
    """What the provider said. Raises ProviderError."""
    success, answer = parameters.success, response.json()
    if response.status not in success.statuses:
        raise _failure(parameters, response)
    if success.pointer is not None:
        told = find_text(answer, success.pointer)
        if told is None:
            raise unreadable(response)
        if told != success.equals:
            raise _failure(parameters, response)
    message_id = reference if success.id is None else find_text(answer, success.id)
    if not message_id:
        raise unreadable(response)
    return Submitted((same_id(message_id, success.id_form if success.id else "text"),))


def _failure(parameters: CustomParameters, response: HttpResponse) -> ProviderError:
    rules, answer = parameters.failure, response.json()
    code, text = find_text(answer, rules.code), find_text(answer, rules.text)
    meaning = rules.codes.get(code or "")
    seconds = _wait(rules.retry_after, response)
    if meaning is not None:
        kind, reason = meaning.kind, meaning.reason
    elif response.status in parameters.success.statuses:
        kind, reason = FailureKind.PERMANENT, "provider_error"
    else:
        by_status = http_failure(response, code=code)
        kind, reason, code = by_status.kind, by_status.reason, by_status.code
    return ProviderError(kind, reason=reason, code=code, text=text, retry_after_seconds=seconds)


def _wait(where: RetryAfter, response: HttpResponse) -> float | None:
    """How long the provider asks to wait, in seconds."""
    told = find_text(response.json(), where.pointer)
    if told is None:
        return _read_wait(response.headers.get(where.header.lower(), ""))
    seconds = _read_wait(told)
    return seconds / 1000 if seconds is not None and where.unit == "milliseconds" else seconds


def _read_wait(value: str) -> float | None:
    # By the rules of the header of that name: seconds, or a date.
    return retry_after(HttpResponse(200, {"retry-after": value}))
