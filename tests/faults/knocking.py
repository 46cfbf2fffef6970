"""Callbacks posted by hand, as the generic HTTP provider would: to see what the gateway answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid

from tests.faults.scene import Scene
from tests.faults.traffic import FORBIDDEN_TEXT, Speech

_ACCOUNT = "sms-shop"


class Knock:
    """Something that a person wrote, which can be posted again and again, to any web daemon."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._id = f"by-hand-{uuid.uuid4().hex}"
        self._speech = Speech(_ACCOUNT, "99812345678", f"knock knock {FORBIDDEN_TEXT}")
        document = {
            "type": "message",
            "ext_message_id": self._id,
            "im_uid": self._speech.sender,
            "to_number": "447700900200",
            "body": self._speech.text,
            "timestamp": "2026-11-22T10:00:00Z",
        }
        self._body = json.dumps(document).encode()
        secret = scene.installation.environment["IMGW_DEMO_SMS_CALLBACK_SECRET"].encode()
        self._signature = "sha256=" + hmac.new(secret, self._body, hashlib.sha256).hexdigest()
        scene.spoken[self._id] = self._speech

    async def post(self, port: int) -> int:
        """The HTTP status that the web daemon on that port answers. Once it is 200, the MO must arrive."""
        assert self._scene.installation.http is not None
        async with self._scene.installation.http.post(
            f"http://127.0.0.1:{port}/callbacks/{_ACCOUNT}",
            data=self._body,
            headers={"X-Signature": self._signature},
        ) as response:
            if response.status == 200:
                self._note()
            return response.status

    def _note(self) -> None:
        """As the simulator's ledger has it."""
        taken = {
            "entry": "callback",
            "kind": "message",
            "status": "message",
            "account": _ACCOUNT,
            "message_id": self._id,
        }
        if taken not in self._scene.taken_by_hand:
            self._scene.taken_by_hand.append(taken)
