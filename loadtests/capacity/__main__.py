"""Answers how many requests a second a service answers in time.

python -m loadtests.capacity --p99-ms 500 --routes single,batch,compare,rank --out capacity
"""

from __future__ import annotations

from loadtests.capacity.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m loadtests.capacity")
