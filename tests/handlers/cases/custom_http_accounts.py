"""The accounts that the rows of custom_http are about: Smartico's way, and as different as can be."""

from __future__ import annotations

API_SECRET, CALLBACK_SECRET, API_KEY, HEADER_SECRET = "s-api-secret", "s-callback", "k&y=1", "s-header"
SMARTICO = {
    "account": "sms-shop",
    "provider": "custom_http",
    "channel": "sms",
    "from": ["447700900200"],
    "url": "https://sms.example/api",
    "credentials": {"secret": API_SECRET},
    "parameters": {
        "request": {
            "path": "/messages",
            "headers": {"Authorization": "{{credentials.secret}}"},
            "json": {
                "ext_user_id": "{{reference}}",
                "body": "{{text}}",
                "im_uid": "{{to}}",
                "from_number": "{{from}}",
            },
        },
        "success": {"statuses": [200], "pointer": "/error_code", "equals": 0, "id": "/ext_message_id"},
        "failure": {
            "code": "/error_code",
            "text": "/error_message",
            "codes": {
                1: {"kind": "permanent", "reason": "invalid_recipient"},
                3: {"kind": "throttled", "reason": "rate_limited"},
                "5": {"kind": "auth", "reason": "account_credentials"},
            },
        },
    },
    "callback": {
        "verification": {
            "scheme": "hmac",
            "header": "X-Signature",
            "prefix": "sha256=",
            "secret": CALLBACK_SECRET,
        },
        "kind": {"pointer": "/type", "dr": ["status"], "mo": ["message"]},
        "dr": {
            "id": "/ext_message_id",
            "reference": "/ext_user_id",
            "status": "/status",
            "statuses": {"sent": "submitted", "delivered": "delivered", "read": "read", "failed": "failed"},
            "code": "/error_code",
            "text": "/error_message",
            "time": "/timestamp",
        },
        "mo": {
            "id": "/ext_message_id",
            "from": "/im_uid",
            "to": "/to_number",
            "text": "/body",
            "time": "/timestamp",
        },
    },
}
OTHER = {
    "account": "viber-shop",
    "provider": "custom_http",
    "channel": "viber",
    "url": "https://viber.example",
    "credentials": {"key": API_KEY, "header": HEADER_SECRET},
    "parameters": {
        "request": {
            "path": "/v1/{{to}}/send?key={{credentials.key}}&market={{attributes.market}}",
            "headers": {"X-Request-Id": "{{reference}}", "X-Brand": "{{attributes.brand}}"},
            "form": {"msg": "Shop: {{text}}", "media": "{{media_url}}", "name": "{{filename}}"},
        },
        "failure": {"code": "/errors/0/code", "retry_after": {"pointer": "/wait", "unit": "milliseconds"}},
        "max_characters": 1000,
        "idempotent": True,
    },
    "callback": {
        "verification": {"scheme": "shared_secret", "header": "X-Secret", "secret": HEADER_SECRET},
        "items": "/results",
        "dr": {"id": "/id", "status": "/state", "statuses": {2: "delivered", 5: "expired"}, "time": "/at"},
        "answer": "OK",
    },
}
SIGNED_IN_BASE64 = {
    **SMARTICO,
    "callback": {
        "verification": {
            "scheme": "hmac",
            "header": "X-Hash",
            "algorithm": "sha512",
            "encoding": "base64",
            "secret": CALLBACK_SECRET,
        },
        "mo": {"id": "/id", "from": "/from", "text": "/text", "name": "/name"},
    },
}
SEND_ONLY = {name: value for name, value in SMARTICO.items() if name != "callback"}
QUERY_SECRET = "s-in-the-query"
ASKED = {
    "account": "sms-asked",
    "provider": "custom_http",
    "channel": "sms",
    "url": "https://asked.example/send",
    "credentials": {"password": API_KEY},
    "parameters": {
        "request": {
            "method": "GET",
            "path": "?to={{to}}&text={{text}}&ref={{reference}}",
            "basic": {"username": "shop", "password": "{{credentials.password}}"},
        },
        "max_characters": 1530,
        "counted_in": "septets",
    },
    "callback": {
        "format": "query",
        "verification": {
            "scheme": "shared_secret",
            "parameter": "token",
            "secret": ["s-older-one", QUERY_SECRET],
        },
        "dr": {"id": "/id", "status": "/stat", "statuses": {"DELIVRD": "delivered"}},
    },
}
POSTED = {
    **ASKED,
    "account": "sms-posted",
    "parameters": {**ASKED["parameters"], "success": {"id": "/id", "id_form": "hex"}},  # type: ignore[dict-item]
    "callback": {
        "format": "form",
        "verification": {"scheme": "hmac", "header": "X-Signature", "secret": CALLBACK_SECRET},
        "kind": {"pointer": "/type", "dr": ["dlr"], "mo": ["mo"]},
        "dr": {"id": "/id", "id_form": "decimal", "status": "/stat", "statuses": {"DELIVRD": "delivered"}},
        "mo": {"id": "/id", "from": "/from", "text": "/text", "media_url": "/pic", "mime_type": "/kind"},
    },
}
