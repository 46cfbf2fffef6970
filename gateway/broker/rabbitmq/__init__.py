"""The broker port over RabbitMQ, through aio-pika."""

from gateway.broker.rabbitmq.broker import RabbitBroker

__all__ = ["RabbitBroker"]
