"""The page says what the records hold."""

from __future__ import annotations

import json

import pytest

from loadtests.comparison import page
from loadtests.comparison.features import FeatureTable
from loadtests.comparison.page import DATA, PAGE, QUICK, page_of
from loadtests.comparison.plan import LoadPlan
from loadtests.mlperf.server_rate import ServerRate
from tests.loadtests.comparison.records import peer, refused, service

FEATURES = FeatureTable.load()


def section(text: str, title: str) -> list[str]:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0].strip().splitlines()


def test_the_page_in_the_documentation_is_current() -> None:
    """``python -m loadtests.comparison.page`` makes it so; before the first run there is none."""
    assert PAGE.exists() == DATA.exists()
    if PAGE.exists():
        assert PAGE.read_text("utf-8") == page_of(json.loads(DATA.read_text("utf-8")), FEATURES)


def test_a_line_for_each_server_with_the_service_first() -> None:
    text = page_of([service(), peer(), peer("LitServe", 50.0)], FEATURES)
    lines = section(text, "At saturation, and what it costs")
    assert lines[2] == "| **service** | as shipped | 80 | 1 | 60 | 25 | 600 | 5 | 0.5 |  |"
    assert lines[3] == (
        "| mosec (mosec 1.2.3) | 2 x 1 threads, batches up to 8, wait 5 ms | 40 | 2 | 20 | 50 "
        "| 900 | 9 | 0.8 | 100.0% of 256 |"
    )
    assert "A Processor (family 6, model 1), 2 cores" in text
    assert "loads of 20 s" in text


def test_a_server_rate_that_was_not_measured_was_a_0_on_the_page() -> None:
    slow = peer(server=ServerRate(None, "even 4 queries/s are too many").to_json())
    row = section(page_of([service(), slow], FEATURES), "At saturation, and what it costs")[3]
    assert row.split(" | ")[4] == "not measured: even 4 queries/s are too many"


def test_each_load_of_a_peer_has_a_line_beside_the_services() -> None:
    lines = section(page_of([service(), peer()], FEATURES), "When requests arrive at random")
    rows = [line for line in lines if line.startswith("| mosec")]
    assert rows[0] == "| mosec | 30% | 12 | 100 | 200 | 470 | 12 | 0.0% | 190 | 24 |"
    assert [row.split(" | ")[1] for row in rows] == ["30%", "60%", "90%", "120%"]


def test_where_a_peer_is_better_it_is_said() -> None:
    text = page_of([service(), peer(memory_mib=400.0), peer("LitServe")], FEATURES)
    assert section(text, "Where a peer is better") == ["- mosec, memory: 400 MiB, the service 600"]
    text = page_of([service(), peer()], FEATURES)
    assert section(text, "Where a peer is better") == ["In none of these figures."]


def test_a_peer_that_could_not_run_is_listed_with_its_reason() -> None:
    text = page_of([service(), peer(), refused("Triton", "it did not start")], FEATURES)
    assert section(text, "Not compared") == ["- Triton: it did not start"]
    assert "| Triton (" not in text
    assert section(page_of([service(), peer()], FEATURES), "Not compared") == ["Each one ran."]


def test_what_was_not_measured_says_so() -> None:
    text = page_of([service(), peer(null=None)], FEATURES)
    assert "| not measured |" in text


def test_a_quick_run_is_marked() -> None:
    quick = LoadPlan.quick(3).to_json()
    assert QUICK in page_of([service(plan=quick), peer(plan=quick)], FEATURES)
    assert QUICK not in page_of([service(), peer()], FEATURES)


@pytest.mark.parametrize("records", [[], [service()], [peer()], [service(), refused()]])
def test_without_the_service_or_a_peer_there_is_no_page(records: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="a comparison needs"):
        page_of(records, FEATURES)


def test_before_the_first_run_the_command_says_what_makes_its_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "DATA", DATA.with_name("none.json"))
    assert page.main() == 1
    assert "`make peers` writes it" in capsys.readouterr().err
