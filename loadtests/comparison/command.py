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
from loadtests.comparison.aims import verdicts
from loadtests.comparison.contender import Contender
from loadtests.comparison.features import FeatureTable, FeatureTableError
from loadtests.comparison.origin import RunOrigin
from loadtests.comparison.page import DATA, PAGE, known_reasons, page_of, parted
from loadtests.comparison.plan import LoadPlan
from loadtests.comparison.reasons import ReasonsError
from loadtests.comparison.run import SERVICE_SLUG, ComparisonRun
from loadtests.comparison.store import REASON, RecordStore, ServerRecord
from loadtests.number_options import MOST_S
from loadtests.peers.catalogue import ALL_PEERS, WITHOUT_PACKAGE
from loadtests.peers.peer import Peer

OUT, QUICK_OUT = Path("runs/comparison"), Path("runs/comparison-quick")
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
    typer.Option(
        min=1.0,
        max=MOST_S,
        help=f"Of each load; {SECONDS:g}, or with --quick {QUICK_SECONDS:g}.",
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        help=f"Folder for the records, the page and LoadGen's logs; {OUT}, or {QUICK_OUT}."
    ),
]
_Quick = Annotated[bool, typer.Option("--quick", help="Show that everything runs, roughly.")]
_Publish = Annotated[
    bool, typer.Option("--publish", help="Write docs/comparison.md and its data, too.")
]


@cli.command()
def compare(
    only: _Only = None,
    seconds: _Seconds = None,
    out: _Out = None,
    quick: _Quick = False,
    publish: _Publish = False,
) -> None:
    """Compare the service with its peers, one after the other, each in turns with it.

    Each is installed into an environment of its own at its first run. A run that was ended goes on
    where it was, unless plan, versions, machine, model or code are others; delete a record to
    measure its server again. A verdict for each aim is printed. Exit status: 0 all that was asked
    for was compared, 1 a peer could not be, 2 the command cannot be carried out.
    """
    if quick and publish:
        raise typer.BadParameter("a quick run is too rough to publish", param_hint="--publish")
    peers, plan = _peers(only), _plan(seconds, quick)
    folder = out or (QUICK_OUT if quick else OUT)
    try:
        store = RecordStore(folder, plan, RunOrigin.here(mixed_items(plan.items)))
        if publish:
            _check_whole(peers, store)
        _measure(peers, store, Console(stderr=True))
        records = list(_known(store))
        _write(records, folder / "comparison.json", folder / "comparison.md")
        if publish:
            _write(records, DATA, PAGE)
    except (StartError, FeatureTableError, ReasonsError, OSError, ValueError) as error:
        typer.echo(f"comparison: {error}", err=True)
        raise typer.Exit(2) from error
    _say(records, folder / "comparison.md")
    asked = {peer.slug for peer in peers}
    refused = [each for each in records if REASON in each and each["slug"] in asked]
    raise typer.Exit(1 if refused else 0)


def _check_whole(peers: Sequence[Peer], store: RecordStore) -> None:
    """The page that is published is of all peers: some alone must not take its place."""
    unknown = [
        each.slug
        for each in ALL_PEERS
        if each not in peers and store.known(each.slug, each.versions()) is None
    ]
    if unknown:
        raise typer.BadParameter(
            f"nothing is known yet of {', '.join(unknown)}; leave --only out to measure all",
            param_hint="--publish",
        )


def _say(records: Sequence[ServerRecord], page: Path) -> None:
    service, measured = parted(records)
    if service["plan"]["is_quick"]:
        typer.echo("a quick run: figures and verdicts are too rough to be relied on")
    for verdict in verdicts(service, measured):
        typer.echo(str(verdict))
    typer.echo(f"{page}")


def _plan(seconds: float | None, quick: bool) -> LoadPlan:
    if quick:
        return LoadPlan.quick(seconds or QUICK_SECONDS)
    return LoadPlan.full(seconds or SECONDS)


def _measure(peers: Sequence[Peer], store: RecordStore, console: Console) -> None:
    """Make the records of the service and of peers; those that are kept are not made again."""
    is_known = store.kept(SERVICE_SLUG, {}) is not None
    missing = [peer for peer in peers if store.kept(peer.slug, peer.versions()) is None]
    if is_known and not missing:
        return
    with _running(store, console) as (run, ours, start_s):
        if not is_known:
            store.keep(run.service_record(ours, start_s))
        for peer in missing:
            console.rule(peer.name)
            store.keep(run.peer_record(peer, ours))


def _known(store: RecordStore) -> Iterator[ServerRecord]:
    """Yield the records of the service and of all peers of which there is one."""
    known = [store.known(peer.slug, peer.versions()) for peer in ALL_PEERS]
    yield from filter(None, (store.known(SERVICE_SLUG, {}), *known))
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
                store.origin,
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
    text = page_of(records, FeatureTable.load(), known_reasons())
    data.write_text(json.dumps(list(records), indent=2) + "\n", encoding="utf-8")
    page.write_text(text, encoding="utf-8")
