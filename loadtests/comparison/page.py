"""Writes ``docs/comparison.md`` from the records of a run.

    python -m loadtests.comparison.page

It needs ``docs/results/comparison.json``, which ``make peers`` writes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.bench.closed_load import CALLERS
from loadtests.bench.page import machine, number
from loadtests.comparison.aims import server_ratio, verdicts
from loadtests.comparison.features import FeatureTable
from loadtests.comparison.figures import ContenderFigures, capacity
from loadtests.comparison.plan import OURS, THEIRS
from loadtests.comparison.reading import closed, cpu, opened, over, server_rate
from loadtests.comparison.reasons import WinReasons
from loadtests.comparison.store import REASON, ServerRecord
from loadtests.comparison.wins import FIGURES, wins_of
from loadtests.peers.catalogue import ALL_PEERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, DATA = DOCS / "comparison.md", DOCS / "results" / "comparison.json"

QUICK = (
    "**A quick run: it shows that everything runs. Its figures are too rough to be relied on.**\n"
)

UNMEASURED = """# Beside its peers

Not measured yet. `make peers` measures it ([how](how-to/measure-speed.md)) and writes this page.
"""

INTRODUCTION = """# Beside its peers

The same checkpoint behind each server, on one machine, with the same threads, items and load
generator. `make peers` makes this page;
[how each server is set up](decisions/0046-peers-compared-under-one-plan.md), and
[why they are in environments of their own](decisions/0035-peers-in-their-own-environment.md).
Each answer is compared with the service's: logits within 0.001, and where a server computes in
8 bits, only labels.
"""

EXPLAINED = """
- *Capacity*: requests per second when {callers} callers ask again as soon as they are answered,
  the median of {rounds} loads of {seconds:g} s. *Service over it*: the service's capacity, in turns
  with this server, over this server's.
- *Server rate*: the highest rate of MLPerf's Server scenario with p99 within {bound:g} ms that
  LoadGen calls valid, in runs of up to {most:g} s. No official MLPerf result. *Service over it*:
  the service's over this server's.
- *CPU*: processor seconds of all processes of the server for 1,000 predictions, at saturation.
  *Memory*: what they hold after the loads; what processes share is counted once.
- *Start*: from the command to the first ready answer, with the model on disk. *Framework*:
  processor time of a request when the model computes nothing, tokenizing included.
"""

ARRIVALS = """At shares of each server's own capacity; below each load of a peer stands that of the
service in turns with it. Latencies are in milliseconds from when a request was due; goodput is
answers within {good:g} s.
"""

AIMS = """Over all servers that were measured:
"""


def page_of(records: Sequence[ServerRecord], features: FeatureTable, reasons: WinReasons) -> str:
    """Return the page.

    Args:
        records: that of the service and those of its peers, in the order of the tables.
        features: see ``FeatureTable``.
        reasons: why peers are better at something.

    Raises:
        ValueError: there is no record of the service, or no peer has figures.
    """
    service, measured = parted(records)
    parts = [
        INTRODUCTION,
        *([QUICK] if service["plan"]["is_quick"] else []),
        f"{'; '.join(dict.fromkeys(machine(each['machine']) for each in records))}.\n",
        "## The aims\n",
        AIMS,
        "".join(f"- {each}.\n" for each in verdicts(service, measured)),
        "## At saturation, and what it costs\n",
        summary(service, measured),
        explained(service),
        "## When requests arrive at random\n",
        ARRIVALS.format(good=service["plan"]["good_s"]),
        arrivals(measured),
        "## Where a peer is better\n",
        wins_of(service, measured, reasons),
        "## Not compared\n",
        refusals(records),
        "## What each does\n",
        f"As their documentation said on {features.read}; each cell links to it.\n",
        features.markdown() + "\n",
    ]
    return "\n".join(parts)


def parted(records: Sequence[ServerRecord]) -> tuple[ServerRecord, list[ServerRecord]]:
    """Return the record of the service, and those of the peers that have figures.

    Raises:
        ValueError: there is no record of the service, or no peer has figures.
    """
    service = next((each for each in records if each["slug"] == "service"), None)
    measured = [each for each in records if each is not service and REASON not in each]
    if service is None or not measured:
        raise ValueError("a comparison needs a record of the service, and one of a peer")
    return service, measured


def summary(service: ServerRecord, peers: Sequence[ServerRecord]) -> str:
    """Return the table of a line for each server."""
    head = (
        *("server", "setup", "capacity /s", "service over it"),
        *("Server rate /s", "service over it"),
        *("CPU s / 1,000", "memory MiB", "start s", "framework ms", "labels that agree"),
    )
    rows = [_service_row(service, peers), *(_peer_row(service, each) for each in peers)]
    return _table(head, rows)


def _service_row(service: ServerRecord, peers: Sequence[ServerRecord]) -> list[str]:
    loads = [load for peer in peers for load in closed(peer, OURS)]
    return [
        *("**service**", "as shipped", number(capacity(loads)), "1"),
        *(_server_cell(service), "1", number(cpu(loads))),
        *(number(service["memory_mib"]), number(service["start_s"]), _framework(service), ""),
    ]


def _peer_row(service: ServerRecord, peer: ServerRecord) -> list[str]:
    ours, theirs = closed(peer, OURS), closed(peer, THEIRS)
    versions = ", ".join(f"{name} {version}" for name, version in peer["versions"].items())
    agreement = peer["agreement"]
    return [
        *(f"{peer['name']} ({versions})", peer["setup"], number(capacity(theirs))),
        *(number(over(ours, theirs)), _server_cell(peer), _server_ratio_cell(service, peer)),
        *(number(cpu(theirs)), number(peer["memory_mib"])),
        *(number(peer["start_s"]), _framework(peer)),
        f"{agreement['labels']:.1%} of {agreement['items']}",
    ]


def _server_cell(record: ServerRecord) -> str:
    found = server_rate(record)
    return str(found) if found.rate is None else number(found.rate)


def _server_ratio_cell(service: ServerRecord, peer: ServerRecord) -> str:
    ratio = server_ratio(service, peer)
    return "" if ratio is None else number(ratio)


def _framework(record: ServerRecord) -> str:
    null = record["null"]
    return number(ContenderFigures.from_json(null).cpu_s_per_1000) if null else "not measured"


def arrivals(peers: Sequence[ServerRecord]) -> str:
    """Return the table of open loads, a line for each peer and one for the service beside it."""
    head = (
        *("server", "of its capacity", "arrivals /s", "p50", "p95", "p99"),
        *("goodput /s", "failed"),
    )
    rows = []
    for peer in peers:
        own = opened(peer, OURS)
        for share, load in opened(peer, THEIRS).items():
            rows.append(_arrival_row(peer["name"], share, load))
            rows.append(_arrival_row("*service*", share, own[share]))
    return _table(head, rows)


def _arrival_row(name: str, share: float, load: ContenderFigures) -> list[str]:
    return [
        *(name, f"{share:.0%}", number(load.offered_per_s)),
        *(number(load.p50_ms), number(load.p95_ms), number(load.p99_ms)),
        *(number(load.goodput_per_s), f"{load.failed_share:.1%}"),
    ]


def explained(service: ServerRecord) -> str:
    """Return what the columns of the first table mean."""
    plan: dict[str, Any] = service["plan"]
    return EXPLAINED.format(
        callers=CALLERS,
        rounds=plan["rounds"],
        seconds=plan["seconds"],
        bound=1000 * plan["bound_s"],
        most=plan["most_s"],
    )


def refusals(records: Sequence[ServerRecord]) -> str:
    """Return the peers without figures, with the reasons."""
    lines = [f"- {each['name']}: {each[REASON]}" for each in records if REASON in each]
    return "\n".join(lines or ["Each one ran."]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def known_reasons() -> WinReasons:
    """Return the reasons that are committed."""
    return WinReasons.load([peer.slug for peer in ALL_PEERS], FIGURES)


def main() -> int:
    """Write the page anew; return the exit status."""
    try:
        records = json.loads(DATA.read_text(encoding="utf-8"))
    except OSError as error:
        print(f"{error}: `make peers` writes it", file=sys.stderr)  # noqa: T201 - a command
        return 1
    PAGE.write_text(page_of(records, FeatureTable.load(), known_reasons()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
