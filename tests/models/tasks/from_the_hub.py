"""Loads tasks from the hub in a process of its own, since its client reads its settings once.

The arguments are ``task/split``; printed are, as JSON, the digest of each, or the error.
"""

from __future__ import annotations

import json
import sys

from models.tasks.example import DataError
from models.tasks.registry import find
from models.tasks.task import digest


def main(names: list[str]) -> None:
    loaded = {}
    for name in names:
        task, _, split = name.partition("/")
        try:
            loaded[name] = digest(find(task).load(None, split))
        except DataError as error:
            loaded[name] = str(error)
    sys.stdout.write(json.dumps(loaded))


if __name__ == "__main__":
    main(sys.argv[1:])
