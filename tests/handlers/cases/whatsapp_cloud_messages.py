"""What people write to whatsapp_cloud, as in Meta's reference, with numbers that are nobody's."""

from __future__ import annotations

from typing import Any

from gateway.model.address import Person, Thread
from gateway.model.content import (
    ButtonReply,
    ContactContent,
    EventContent,
    InboundMediaContent,
    InboundText,
    ListReply,
    LocationContent,
    ReactionContent,
    UnsupportedContent,
)
from handlers.contract import InboundMessage
from tests.handlers.cases.whatsapp_cloud_accounts import BSUID
from tests.handlers.cases.whatsapp_cloud_callbacks import (
    ANN,
    AT_SECONDS,
    METADATA,
    delivery,
    incoming,
    prove,
    read,
    wrote,
)
from tests.handlers.rows import CallbackRow, posted

BO = {"profile": {"name": "Bo"}, "user_id": BSUID.id}
MEDIA = {"id": "55", "mime_type": "image/jpeg", "sha256": "x", "caption": "Broken"}
FLOW = {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}
NOT_SUPPORTED = [{"code": 131051, "title": "Message type unknown"}]
AD = {"source_url": "https://fb.example/1", "source_type": "ad", "source_id": "120", "ctwa_clid": "A-1"}


def prefers(name: str, value: str, event: str) -> CallbackRow:
    told: dict[str, Any] = {
        "wa_id": "447700900001",
        "detail": "as the person chose",
        "category": "marketing_messages",
        "value": value,
        "timestamp": int(AT_SECONDS),
    }
    change = {"metadata": METADATA, "contacts": [ANN], "user_preferences": [told]}
    content = EventContent.model_validate({"name": event, "details": told})
    message = read(content, provider_message_id=f"user_preferences:447700900001:{AT_SECONDS}")
    body = posted(delivery(change, field="user_preferences"))
    return CallbackRow(name, prove(body), ("mo",), messages=(message,))


MESSAGES = (
    wrote("a text", incoming("text", {"body": "Hi"}), read(InboundText(text="Hi"))),
    wrote(
        "a text that quotes",
        incoming("text", {"body": "Yes"}, context={"from": "447700900100", "id": "wamid.OUT"}),
        read(InboundText(text="Yes"), in_reply_to="wamid.OUT"),
    ),
    wrote(
        "a text of somebody who hides the number",
        {
            "metadata": METADATA,
            "contacts": [BO],
            "messages": [
                {"id": "wamid.B", "from_user_id": BSUID.id, "type": "text", "text": {"body": "Hi"}},
            ],
        },
        InboundMessage(
            provider_message_id="wamid.B",
            sender=Person(kind="bsuid", id=BSUID.id, name="Bo"),
            to="447700900100",
            content=InboundText(text="Hi"),
        ),
    ),
    wrote(
        "a text with its time in milliseconds",
        incoming("text", {"body": "Hi"}, timestamp="1795341600000"),
        read(InboundText(text="Hi")),
    ),
    wrote(
        "an image",
        incoming("image", MEDIA),
        read(InboundMediaContent(type="image", media_id="55", caption="Broken", mime_type="image/jpeg")),
    ),
    wrote(
        "a voice message",
        incoming("voice", {"id": "56", "mime_type": "audio/ogg"}),
        read(InboundMediaContent(type="audio", media_id="56", mime_type="audio/ogg")),
    ),
    wrote(
        "a document",
        incoming("document", {"id": "57", "filename": "a.pdf"}),
        read(InboundMediaContent(type="document", media_id="57", filename="a.pdf")),
    ),
    wrote(
        "a location",
        incoming("location", {"latitude": 51.5, "longitude": -0.12, "name": ""}),
        read(LocationContent(latitude=51.5, longitude=-0.12)),
    ),
    wrote(
        "two contacts",
        incoming(
            "contacts",
            [
                {"name": {"formatted_name": "Cy"}, "phones": [{"phone": "+447700900003"}]},
                {"phones": [{"phone": "+447700900004"}], "emails": [{"email": "d@shop.example"}]},
            ],
        ),
        read(ContactContent(name="Cy", phones=("+447700900003",))),
        read(
            ContactContent(name="+447700900004", phones=("+447700900004",), emails=("d@shop.example",)),
            provider_message_id="wamid.IN:2",
        ),
    ),
    wrote(
        "a reaction",
        incoming("reaction", {"message_id": "wamid.OUT", "emoji": "👍"}),
        read(ReactionContent(to="wamid.OUT", emoji="👍")),
    ),
    wrote(
        "a reaction taken back",
        incoming("reaction", {"message_id": "wamid.OUT"}),
        read(ReactionContent(to="wamid.OUT", emoji="")),
    ),
    wrote(
        "a button of a template",
        incoming("button", {"text": "Stop", "payload": "stop-1"}),
        read(ButtonReply(id="stop-1", title="Stop")),
    ),
    wrote(
        "a reply button",
        incoming("interactive", {"type": "button_reply", "button_reply": {"id": "b1", "title": "Button 1"}}),
        read(ButtonReply(id="b1", title="Button 1")),
    ),
    wrote(
        "a row of a list",
        incoming(
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "s", "title": "Small", "description": "36"}},
        ),
        read(ListReply(id="s", title="Small")),
    ),
    wrote(
        "a flow",
        incoming("interactive", FLOW),
        read(UnsupportedContent(provider_type="interactive.nfm_reply", raw={"interactive": FLOW})),
    ),
    wrote(
        "an order",
        incoming("order", {"catalog_id": "1"}),
        read(UnsupportedContent(provider_type="order", raw={"order": {"catalog_id": "1"}})),
    ),
    wrote(
        "a changed number",
        {
            "metadata": METADATA,
            "messages": [
                {
                    "from": "447700900001",
                    "id": "wamid.S",
                    "timestamp": AT_SECONDS,
                    "type": "system",
                    "system": {
                        "type": "user_changed_number",
                        "body": "Ann changed from 447700900001 to 447700900009",
                        "wa_id": "447700900009",
                    },
                }
            ],
        },
        read(
            EventContent(name="number_changed", details={"wa_id": "447700900009"}),
            provider_message_id="wamid.S",
            sender=Person(kind="msisdn", id="447700900001"),
        ),
    ),
    wrote(
        "another system message",
        incoming("system", {"type": "customer_identity_changed"}, identity={"hash": "h"}),
        read(
            UnsupportedContent(
                provider_type="system.customer_identity_changed",
                raw={"system": {"type": "customer_identity_changed"}, "identity": {"hash": "h"}},
            )
        ),
    ),
    wrote(
        "a kind of message that the API does not have, with why",
        incoming("unsupported", {"type": "poll"}, errors=NOT_SUPPORTED),
        read(
            UnsupportedContent(
                provider_type="unsupported", raw={"unsupported": {"type": "poll"}, "errors": NOT_SUPPORTED}
            )
        ),
    ),
    wrote(
        "a text in a group",
        incoming("text", {"body": "Hi"}, group_id="group-1"),
        read(InboundText(text="Hi"), thread=Thread(id="group-1", type="conversation")),
    ),
    wrote(
        "a text of somebody who shows the number and has a user id, too",
        {
            **incoming("text", {"body": "Hi"}, from_user_id=BSUID.id),
            "contacts": [
                {"profile": {"name": "Cy"}, "wa_id": "", "user_id": "US.1"},
                {**ANN, "user_id": BSUID.id},
            ],
        },
        read(InboundText(text="Hi")),
    ),
    wrote(
        "an edit, which is no repetition of the original",
        incoming(
            "edit",
            {
                "original_message_id": "wamid.FIRST",
                "message": {"type": "text", "text": {"body": "Hi there"}, "context": {"id": "wamid.OUT"}},
            },
        ),
        read(
            InboundText(text="Hi there"),
            provider_message_id="wamid.FIRST:wamid.IN",
            edited=True,
            in_reply_to="wamid.OUT",
        ),
    ),
    wrote(
        "a deletion",
        incoming("revoke", {"original_message_id": "wamid.FIRST"}),
        read(EventContent(name="message_deleted", details={"message_id": "wamid.FIRST"}), deleted=True),
    ),
    wrote(
        "somebody opens the conversation for the first time",
        incoming("request_welcome", None),
        read(EventContent(name="conversation_started")),
    ),
    wrote(
        "the first message after an ad",
        incoming("text", {"body": "Hi"}, referral=AD),
        read(InboundText(text="Hi")),
        read(EventContent(name="referral", details=AD), provider_message_id="wamid.IN:2"),
    ),
    *(
        prefers(f"marketing messages: {value}", value, name)
        for value, name in (("stop", "opted_out"), ("resume", "opted_in"))
    ),
)
