"""What the rows of infobip share: the accounts, the recipient, and how its requests look."""

from __future__ import annotations

from typing import Any

from gateway.model.address import Address
from gateway.transports.port import HttpResponse
from tests.handlers.rows import REFERENCE, Sent, answer

API_KEY, PASSWORD, OLD_PASSWORD, HMAC_SECRET = "an-api-key", "a-password", "a-former-password", "an-hmac-key"
STATUS_CALLBACK = "https://gw.example/callbacks/ib-shop"

ACCOUNT: dict[str, Any] = {
    "account": "ib-shop",
    "provider": "infobip",
    "from": ["Shop"],
    "url": "https://infobip.example",
    "credentials": {"api_key": API_KEY},
    "callback": {"scheme": "basic", "username": "infobip", "password": [PASSWORD, OLD_PASSWORD]},
}
WHATSAPP = ACCOUNT | {
    "channel": "whatsapp",
    "from": ["447700900100"],
    "callback": {"scheme": "hmac", "header": "X-IB-Signature", "secret": HMAC_SECRET},
    "parameters": {"status_callback": STATUS_CALLBACK},
}
VIBER = ACCOUNT | {
    "channel": "viber",
    "callback": {"scheme": "basic", "username": "ib", "password": PASSWORD},
}
REPORTED = ACCOUNT | {"parameters": {"status_callback": STATUS_CALLBACK}}
ACCOUNTS = {"main": ACCOUNT, "whatsapp": WHATSAPP, "viber": VIBER, "reported": REPORTED}

TO = Address(kind="msisdn", id="+447700900001")
HEADERS = {"authorization": f"App {API_KEY}", "content-type": "application/json"}


GROUPS = {1: "PENDING", 2: "UNDELIVERABLE", 3: "DELIVERED", 4: "EXPIRED", 5: "REJECTED"}


def state(group: int, number: int, name: str, description: str = "") -> dict[str, Any]:
    told = {"groupId": group, "groupName": GROUPS.get(group, "REJECTED"), "id": number}
    return {**told, "name": name, "description": description}


def answered(status: dict[str, Any], message_id: str = REFERENCE) -> HttpResponse:
    message = {"messageId": message_id, "status": status, "destination": "447700900001"}
    return answer({"bulkId": "bulk-1", "messages": [message]})


TAKEN = answered(state(1, 26, "PENDING_ACCEPTED"))


def sms(content: Any, **more: Any) -> Sent:
    """A request to the SMS API."""
    message = {
        "sender": "Shop",
        "destinations": [{"to": "447700900001", "messageId": REFERENCE}],
        "content": content,
        "webhooks": {"contentType": "application/json", "callbackData": REFERENCE},
        **more,
    }
    return Sent("POST", "https://infobip.example/sms/3/messages", HEADERS, {"messages": [message]})


def message(channel: str, sender: str, **part: Any) -> Sent:
    """A request to the Messages API."""
    said = {
        "channel": channel,
        "sender": sender,
        "destinations": [{"to": "447700900001", "messageId": REFERENCE}],
        "webhooks": {"contentType": "application/json", "callbackData": REFERENCE},
        **part,
    }
    return Sent("POST", "https://infobip.example/messages-api/1/messages", HEADERS, {"messages": [said]})
