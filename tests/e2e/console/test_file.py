"""A visitor scores a file: read, paused, shown, and downloaded."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.e2e.console.visit import Visit
from tests.sample import sample_items

ITEMS = sample_items()
LANGUAGES = ["en", "sw"]
BATCH = "**/predict/xcopa/batch"


def labelled(count: int) -> list[dict[str, Any]]:
    rows = (ITEMS * (count // len(ITEMS) + 1))[:count]
    return [
        {**row, "label": place % 2, "language": LANGUAGES[place % 3 == 0], "idx": place}
        for place, row in enumerate(rows)
    ]


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def score(visit: Visit, rows: list[dict[str, Any]]) -> None:
    visit.paste(lines(rows))
    expect(visit.page.locator("#file-said")).to_contain_text(f"Done. {len(rows)} rows")


def answers_of(visit: Visit, rows: list[dict[str, Any]], model: str) -> list[dict[str, Any]]:
    items = [{name: row[name] for name in ITEMS[0]} for row in rows]
    body = {"items": items, "model": model}
    answer = httpx.post(f"{visit.url}/predict/xcopa/batch", json=body, timeout=60)
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def download(visit: Visit, button: str) -> str:
    with visit.page.expect_download() as started:
        visit.page.click(button)
    return Path(started.value.path()).read_text(encoding="utf-8")


def test_what_is_downloaded_has_the_rows_and_every_models_answer(visit: Visit) -> None:
    rows = labelled(40)
    score(visit, rows)
    found = [json.loads(line) for line in download(visit, "#file-jsonl").splitlines()]
    records = list(csv.DictReader(io.StringIO(download(visit, "#file-csv"))))
    for model in ("direct", "stilts"):
        known = [each["label"] for each in answers_of(visit, rows, model)]
        assert [each["predictions"][model]["label"] for each in found] == known
        assert [int(record[f"{model}_label"]) for record in records] == known
    for place, (row, line, record) in enumerate(zip(rows, found, records, strict=True), start=1):
        assert line["line"] == int(record["line"]) == place
        assert {name: line[name] for name in row} == row
        assert {name: record[name] for name in row} == {k: str(v) for k, v in row.items()}
        labels = {each["label"] for each in line["predictions"].values()}
        assert line["agree"] is (len(labels) == 1)
        for model, each in line["predictions"].items():
            own = [float(record[f"{model}_probability{choice}"]) for choice in (1, 2)]
            assert own == each["probabilities"]
            assert record[f"{model}_revision"] == each["revision"]


def test_accuracy_has_an_interval_for_each_language(visit: Visit) -> None:
    rows = labelled(30)
    score(visit, rows)
    cells = [
        row.locator("th, td").all_inner_texts()
        for row in visit.page.locator("#file-accuracy tbody tr").all()
    ]
    assert [(language, count) for language, count, *_ in cells] == [
        ("en", "20"),
        ("sw", "10"),
        ("all", "30"),
    ]
    given = [row["label"] for row in rows]
    labels = [each["label"] for each in answers_of(visit, rows, "direct")]
    share = 100 * sum(map(int.__eq__, given, labels)) / len(rows)
    assert cells[-1][2].startswith(f"{share:.1f} % (")


def test_a_csv_file_is_chosen_and_its_bad_rows_harm_no_other(visit: Visit) -> None:
    text = (
        "premise;choice1;choice2;question\r\n"
        "It rained.;The street is wet.;The street is dry.;effect\r\n"
        "It rained.; ;The street is dry.;effect\r\n"
        f"It rained.;{'wet ' * 400};The street is dry.;effect\r\n"
        "It rained.;The sun shines.;Clouds came.;cause\r\n"
    )
    file = {"name": "rows.csv", "mimeType": "text/csv", "buffer": text.encode()}
    visit.page.set_input_files("#file-input", file)  # type: ignore[arg-type]
    said = visit.page.locator("#file-said")
    expect(said).to_contain_text("Done. 4 rows")
    expect(said).to_contain_text("2 without an answer.")
    visit.page.select_option("#file-filter", "errors")
    problems = visit.page.locator("#file-table .problem").all_inner_texts()
    assert problems[0] == "No answer: choice1: must not be blank"
    assert "direct: choice1: is too long: premise, question and choice1 make" in problems[1]
    expect(visit.page.locator("#file-accuracy table")).to_have_count(0)


def test_a_file_is_dropped(visit: Visit) -> None:
    script = """([text, name]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name));
      const place = document.getElementById("drop");
      for (const type of ["dragover", "drop"]) {
        place.dispatchEvent(new DragEvent(type, { dataTransfer: data, cancelable: true }));
      }
    }"""
    visit.page.evaluate(script, [lines(labelled(3)), "rows.jsonl"])
    expect(visit.page.locator("#file-said")).to_contain_text("Done. 3 rows")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There are no rows in it."),
        ("a,b\n1,2", "The header lacks premise, choice1, choice2, question. A CSV file begins"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(visit: Visit, text: str, said: str) -> None:
    visit.paste(text)
    expect(visit.page.locator("#file-said")).to_contain_text(said)
    expect(visit.page.locator("#file-run")).to_be_hidden()


def test_it_pauses_goes_on_and_stops(visit: Visit) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route(BATCH, hold)
    visit.paste(lines(labelled(96)))
    page = visit.page
    expect(page.locator("#file-count")).to_have_text("0 of 96 rows")
    page.click("#file-pause")
    release(visit, held)
    # What was under way is answered, and nothing more is asked.
    expect(page.locator("#file-count")).to_have_text("32 of 96 rows")
    expect(page.locator("#file-said")).to_have_text("Paused.")
    assert page.locator("#file-progress").evaluate("bar => bar.value") == 32
    page.get_by_role("button", name="Go on").click()
    release(visit, held)
    expect(page.locator("#file-count")).to_have_text("64 of 96 rows")
    page.click("#file-stop")
    expect(page.locator("#file-said")).to_contain_text("Stopped. 64 rows")
    expect(page.locator("#file-pause")).to_be_disabled()
    assert len(download(visit, "#file-jsonl").splitlines()) == 64


def release(visit: Visit, held: list[Route]) -> None:
    """Let the calls of both models through, once they have been made."""
    while len(held) < 2:
        visit.page.wait_for_timeout(10)
    for route in held:
        route.continue_()
    held.clear()


def test_a_busy_service_is_asked_again_after_the_time_that_it_names(visit: Visit) -> None:
    refusals = iter([busy(1), busy(1)])

    def answer(route: Route) -> None:
        refusal = next(refusals, None)
        route.continue_() if refusal is None else route.fulfill(**refusal)

    visit.page.route(BATCH, answer)
    visit.paste(lines(labelled(5)))
    said = visit.page.locator("#file-said")
    expect(said).to_have_text("The service is busy. The queue is full. Asking again in 1 s.")
    expect(said).to_contain_text("Done. 5 rows")


def busy(seconds: int) -> dict[str, Any]:
    return {
        "status": 429,
        "headers": {"Retry-After": str(seconds), "Content-Type": "application/problem+json"},
        "body": json.dumps({"status": 429, "detail": "the queue is full"}),
    }


def test_the_table_is_sorted_and_filtered(visit: Visit) -> None:
    rows = labelled(60)
    score(visit, rows)
    page = visit.page
    expect(page.locator("#file-page")).to_have_text("Rows 1 to 25 of 60")
    page.click("#file-after")
    page.click("#file-after")
    expect(page.locator("#file-page")).to_have_text("Rows 51 to 60 of 60")
    expect(page.locator("#file-after")).to_be_disabled()
    page.get_by_role("button", name="apart by").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("apart by")
    apart = column(visit, -1)
    assert apart == sorted(apart, reverse=True)
    page.get_by_role("button", name="apart by").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("apart by")
    page.select_option("#file-filter", "disagreements")
    pairs = [
        one["label"] != other["label"]
        for one, other in zip(
            *(answers_of(visit, rows, m) for m in ("direct", "stilts")), strict=True
        )
    ]
    expect(page.locator("#file-page")).to_contain_text(f"of {sum(pairs)}")
    assert page.locator("#file-table tbody tr").count() == page.locator("tr.differs").count()


def column(visit: Visit, place: int) -> list[float]:
    rows = visit.page.locator("#file-table tbody tr").all()
    texts = [row.locator("td").all_inner_texts()[place] for row in rows]
    return [float(text.removesuffix(" %").strip("<>")) for text in texts]
