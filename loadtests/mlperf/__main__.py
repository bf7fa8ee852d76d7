"""Runs MLPerf Inference's scenarios against the service. No official results.

python -m loadtests.mlperf                                   # all four, all variants
python -m loadtests.mlperf Server --p99-ms 500 --out mlperf
XCOPA_DATA_DIR=DIR python -m loadtests.mlperf Offline --accuracy
"""

from __future__ import annotations

from loadtests.mlperf.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m loadtests.mlperf")
