"""Compares the service with its peers.

python -m loadtests.comparison --only mosec,ray-serve --seconds 20
"""

from __future__ import annotations

from loadtests.comparison.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m loadtests.comparison")
