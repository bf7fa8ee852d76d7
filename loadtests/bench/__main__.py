"""Measures what ``docs/results/speed.md`` reports.

    python -m loadtests.bench                   # everything, some 35 minutes
    python -m loadtests.bench encoder lone      # some of it

The sides of a comparison alternate within one run; printed are medians with the least and the
greatest.
"""

from __future__ import annotations

from loadtests.bench.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m loadtests.bench")
