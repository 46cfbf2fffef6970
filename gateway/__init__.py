"""The core: knows no provider and no processor."""

__version__ = "0.1.0"
