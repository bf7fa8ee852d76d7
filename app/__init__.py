"""The service: everything that runs when it serves."""

from app.process import set_environment

__version__ = "0.2.0"

set_environment()
