"""What can be configured of an Infobip account."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, HttpUrl, StringConstraints, model_validator

from gateway.model.account import ProviderAccount, Settings
from handlers.shared.secret import Secret, Secrets
from handlers.shared.signatures import Algorithm, Encoding

Channel = Literal["sms", "whatsapp", "viber"]


class InfobipCredentials(Settings):
    """What the gateway proves itself with."""

    api_key: Secret
    """An API key with the scopes of sending."""


class InfobipBasic(Settings):
    """Infobip names a user and a password: security settings of type BASIC."""

    scheme: Literal["basic"]
    """basic."""
    username: Annotated[str, StringConstraints(pattern=r"^[^:\s]{1,255}$")]
    """The user of the security settings."""
    password: Secrets
    """The password; a list while it is being changed."""


class InfobipHmac(Settings):
    """Infobip signs the body of every callback: security settings of type HMAC."""

    scheme: Literal["hmac"]
    """hmac."""
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,128}$")]
    """The header that carries the signature, as agreed with Infobip."""
    algorithm: Algorithm = "sha256"
    """The hash: sha1, sha256 or sha512."""
    encoding: Encoding = "hex"
    """How the signature is written: hex or base64."""
    secret: Secrets
    """The key of the HMAC; a list while it is being changed."""


class InfobipParameters(Settings):
    """What goes along with every message."""

    status_callback: HttpUrl | None = None
    """Where reports go, when not to where a subscription at Infobip says: this account's callback URL. Such
    reports are proved only where it has security settings there."""


class InfobipAccount(ProviderAccount):
    """The senders of one channel at Infobip."""

    provider: Literal["infobip"] = "infobip"
    channel: Channel = "sms"
    """sms, whatsapp or viber."""
    url: HttpUrl
    """The account's own base URL: https://xxxxx.api.infobip.com."""
    credentials: InfobipCredentials
    """What the gateway proves itself with."""
    callback: Annotated[InfobipBasic | InfobipHmac, Field(discriminator="scheme")]
    """What Infobip proves its callbacks with."""
    parameters: InfobipParameters = InfobipParameters()
    """What goes along with every message."""

    @model_validator(mode="after")
    def _some_sender(self) -> InfobipAccount:
        if not self.senders:
            raise ValueError("needs from: Infobip sends nothing without a sender")
        return self
