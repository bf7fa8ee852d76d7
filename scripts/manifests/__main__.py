"""Writes what is generated, then renders and checks overlays.

python -m scripts.manifests                    # those of this repository
python -m scripts.manifests FOLDER [FOLDER]    # your own, on top of them
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.manifests import prometheus_rule
from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import OVERLAYS
from scripts.manifests.policies import policies_of
from scripts.manifests.render import ManifestError, render
from scripts.manifests.schemas import newest_releases, schema_complaints


def complaints(folder: Path) -> Iterator[str]:
    """Yield all that is wrong with an overlay."""
    try:
        resources = render(folder)
    except ManifestError as error:
        yield str(error)
        return
    for release in newest_releases():
        yield from schema_complaints(resources, release)
    manifests = Manifests(resources)
    for policy in policies_of(manifests):
        yield from policy.complaints(manifests)


def main() -> int:
    """Print what is wrong; return the exit status."""
    prometheus_rule.FILE.write_text(prometheus_rule.text(), encoding="utf-8")
    status = 0
    for folder in list(map(Path, sys.argv[1:])) or OVERLAYS:
        wrong = list(complaints(folder))
        print(f"{folder}: {'; '.join(wrong) or 'as it should be'}")
        status |= bool(wrong)
    return status


if __name__ == "__main__":
    sys.exit(main())
