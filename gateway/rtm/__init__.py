"""The in-app channel: the words that applications' clients and the gateway exchange over an MQTT broker."""
