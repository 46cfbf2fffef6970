"""What the in-app channel adds to the processors: its bridge, and a step in each of MT, MO and DR."""
