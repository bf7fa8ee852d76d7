"""Measures the figures of ``docs/results/speed.md``.

    python -m loadtests.bench                   # everything, about 35 minutes
    python -m loadtests.bench encoder lone      # some of it

The sides of a comparison alternate within one run. The output has the median, the least and the
greatest.
"""

from __future__ import annotations

from loadtests.bench.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m loadtests.bench")
