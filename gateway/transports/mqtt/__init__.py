"""MQTT, by paho on the event loop: publishing, as handlers are handed it (`publisher`), and listening, for
the bridge (`listener`). Every process that sends has a publisher: it loads paho when it first connects."""
