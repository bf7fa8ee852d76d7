"""The command line of the comparison, with records in the place of servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from loadtests.comparison import command
from loadtests.comparison.command import cli
from loadtests.comparison.origin import RunOrigin
from loadtests.peers.catalogue import ALL_PEERS
from tests.loadtests.comparison import records


class Recorded:
    """Stands in for a run: gives out records, and remembers whose."""

    def __init__(self, refused: str = "") -> None:
        self.measured: list[str] = []
        self.plan: dict[str, Any] = {}
        self._refused = refused

    def service_record(self, ours: object, start_s: float) -> dict[str, Any]:
        self.measured.append("service")
        return records.service(plan=self.plan)

    def peer_record(self, peer: Any, ours: object) -> dict[str, Any]:
        self.measured.append(peer.slug)
        own = {"slug": peer.slug, "versions": peer.versions(), "plan": self.plan}
        if peer.slug == self._refused:
            return {**records.refused(peer.name), **own}
        return records.peer(peer.name, **own)

    @contextmanager
    def running(self, store: Any, console: object) -> Iterator[tuple[Any, object, float]]:
        self.plan = store.plan.to_json()
        yield self, object(), 5.0


def run(monkeypatch: pytest.MonkeyPatch, recorded: Recorded, *arguments: str) -> Any:
    monkeypatch.setattr(command, "_running", recorded.running)
    monkeypatch.setattr(RunOrigin, "here", lambda items: records.ORIGIN)
    return CliRunner().invoke(cli, arguments)


def test_records_data_and_page_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recorded, out = Recorded(), str(tmp_path)
    found = run(monkeypatch, recorded, "--only", "mosec,ray-serve", "--out", out)
    assert found.exit_code == 0, found.output
    assert recorded.measured == ["service", "mosec", "ray-serve"]
    data = json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    slugs = ["service", "mosec", "ray-serve", "text-embeddings-inference"]
    assert [each["slug"] for each in data] == slugs
    page = (tmp_path / "comparison.md").read_text("utf-8")
    assert "| mosec (mosec " in page
    assert "- Text Embeddings Inference: no package" in page


def test_a_run_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arguments = ("--only", "mosec,litserve", "--out", str(tmp_path))
    run(monkeypatch, Recorded(refused="litserve"), *arguments)
    again = Recorded()
    assert run(monkeypatch, again, *arguments).exit_code == 0
    assert again.measured == ["litserve"]
    third = Recorded()
    assert run(monkeypatch, third, *arguments).exit_code == 0
    assert third.measured == []
    other = Recorded()
    run(monkeypatch, other, *arguments, "--seconds", "30")
    assert other.measured == ["service", "mosec", "litserve"]


def test_a_peer_that_cannot_run_is_an_exit_status_of_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ("--only", "mosec,triton", "--out", str(tmp_path))
    assert run(monkeypatch, Recorded(refused="triton"), *arguments).exit_code == 1
    assert "- Triton: no such package" in (tmp_path / "comparison.md").read_text("utf-8")


def test_without_any_peer_there_is_no_page_and_one_line_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = run(monkeypatch, Recorded(refused="mosec"), "--only", "mosec", "--out", str(tmp_path))
    assert found.exit_code == 2
    assert "comparison: a comparison needs a record of the service" in found.output


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The page that is published, in a folder of its own; the data lie beside it."""
    monkeypatch.setattr(command, "DATA", tmp_path / "data.json")
    monkeypatch.setattr(command, "PAGE", tmp_path / "page.md")
    return tmp_path / "page.md"


def test_publishing_writes_the_documentation(
    monkeypatch: pytest.MonkeyPatch, published: Path, tmp_path: Path
) -> None:
    out = ("--out", str(tmp_path / "out"))
    run(monkeypatch, Recorded(), *out)
    assert not published.exists()
    assert run(monkeypatch, Recorded(), *out, "--publish").exit_code == 0
    assert published.read_text("utf-8").startswith("# Beside its peers")
    data = json.loads((tmp_path / "data.json").read_text("utf-8"))
    assert len(data) == 2 + len(ALL_PEERS)


def test_one_peer_alone_took_the_place_of_the_published_page(
    monkeypatch: pytest.MonkeyPatch, published: Path, tmp_path: Path
) -> None:
    arguments = ("--only", "mosec", "--publish", "--out", str(tmp_path / "out"))
    recorded = Recorded()
    refused = run(monkeypatch, recorded, *arguments)
    assert refused.exit_code == 2
    assert "nothing is known yet of fastapi, litserve" in " ".join(refused.output.split())
    assert (recorded.measured, published.exists()) == ([], False)
    run(monkeypatch, Recorded(refused="triton"), "--out", str(tmp_path / "out"))
    (tmp_path / "out" / "mosec.json").unlink()
    again = Recorded()
    assert run(monkeypatch, again, *arguments).exit_code == 0
    assert again.measured == ["mosec"]
    page = published.read_text("utf-8")
    assert all(f"| {name} (" in page for name in ("mosec", "FastAPI", "OpenVINO int8"))
    assert "- Triton: no such package" in page


def test_the_aims_are_judged_when_it_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = run(monkeypatch, Recorded(), "--only", "mosec", "--out", str(tmp_path))
    assert [line.split(":")[0] for line in found.stdout.splitlines()[:-1]] == ["met"] * 4
    quick = run(monkeypatch, Recorded(), "--quick", "--only", "mosec", "--out", str(tmp_path))
    assert quick.stdout.splitlines()[0].startswith("a quick run: ")


def test_a_quick_run_took_the_place_of_hours_of_records(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "OUT", tmp_path / command.OUT.name)
    monkeypatch.setattr(command, "QUICK_OUT", tmp_path / command.QUICK_OUT.name)
    for quick in ((), ("--quick",), ()):
        recorded = Recorded()
        assert run(monkeypatch, recorded, "--only", "mosec", *quick).exit_code == 0
    assert recorded.measured == []


def test_a_quick_run_is_marked_and_not_published(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorded = Recorded()
    run(monkeypatch, recorded, "--quick", "--only", "mosec", "--out", str(tmp_path))
    assert "A quick run" in (tmp_path / "comparison.md").read_text("utf-8")
    refused = run(monkeypatch, recorded, "--quick", "--publish", "--out", str(tmp_path))
    assert refused.exit_code == 2
    assert "too rough to publish" in refused.output


def test_a_name_that_is_none_gets_the_names_that_there_are() -> None:
    found = CliRunner().invoke(cli, ["--only", "mosek"], env={"COLUMNS": "300"})
    assert found.exit_code == 2
    assert "'mosek' is not one of fastapi, litserve, mosec" in " ".join(found.output.split())
