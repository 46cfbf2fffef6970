"""The broker port over the store's own MongoDB, for an installation that has no RabbitMQ."""

from gateway.broker.embedded.broker import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
