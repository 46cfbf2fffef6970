"""MQTT, by paho on the event loop: publishing, as handlers are handed it, and listening, for the bridge."""

from gateway.transports.mqtt.listener import MqttListener
from gateway.transports.mqtt.publisher import MqttPublisher
from gateway.transports.mqtt.received import Received

__all__ = ["MqttListener", "MqttPublisher", "Received"]
