"""The benchmarks: ``python -m loadtests.bench``; see ``docs/how-to/measure-speed.md``."""

# Before torch: it says how idle threads of a forward pass wait, and torch reads that once.
import app  # noqa: F401
