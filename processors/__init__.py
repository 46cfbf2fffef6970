"""The daemons and the command: the only part that knows how everything fits together."""
