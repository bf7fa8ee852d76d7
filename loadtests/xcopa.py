"""The locustfile: people and programs that ask in all twelve languages.

    locust -f loadtests/xcopa.py                                            # its page, on port 8089
    locust -f loadtests/xcopa.py --headless -u 16 -t 30s --languages et,ta --tags single batch

If the service needs an API key, XCOPA_API_KEY holds it.

Users send single questions to either model, batches, comparisons of both, and rankings. An answer
that is not sound, or another than before, counts as a failure, whatever its status.
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loadtests.callers import options, recording, start
from loadtests.callers.users import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ranker", "SingleCaller", "options", "recording", "start"]
