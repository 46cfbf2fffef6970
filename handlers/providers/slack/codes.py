"""What the Slack Web API's errors mean for us.

Slack answers with HTTP 200 and a word in `error`, but for too many requests, which are HTTP 429 as well.

Source: Slack's reference of chat.postMessage, reactions.add and files.info, read in November 2026.
"""

from __future__ import annotations

from gateway.errors import FailureKind

PERMANENT, TRANSIENT = FailureKind.PERMANENT, FailureKind.TRANSIENT
UNCERTAIN, THROTTLED, AUTH = FailureKind.UNCERTAIN, FailureKind.THROTTLED, FailureKind.AUTH

FAILURES: dict[str, tuple[FailureKind, str]] = {
    # Credentials and the app: nothing can be sent until somebody acts.
    "not_authed": (AUTH, "account_credentials"),
    "invalid_auth": (AUTH, "account_credentials"),
    "token_expired": (AUTH, "account_credentials"),
    "token_revoked": (AUTH, "account_credentials"),
    "account_inactive": (AUTH, "account_suspended"),
    "access_denied": (AUTH, "account_credentials"),
    "accesslimited": (AUTH, "account_credentials"),
    "no_permission": (AUTH, "account_credentials"),
    "missing_scope": (AUTH, "account_credentials"),
    "not_allowed_token_type": (AUTH, "account_credentials"),
    "org_login_required": (AUTH, "account_suspended"),
    "ekm_access_denied": (AUTH, "account_suspended"),
    "enterprise_is_restricted": (AUTH, "account_suspended"),
    "team_access_not_granted": (AUTH, "account_credentials"),
    "two_factor_setup_required": (AUTH, "account_credentials"),
    # Too fast.
    "ratelimited": (THROTTLED, "rate_limited"),
    "rate_limited": (THROTTLED, "rate_limited"),
    "message_limit_exceeded": (THROTTLED, "quota_exceeded"),  # all apps of the workspace together
    # Passing. Of the first two Slack says that a part may have been done.
    "fatal_error": (UNCERTAIN, "provider_error"),
    "internal_error": (UNCERTAIN, "provider_error"),
    "service_unavailable": (TRANSIENT, "provider_unavailable"),
    "request_timeout": (TRANSIENT, "provider_unavailable"),  # our request came in pieces
    "team_added_to_org": (TRANSIENT, "provider_unavailable"),
    "external_channel_migrating": (TRANSIENT, "provider_unavailable"),
    # The recipient.
    "channel_not_found": (PERMANENT, "invalid_recipient"),
    "user_not_found": (PERMANENT, "invalid_recipient"),
    "is_archived": (PERMANENT, "recipient_gone"),
    "not_in_channel": (PERMANENT, "recipient_unreachable"),
    "messages_tab_disabled": (PERMANENT, "recipient_unreachable"),
    "cannot_dm_bot": (PERMANENT, "recipient_unreachable"),
    "restricted_action": (PERMANENT, "policy_rejected"),
    "restricted_action_read_only_channel": (PERMANENT, "policy_rejected"),
    "restricted_action_thread_only_channel": (PERMANENT, "policy_rejected"),
    "restricted_action_non_threadable_channel": (PERMANENT, "policy_rejected"),
    "restricted_action_thread_locked": (PERMANENT, "policy_rejected"),
    # The message.
    "msg_too_long": (PERMANENT, "content_too_long"),
    "msg_blocks_too_long": (PERMANENT, "content_too_long"),
    "no_text": (PERMANENT, "invalid_message"),
    "invalid_blocks": (PERMANENT, "invalid_message"),
    "invalid_blocks_format": (PERMANENT, "invalid_message"),
    "invalid_arguments": (PERMANENT, "invalid_message"),
    "too_many_attachments": (PERMANENT, "invalid_message"),
    "cannot_reply_to_message": (PERMANENT, "invalid_message"),
    "message_not_found": (PERMANENT, "invalid_message"),
    "thread_not_found": (PERMANENT, "invalid_message"),
    "invalid_name": (PERMANENT, "unsupported_content"),  # no such emoji
    "not_reactable": (PERMANENT, "unsupported_content"),
    "too_many_emoji": (PERMANENT, "policy_rejected"),
    "too_many_reactions": (PERMANENT, "policy_rejected"),
    "file_not_found": (PERMANENT, "media_unreachable"),
    "file_deleted": (PERMANENT, "media_unreachable"),
}

# The reaction was there already: an earlier attempt came through.
DONE_BEFORE = "already_reacted"
