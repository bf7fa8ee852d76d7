"""The service: everything that runs when it serves."""

__version__ = "0.1.0"
