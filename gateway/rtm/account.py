"""An account of the in-app channel: an MQTT broker, and how the gateway and applications' clients use it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, UrlConstraints
from pydantic_core import Url

from gateway.model.account import ProviderAccount, Settings
from gateway.model.secret import Secret
from gateway.transports.port import MqttServer


def _without_login(url: Url) -> Url:
    if url.username is not None or url.password is not None:
        raise ValueError("takes no user and password: they belong into credentials")
    return url


MqttUrl = Annotated[
    Url,
    UrlConstraints(allowed_schemes=["mqtt", "mqtts"], host_required=True),
    AfterValidator(_without_login),
]
WebSocketUrl = Annotated[str, StringConstraints(pattern=r"^wss?://[^\s]+$", max_length=2_048)]
BrokerUrl = Annotated[str, StringConstraints(pattern=r"^mqtts?://[^\s]+$", max_length=2_048)]


class RtmCredentials(Settings):
    """What the gateway proves itself with."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """The gateway's own login at the broker: it must be allowed to publish and subscribe to imgw/v1/#, also
    by shared subscription ($share/imgw/imgw/v1/#), and, with `access: dynamic_security`, to
    $CONTROL/dynamic-security/#."""
    password: Secret
    """That login's password."""


class RtmCallback(Settings):
    """What the broker proves itself with."""

    secret: Annotated[Secret, Field(min_length=22, max_length=256)]
    """Comes as `Authorization: Bearer <secret>`, or, from a broker that cannot send headers, as
    `?secret=<secret>`."""


class RtmParameters(Settings):
    """What the broker can do, and how clients reach it."""

    protocol: Literal["5", "3.1.1"] = "5"
    """The version of MQTT. 3.1.1 is for brokers that have nothing else: without expiry, reason codes and
    properties."""
    inbound: Literal["shared_subscription", "subscription", "amq_topic"] = "shared_subscription"
    """How what devices publish is taken: by a subscription that all instances of the rtm daemon share; by an
    ordinary one, of one instance at a time, while the others stand by; or, where the broker is the RabbitMQ
    that the gateway stands on, from its exchange amq.topic. Mosquitto forgets shared subscriptions when it is
    restarted: until the bridge is back, clients get a PUBACK with reason 16 and have to publish again. An
    ordinary subscription it keeps, and nothing has to be repeated."""
    access: Literal["dynamic_security", "external"] = "external"
    """Who tells the broker what devices may do: the gateway, through Mosquitto's dynamic security plugin; or
    the broker finds out itself, by asking the web daemon or by reading the token."""
    public_url: BrokerUrl | None = None
    """Where clients reach the broker, when not at `url`."""
    public_websocket_url: WebSocketUrl | None = None
    """Where clients reach it over WebSocket, as browsers must."""


class RtmAccount(ProviderAccount):
    """One MQTT broker that applications' clients are connected to."""

    provider: Literal["rtm"] = "rtm"
    channel: Literal["rtm"] = "rtm"
    """The channel that it counts as in routing."""
    url: MqttUrl  # type: ignore[assignment]  # not HTTP
    """The MQTT broker, as mqtt:// or mqtts://."""
    credentials: RtmCredentials | None = None
    """What the gateway proves itself with; without it, it connects without a login."""
    callback: RtmCallback | None = None
    """What the broker proves itself with, where it asks the web daemon who may do what. What devices have to
    say comes over MQTT."""
    parameters: RtmParameters = RtmParameters()
    """What the broker can do, and how clients reach it."""

    @property
    def server(self) -> MqttServer:
        """Where and as whom the gateway connects."""
        login = self.credentials
        return MqttServer(
            host=(self.url.host or "").strip("[]"),  # of an IPv6 address
            port=self.url.port or (8883 if self.url.scheme == "mqtts" else 1883),
            tls=self.url.scheme == "mqtts",
            username=login.username if login else None,
            password=login.password.get_secret_value() if login else None,
            protocol=self.parameters.protocol,
        )

    @property
    def place(self) -> str:
        """The MQTT broker, as sessions are remembered by: where it is, and under which login."""
        server = self.server
        return f"{server.host}:{server.port} {server.username or ''}".rstrip()

    @property
    def client_url(self) -> str:
        """Where clients connect to."""
        return self.parameters.public_url or str(self.url)
