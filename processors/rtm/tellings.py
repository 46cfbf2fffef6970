"""What devices are told because of an MO or a receipt: the answer to the one that sent it, and the echo for
others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gateway.broker.port import Headers, Publication
from gateway.model.application import Application
from gateway.model.base import now
from gateway.rtm.items import Downlink, answer_to, down_publication
from gateway.rtm.names import Device
from gateway.rtm.refusals import RtmRefused
from gateway.rtm.wire import refused
from processors.reports import trace_of

# How long the broker keeps an answer for a device that is away. One that is away for longer has given up what
# it asked, or says the same again when it is back, and is answered then.
ANSWER_LASTS = timedelta(seconds=60)


def answer(
    account: str, device: Device, payload: dict[str, Any], correlation: str | None, headers: Headers
) -> Publication:
    """`payload`, for the device that is waiting for it now."""
    expires_at = now() + ANSWER_LASTS
    return answer_to(account, device, payload, expires_at, trace_of(headers), correlation=correlation)


def refusal(
    account: str, device: Device, of: str, why: RtmRefused, correlation: str | None, headers: Headers
) -> Publication:
    """That what the device calls `of` is not taken, and why. Told whether it asked for an answer or not."""
    return answer(account, device, refused(of, why), correlation, headers)


def echo(
    account: str,
    application: Application,
    user_id: str,
    topics: str | None,
    payload: dict[str, Any],
    headers: Headers,
    *,
    expires_at: datetime | None = None,
) -> list[Publication]:
    """`payload` for the person's other devices, where the application wants that; or for all who follow
    `topics`, where it is about some. Without `expires_at` it is worth telling for as long as a message of the
    application.

    The device that sent it gets it, too: one topic is for all devices of a person. It knows itself by `from`.
    """
    if topics is None and not application.device_sync:
        return []
    downlink = Downlink(
        account=account,
        kind="sync",
        app_id=application.app_id,
        user_id=None if topics else user_id,
        audience=topics,
        payload=payload,
        expires_at=expires_at or now() + timedelta(seconds=application.validity_seconds),
    )
    return [down_publication(downlink, trace_of(headers))]
