"""The benchmarks: ``python -m loadtests.bench``; see ``docs/performance.md``."""
