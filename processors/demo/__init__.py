"""The demonstration: the gateway and the providers' simulator as processes, and a platform that uses them."""
