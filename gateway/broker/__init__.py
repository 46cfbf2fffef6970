"""The message broker: a port, and RabbitMQ and the embedded broker behind it."""
