"""Starts three services behind HAProxy and shakes them under load.

python -m loadtests.fleet --out fleet
"""

from __future__ import annotations

from loadtests.fleet.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m loadtests.fleet")
