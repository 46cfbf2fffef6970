"""What can be configured of a Vonage account."""

from __future__ import annotations

from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, Field, HttpUrl, SecretStr, StringConstraints, model_validator

from gateway.model.account import ProviderAccount, Settings
from handlers.shared.secret import Secret, Secrets

Channel = Literal["sms", "mms", "whatsapp", "viber", "messenger"]
Signature = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]


def read_key(secret: SecretStr) -> RSAPrivateKey:
    """The private key of an application. Raises ValueError."""
    pem = secret.get_secret_value().encode()
    try:
        # To prove its numbers would take 30 ms; a key that is wrong is refused by Vonage.
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as error:
        raise ValueError("is not a private key in PEM") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("is not an RSA key")
    return key


def _readable(secret: SecretStr) -> SecretStr:
    read_key(secret)
    return secret


class VonageKey(Settings):
    """The credentials of the whole account."""

    scheme: Literal["key"]
    """key."""
    api_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,32}$")]
    """The account's API key."""
    api_secret: Secret
    """The account's API secret."""


class VonageApplication(Settings):
    """The credentials of one application; for the Messages API only."""

    scheme: Literal["application"]
    """application."""
    application_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f-]{1,64}$")]
    """The application's id."""
    private_key: Annotated[Secret, AfterValidator(_readable)]
    """The application's private key, in PEM."""


class VonageCallback(Settings):
    """What Vonage proves its callbacks with."""

    signature_secret: Secrets
    """The account's signature secret, which signs every webhook; for the SMS API, signed webhooks must be
    asked for at Vonage. A list while it is being changed."""
    algorithm: Signature = "md5hash"
    """How the SMS API signs, as chosen in Vonage's dashboard: md5hash, or HMAC with md5, sha1, sha256 or
    sha512. The Messages API knows one way only."""


class VonageParameters(Settings):
    """Which API sends, and what goes along with every message."""

    api: Literal["messages", "sms"] = "messages"
    """messages or sms; sms is for the channel sms only."""
    status_callback: HttpUrl | None = None
    """Where receipts go, when not to where the account or application says: this account's callback URL."""
    viber_category: Literal["transaction", "promotion"] = "transaction"
    """Of Viber messages."""


class VonageAccount(ProviderAccount):
    """The senders of one channel at Vonage."""

    provider: Literal["vonage"] = "vonage"
    channel: Channel = "sms"
    """sms, mms, whatsapp, viber or messenger."""
    url: HttpUrl | None = None
    """Where the API is: another place only for another region."""
    credentials: Annotated[VonageKey | VonageApplication, Field(discriminator="scheme")]
    """What the gateway proves itself with."""
    callback: VonageCallback
    """What Vonage proves its callbacks with."""
    parameters: VonageParameters = VonageParameters()
    """Which API sends."""

    @model_validator(mode="after")
    def _consistent(self) -> VonageAccount:
        if not self.senders:
            raise ValueError("needs from: Vonage sends nothing without a sender")
        if self.parameters.api == "sms" and self.channel != "sms":
            raise ValueError("the SMS API is for the channel sms")
        if self.parameters.api == "sms" and self.credentials.scheme != "key":
            raise ValueError("the SMS API takes credentials of scheme key")
        return self
