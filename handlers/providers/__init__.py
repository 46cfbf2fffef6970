"""The providers: one module or package each, found by where it lies."""
