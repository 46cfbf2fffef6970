"""How whatsapp_cloud refuses: every documented code, and those that are not."""

from __future__ import annotations

from typing import Any

from gateway.errors import FailureKind
from tests.handlers.cases.whatsapp_cloud_accounts import TO, said
from tests.handlers.rows import Failed, SendRow, answer

AUTH, PERMANENT = FailureKind.AUTH, FailureKind.PERMANENT
TRANSIENT, THROTTLED, UNCERTAIN = FailureKind.TRANSIENT, FailureKind.THROTTLED, FailureKind.UNCERTAIN


def fails(status: int, error: dict[str, Any], failed: Failed, **headers: str) -> SendRow:
    return SendRow(
        f"error {error.get('code')} with HTTP {status}",
        {"type": "text", "text": "Hello"},
        TO,
        answers=(answer({"error": error}, status, **headers),),
        requests=(said(type="text", text={"body": "Hello", "preview_url": False}),),
        failed=failed,
    )


FAILURES = (
    fails(401, {"code": 190, "message": "Expired"}, Failed(AUTH, "account_credentials", "190")),
    fails(403, {"code": 200, "message": "No permission"}, Failed(AUTH, "account_credentials", "200")),
    fails(
        400,
        {"code": 100, "error_subcode": 33, "message": "No such object"},
        Failed(AUTH, "sender_invalid", "100"),
    ),
    fails(400, {"code": 100, "message": "Invalid"}, Failed(PERMANENT, "invalid_message", "100")),
    fails(429, {"code": 130429, "message": "Rate"}, Failed(THROTTLED, "rate_limited", "130429")),
    fails(
        429,
        {"code": 130429, "message": "Rate"},
        Failed(THROTTLED, "rate_limited", "130429", 9.0),
        retry_after="9",
    ),
    fails(400, {"code": 131056, "message": "Pair"}, Failed(TRANSIENT, "rate_limited", "131056", 6.0)),
    fails(500, {"code": 131000, "message": "Oops"}, Failed(TRANSIENT, "provider_error", "131000")),
    fails(
        400,
        {"code": 131047, "message": "m", "error_data": {"details": "More than 24 hours"}},
        Failed(PERMANENT, "outside_session_window", "131047"),
    ),
    fails(400, {"code": 131026, "message": "m"}, Failed(PERMANENT, "recipient_unreachable", "131026")),
    fails(404, {"code": 132001, "message": "m"}, Failed(PERMANENT, "template_unknown", "132001")),
    fails(400, {"code": 999, "is_transient": True}, Failed(TRANSIENT, "provider_error", "999")),
    fails(400, {"code": 999, "message": "New"}, Failed(PERMANENT, "provider_error", "999")),
    fails(500, {"code": 999, "message": "New"}, Failed(UNCERTAIN, "provider_error", "999")),
    fails(200, {"code": 999, "message": "New"}, Failed(PERMANENT, "provider_error", "999")),
    fails(
        400,
        {"code": 80007, "message": "Rate"},
        Failed(THROTTLED, "rate_limited", "80007", 300.0),
        x_business_use_case_usage='{"1022":[{"type":"whatsapp","estimated_time_to_regain_access":5}]}',
    ),
    *(
        fails(400, {"code": code, "message": "m"}, Failed(kind, reason, str(code)))
        for code, kind, reason in (
            (0, AUTH, "account_credentials"),
            (3, AUTH, "account_credentials"),
            (10, AUTH, "account_credentials"),
            (33, AUTH, "sender_invalid"),
            (299, AUTH, "account_credentials"),
            (368, AUTH, "account_suspended"),
            (131005, AUTH, "account_credentials"),
            (131031, AUTH, "account_suspended"),
            (131037, AUTH, "sender_invalid"),
            (131042, AUTH, "quota_exceeded"),
            (131045, AUTH, "sender_invalid"),
            (133010, AUTH, "sender_invalid"),
            (4, THROTTLED, "rate_limited"),
            (80007, THROTTLED, "rate_limited"),
            (131048, THROTTLED, "rate_limited"),
            (131064, THROTTLED, "quota_exceeded"),
            (133016, THROTTLED, "rate_limited"),
            (132069, TRANSIENT, "rate_limited"),
            (1, TRANSIENT, "provider_error"),
            (2, TRANSIENT, "provider_unavailable"),
            (131016, TRANSIENT, "provider_unavailable"),
            (131052, TRANSIENT, "media_unreachable"),
            (131053, TRANSIENT, "media_unreachable"),
            (131057, TRANSIENT, "provider_unavailable"),
            (133004, TRANSIENT, "provider_unavailable"),
            (135000, TRANSIENT, "provider_error"),
            (130497, PERMANENT, "country_restricted"),
            (131021, PERMANENT, "invalid_recipient"),
            (131030, PERMANENT, "invalid_recipient"),
            (131062, PERMANENT, "invalid_recipient"),
            (137000, PERMANENT, "recipient_unreachable"),
            (130472, PERMANENT, "policy_rejected"),
            (131049, PERMANENT, "policy_rejected"),
            (131050, PERMANENT, "recipient_opted_out"),
            (131063, PERMANENT, "policy_rejected"),
            (131008, PERMANENT, "invalid_message"),
            (131009, PERMANENT, "invalid_message"),
            (131051, PERMANENT, "unsupported_content"),
            (132000, PERMANENT, "template_parameters"),
            (132005, PERMANENT, "template_parameters"),
            (132007, PERMANENT, "policy_rejected"),
            (132008, PERMANENT, "template_parameters"),
            (132012, PERMANENT, "template_parameters"),
            (132015, PERMANENT, "policy_rejected"),
            (132016, PERMANENT, "policy_rejected"),
            (132068, PERMANENT, "policy_rejected"),
        )
    ),
)
