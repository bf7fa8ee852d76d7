"""The command line: runs the comparison, keeps its records, and writes the page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.errors import StartError
from app.settings import DIRECT
from loadtests.bench.checkpoint import exported
from loadtests.bench.inputs import mixed_items
from loadtests.bench.machine import describe_machine
from loadtests.bench.peers import answers_of
from loadtests.bench.servers import SERVICE, started
from loadtests.comparison.contender import Contender
from loadtests.comparison.features import FeatureTable
from loadtests.comparison.page import DATA, PAGE, page_of
from loadtests.comparison.plan import LoadPlan
from loadtests.comparison.run import SERVICE_SLUG, ComparisonRun
from loadtests.comparison.store import REASON, RecordStore, ServerRecord
from loadtests.peers.catalogue import ALL_PEERS, WITHOUT_PACKAGE
from loadtests.peers.peer import Peer

OUT = Path("runs/comparison")
SECONDS, QUICK_SECONDS = 20.0, 3.0

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _peers(only: str | None) -> list[Peer]:
    by_slug = {peer.slug: peer for peer in ALL_PEERS}
    wanted = only.split(",") if only else list(by_slug)
    for name in wanted:
        if name not in by_slug:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(by_slug)}")
    return [by_slug[name] for name in wanted]


_Only = Annotated[str | None, typer.Option(help="Peers, with commas between; without it, all.")]
_Seconds = Annotated[
    float | None,
    typer.Option(min=1.0, help=f"Of each load; {SECONDS:g}, or with --quick {QUICK_SECONDS:g}."),
]
_Out = Annotated[Path, typer.Option(help="Folder for the records, the page and LoadGen's logs.")]
_Quick = Annotated[bool, typer.Option("--quick", help="Show that everything runs, roughly.")]
_Publish = Annotated[
    bool, typer.Option("--publish", help="Write docs/comparison.md and its data, too.")
]


@cli.command()
def compare(
    only: _Only = None,
    seconds: _Seconds = None,
    out: _Out = OUT,
    quick: _Quick = False,
    publish: _Publish = False,
) -> None:
    """Compare the service with its peers, one after the other, each in turns with it.

    Each is installed into an environment of its own at its first run. A run that was ended goes on
    where it was; delete a record to measure its server again. Exit status: 0 all that was asked for
    was compared, 1 a peer could not be, 2 the command cannot be carried out.
    """
    if quick and publish:
        raise typer.BadParameter("a quick run is too rough to publish", param_hint="--publish")
    peers, console = _peers(only), Console(stderr=True)
    plan = _plan(seconds, quick)
    try:
        records = list(_records(peers, RecordStore(out, plan), console))
        _write(records, out / "comparison.json", out / "comparison.md")
        if publish:
            _write(records, DATA, PAGE)
    except (StartError, OSError, ValueError) as error:
        typer.echo(f"comparison: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{out / 'comparison.md'}")
    asked = {peer.slug for peer in peers}
    refused = [each for each in records if REASON in each and each["slug"] in asked]
    raise typer.Exit(1 if refused else 0)


def _plan(seconds: float | None, quick: bool) -> LoadPlan:
    if quick:
        return LoadPlan.quick(seconds or QUICK_SECONDS)
    return LoadPlan.full(seconds or SECONDS)


def _records(peers: Sequence[Peer], store: RecordStore, console: Console) -> Iterator[ServerRecord]:
    """Yield the records of the service and of peers; those that are kept are not made again."""
    service = store.kept(SERVICE_SLUG, {})
    kept = {peer.slug: store.kept(peer.slug, peer.versions()) for peer in peers}
    missing = [peer for peer in peers if kept[peer.slug] is None]
    if service is None or missing:
        with _running(store, console) as (run, ours, start_s):
            if service is None:
                service = run.service_record(ours, start_s)
                store.keep(service)
            for peer in missing:
                console.rule(peer.name)
                kept[peer.slug] = record = run.peer_record(peer, ours)
                store.keep(record)
    yield service
    yield from (record for record in kept.values() if record is not None)
    yield from _without_package(store.plan)


@contextmanager
def _running(
    store: RecordStore, console: Console
) -> Iterator[tuple[ComparisonRun, Contender, float]]:
    """Start the service, and yield the run with it and with the seconds that its start took."""
    items = mixed_items(store.plan.items)
    with exported(DIRECT) as checkpoint:
        began = time.monotonic()
        with started(SERVICE) as server:
            start_s = time.monotonic() - began
            run = ComparisonRun(
                store.plan,
                items,
                answers_of(server, items),
                checkpoint,
                store.folder / "loadgen",
                lambda line: console.print(line, soft_wrap=True),
            )
            yield run, run.service(server), start_s


def _without_package(plan: LoadPlan) -> Iterator[ServerRecord]:
    for name, reason in WITHOUT_PACKAGE.items():
        yield {
            "name": name,
            "slug": name.lower().replace(" ", "-"),
            "versions": {},
            "plan": plan.to_json(),
            "machine": describe_machine(),
            REASON: reason,
        }


def _write(records: Sequence[ServerRecord], data: Path, page: Path) -> None:
    text = page_of(records, FeatureTable.load())
    data.write_text(json.dumps(list(records), indent=2) + "\n", encoding="utf-8")
    page.write_text(text, encoding="utf-8")
