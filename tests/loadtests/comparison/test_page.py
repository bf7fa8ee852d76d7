"""The page says what the records hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.comparison import page
from loadtests.comparison.features import FeatureTable
from loadtests.comparison.page import DATA, PAGE, QUICK, UNMEASURED, known_reasons, page_of
from loadtests.comparison.plan import LoadPlan
from loadtests.comparison.reasons import WinReasons
from loadtests.mlperf.server_rate import ServerRate
from tests.loadtests.comparison.records import peer, refused, service

FEATURES = FeatureTable.load()
REASONS = WinReasons({"mosec": {"memory": "It has no engines."}})


def section(text: str, title: str) -> list[str]:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0].strip().splitlines()


def written(*of: dict[str, Any]) -> str:
    return page_of(of, FEATURES, REASONS)


def test_the_page_in_the_documentation_is_current() -> None:
    """``python -m loadtests.comparison.page`` makes it so."""
    current = UNMEASURED
    if DATA.exists():
        current = page_of(json.loads(DATA.read_text("utf-8")), FEATURES, known_reasons())
    assert PAGE.read_text("utf-8") == current


def test_a_line_for_each_server_with_the_service_first() -> None:
    text = written(service(), peer(), peer("LitServe", 50.0))
    lines = section(text, "At saturation, and what it costs")
    assert lines[2] == "| **service** | as shipped | 80 | 1 | 60 | 1 | 25 | 600 | 5 | 0.5 |  |"
    assert lines[3] == (
        "| mosec (mosec 1.2.3) | 2 x 1 threads, batches up to 8, wait 5 ms | 40 | 2 | 20 | 3 | 50 "
        "| 900 | 9 | 0.8 | 100.0% of 256 |"
    )
    assert "A Processor (family 6, model 1), 2 cores" in text
    assert "loads of 20 s" in text


def test_a_server_rate_that_was_not_measured_was_a_0_on_the_page() -> None:
    slow = peer(server=ServerRate(None, "even 4 queries/s are too many").to_json())
    row = section(written(service(), slow), "At saturation, and what it costs")[3]
    assert row.split(" | ")[4:6] == ["not measured: even 4 queries/s are too many", ""]


def test_each_load_of_a_peer_has_a_line_beside_the_services() -> None:
    lines = section(written(service(), peer()), "When requests arrive at random")
    rows = lines[-8:]
    assert rows[:2] == [
        "| mosec | 30% | 12 | 100 | 200 | 470 | 12 | 0.0% |",
        "| *service* | 30% | 24 | 100 | 200 | 190 | 24 | 0.0% |",
    ]
    assert [row.split(" | ")[1] for row in rows[::2]] == ["30%", "60%", "90%", "120%"]


def test_each_aim_has_a_verdict_on_the_page() -> None:
    lines = section(written(service(), peer()), "The aims")
    assert [line.split(":")[0] for line in lines if line.startswith("- ")] == ["- met"] * 4


def test_where_a_peer_is_better_it_is_said() -> None:
    text = page_of(
        [service(), peer(memory_mib=400.0), peer("LitServe", start_s=1.0)], FEATURES, REASONS
    )
    assert section(text, "Where a peer is better") == [
        "- mosec, memory: 400 MiB, the service 600. It has no engines.",
        "- LitServe, start: 1 s, the service 5. Why is not written down yet.",
    ]
    text = written(service(), peer())
    assert section(text, "Where a peer is better") == ["In none of these figures."]


def test_a_peer_that_could_not_run_is_listed_with_its_reason() -> None:
    text = written(service(), peer(), refused("Triton", "it did not start"))
    assert section(text, "Not compared") == ["- Triton: it did not start"]
    assert "| Triton (" not in text
    assert section(written(service(), peer()), "Not compared") == ["Each one ran."]


def test_what_was_not_measured_says_so() -> None:
    text = written(service(), peer(null=None))
    assert "| not measured |" in text


def test_a_quick_run_is_marked() -> None:
    quick = LoadPlan.quick(3).to_json()
    assert QUICK in written(service(plan=quick), peer(plan=quick))
    assert QUICK not in written(service(), peer())


@pytest.mark.parametrize("records", [[], [service()], [peer()], [service(), refused()]])
def test_without_the_service_or_a_peer_there_is_no_page(records: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="a comparison needs"):
        written(*records)


def test_before_the_first_run_the_command_says_what_makes_its_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "DATA", DATA.with_name("none.json"))
    assert page.main() == 1
    assert "`make peers` writes it" in capsys.readouterr().err
