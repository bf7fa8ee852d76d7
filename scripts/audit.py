"""Look the locked packages up among known vulnerabilities: ``make audit``.

pip-audit asks OSV, which has the advisories of the Python Packaging Authority and of GitHub. A
vulnerability that is found fails the run, and so does an answer that is none. Only where OSV
cannot be reached at all, as on a machine without the internet, is the audit skipped, and says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
LOCKED = ROOT / "constraints.txt"
OSV_URL = "https://api.osv.dev/v1/query"
PROBE_TIMEOUT_S = 10

ACCEPTED: Mapping[str, str] = {}
"""Advisories that do not concern this project, by their id, and why not."""


def why_not_reached(url: str) -> str | None:
    """Return why a service cannot be reached, or None if something answers there.

    A certificate that cannot be checked is no reason: somebody is there, and it is not clear who.
    """
    try:
        requests.post(url, json={}, timeout=PROBE_TIMEOUT_S)
    except requests.exceptions.SSLError:
        return None
    except (requests.ConnectionError, requests.Timeout) as error:
        return type(error).__name__
    return None


def command(url: str, requirements: Path, accepted: Sequence[str]) -> list[str]:
    """Return the call of pip-audit: all versions are given, so it needs neither index nor pip."""
    ignored = [word for each in accepted for word in ("--ignore-vuln", each)]
    asked = ["--vulnerability-service", "osv", "--osv-url", url, "--requirement", str(requirements)]
    given = ["--no-deps", "--disable-pip", "--strict", "--progress-spinner", "off"]
    return [sys.executable, "-m", "pip_audit", *asked, *given, *ignored]


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit, and return the exit status: 0 also where it was skipped."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--url", default=OSV_URL, help="of OSV's API, or of another like it")
    parser.add_argument("--requirements", type=Path, default=LOCKED)
    parser.add_argument("--accept", action="append", default=[], metavar="ID")
    options = parser.parse_args(arguments)
    if reason := why_not_reached(options.url):
        print(f"audit skipped: {options.url} cannot be reached ({reason})")
        return 0
    accepted = [*ACCEPTED, *options.accept]
    return subprocess.run(
        command(options.url, options.requirements, accepted), check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
