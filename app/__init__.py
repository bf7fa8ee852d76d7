"""The service: everything that runs when it serves."""

import os

__version__ = "0.2.0"

# Threads of a forward pass that have nothing to do sleep instead of spinning: beside other work
# spinning made a pass three to five times slower (docs/decisions/0012-threads-sleep.md).
# OpenMP reads this when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
