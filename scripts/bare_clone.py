"""Count the tests that a clone without data skips: ``python -m scripts.bare_clone``."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from scripts.quality import write_results

ROOT = Path(__file__).resolve().parent.parent
SUITE = ("pytest", "-q", "-n", "3", "--dist", "loadfile", "-m", "not slow and not gpu")


def run_suite(clone: Path) -> Path:
    """Clone what is committed, run the default suite there, and return its JUnit report."""
    report = clone / "tests.xml"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)  # noqa: S607
    environment = {name: value for name, value in os.environ.items() if name != "XCOPA_DATA_DIR"}
    command = [sys.executable, "-m", *SUITE, f"--junitxml={report}"]
    subprocess.run(command, cwd=clone, env=environment, check=False)
    return report


def count_skipped(report: Path) -> tuple[int, int]:
    """Return how many tests were skipped, and how many there are, by a JUnit report."""
    suites = ET.parse(report).getroot().findall("testsuite")  # noqa: S314 - we have just made it
    skipped, tests = (sum(int(suite.attrib[n]) for suite in suites) for n in ("skipped", "tests"))
    return skipped, tests


def main() -> int:
    """Run, count, and keep the count for ``make figures``."""
    with tempfile.TemporaryDirectory() as folder:
        skipped, tests = count_skipped(run_suite(Path(folder) / "clone"))
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    found = {"command": "make bare-clone", "date": today, "skipped": skipped, "tests": tests}
    write_results(ROOT, {"bare_clone": found})
    sys.stdout.write(f"{skipped} of {tests} tests are skipped in a bare clone\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
