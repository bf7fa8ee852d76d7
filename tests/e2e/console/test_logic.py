"""The modules without a document, run in the browser and compared with the service's Python."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from models.prediction.rows import FileRow, read_rows
from models.statistics import wilson
from models.tasks.example import DataError
from tests.e2e.console.visit import Visit
from tests.sample import sample_items

HEADER = "premise,choice1,choice2,question,label\n"
CSV_FILES = [
    HEADER + "a,b,c,cause,1\n",
    HEADER + '"a, ""b""",b,c,effect,0\r\n\r\nx,y,z,cause,1',
    HEADER + '"two\nlines",b,c,cause,0\n',
    HEADER + '"two\r\nlines",b,c,cause,0\n',
    HEADER + 'a,b,c\n"never closed,b,c,cause,1\nx,y,z,cause,1\n',
    HEADER + '"closed"x,b,c,cause,1\nx,y,z,cause,1\n',
    HEADER + 'a "quoted" word,b,c,cause,1\n',
    HEADER + " ,b,c,cause,1\na,b,c,why,1\n",
    HEADER.replace(",", ";") + "a,1;b;c;cause;0\n",
    HEADER.replace(",", "\t") + "a\tb\tc\tcause\t0\n",
    HEADER.replace(",", "|") + "a|b|c|cause|0\n",
    "\ufeff" + HEADER + "\ufeffa,b,c,cause,0\n",
    "\n\n idx , premise,choice1,choice2,question\n7,a,b,c,cause\n",
    "premise,choice1,choice2\na,b,c\n",
    HEADER.replace("label", "premise") + "a,b,c,cause,1\n",
    "",
    " \n",
]
ROW = {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause"}
JSON_ROWS: list[Any] = [
    ROW,
    {**ROW, "label": 1, "language": "sw", "idx": None},
    {**ROW, "premise": "\u200b \u3164"},
    {**ROW, "choice1": 3, "choice2": None},
    {**ROW, "question": "why"},
    {"premise": "a"},
    {**ROW, "premise": "\ud800"},
    [1],
    "text",
    None,
]


@pytest.fixture(scope="module")
def visit(tab: Visit) -> Visit:
    """Opened once: what has no document leaves nothing behind in it."""
    tab.open()
    return tab


def read_there(visit: Visit, texts: list[str], name: str) -> list[Any]:
    """Read texts as the page does: rows, or why there are none."""
    script = """async (modules, [texts, name]) => {
      const { readRows } = await modules("logic/rows.js");
      return texts.map((text) => {
        try {
          return readRows(text, name);
        } catch (error) {
          return error.message;
        }
      });
    }"""
    found: list[Any] = visit.run(script, [texts, name])
    return found


def read_here(text: str, name: str) -> list[FileRow] | None:
    try:
        return list(read_rows(io.BytesIO(text.encode()), Path(name)))
    except DataError:
        return None


def assert_read_alike(visit: Visit, texts: list[str], name: str) -> None:
    for text, there in zip(texts, read_there(visit, texts, name), strict=True):
        here = read_here(text, name)
        assert isinstance(there, str) is (here is None), (text, there)
        if here is None:
            continue
        assert [row["line"] for row in there] == [row.line for row in here], text
        for mine, own in zip(there, here, strict=True):
            assert mine["fields"] == own.fields, text
            assert (mine["item"] is None) is (own.item is None), (text, mine["problem"])


def test_csv_is_read_as_predict_reads_it(visit: Visit) -> None:
    assert_read_alike(visit, CSV_FILES, "rows.csv")


def test_any_csv_is_read_as_predict_reads_it(visit: Visit) -> None:
    draw = random.Random(7)  # noqa: S311 - the same files in every run
    pieces = ["a", "é", ",", ",", '"', '"', "\n", "\r\n", "\r", " ", "cause", "x,y,z,cause,1\n"]
    texts = [
        HEADER + "".join(draw.choices(pieces, k=draw.randrange(25))) + "\na,b,c,cause,1"
        for _ in range(500)
    ]
    assert_read_alike(visit, texts, "rows.csv")


def test_what_is_wrong_with_a_csv_row_is_said_in_the_same_words(visit: Visit) -> None:
    there = read_there(visit, CSV_FILES, "rows.csv")
    for text, rows in zip(CSV_FILES, there, strict=True):
        if isinstance(rows, str):
            continue
        here = [
            "; ".join(f"{error.field}: {error.message}" for error in row.errors)
            for row in read_here(text, "rows.csv") or []
        ]
        assert [row["problem"] for row in rows] == here


def test_json_lines_are_read_as_predict_reads_them(visit: Visit) -> None:
    text = "".join(f"{json.dumps(row)}\n\n" for row in JSON_ROWS)
    [there] = read_there(visit, [text], "rows.jsonl")
    here = read_here(text, "rows.jsonl") or []
    assert len(there) == len(here) == len(JSON_ROWS)
    for mine, own in zip(there, here, strict=True):
        said = "; ".join(f"{error.field}: {error.message}" for error in own.errors)
        assert (mine["line"], mine["problem"]) == (own.line, said)
    [broken] = read_there(visit, ['{"premise": \n'], "")
    assert broken[0]["problem"].startswith("row: is not JSON: ")


def test_the_first_character_says_the_format_where_no_name_does(visit: Visit) -> None:
    csv_text, json_text = f"{HEADER}a,b,c,cause,1\n", f"  {json.dumps(ROW)}"
    rows = read_there(visit, [csv_text, json_text], "")
    assert [row[0]["item"] for row in rows] == [ROW, ROW]


def test_labels_and_languages_are_found(visit: Visit) -> None:
    values: list[Any] = [0, 1, "0", " 1 ", 2, -1, "", None, True, 0.0, "yes"]
    text = "".join(f"{json.dumps({**ROW, 'label': value, 'lang': ' et '})}\n" for value in values)
    [rows] = read_there(visit, [text], "rows.jsonl")
    assert [row["label"] for row in rows] == [0, 1, 0, 1, *[None] * 5, 0, None]
    assert {row["language"] for row in rows} == {"et"}


def test_bytes_that_are_not_utf8_are_refused(visit: Visit) -> None:
    script = """async (modules, all) => {
      const { textOf } = await modules("logic/decoding.js");
      return all.map((bytes) => {
        try {
          return textOf(new Uint8Array(bytes));
        } catch (error) {
          return error.message;
        }
      });
    }"""
    files = ["\ufeffé".encode(), "é".encode("latin-1"), "é".encode("utf-16"), b"\xfe\xff\x00a"]
    assert visit.run(script, [list(file) for file in files]) == [
        "\ufeffé",
        "The file is not UTF-8. Save it as UTF-8.",
        "The file is UTF-16. Save it as UTF-8.",
        "The file is UTF-16. Save it as UTF-8.",
    ]


def test_intervals_are_those_of_the_evaluation(visit: Visit) -> None:
    pairs = [(0, 1), (1, 1), (3, 7), (250, 500), (500, 500), (0, 4000), (1, 10_000)]
    script = """async (modules, pairs) => {
      const { wilson } = await modules("logic/statistics.js");
      return pairs.map(([correct, total]) => wilson(correct, total));
    }"""
    for pair, found in zip(pairs, visit.run(script, pairs), strict=True):
        known = wilson(*pair)
        expected = {"value": known.value, "low": known.low, "high": known.high}
        assert found == pytest.approx(expected, abs=1e-12)


def test_figures_are_those_of_what_happened_between_two_scrapes(visit: Visit) -> None:
    before = scrape(buckets=[5, 5, 5, 5], answered=5, rows=(10, 5), queue=3)
    after = scrape(buckets=[5, 55, 95, 105], answered=105, rows=(250, 65), queue=4)
    script = """async (modules, [before, after]) => {
      const { parseExposition } = await modules("logic/exposition.js");
      const { figuresBetween, hasRestarted } = await modules("logic/live_figures.js");
      const first = { seconds: 100, scrape: parseExposition(before) };
      const second = { seconds: 110, scrape: parseExposition(after) };
      return [
        figuresBetween(first, second),
        figuresBetween(first, { ...first, seconds: 110 }),
        hasRestarted(first, second),
        hasRestarted(second, first),
      ];
    }"""
    figures, nothing, *restarted = visit.run(script, [before, after])
    # Half of a hundred lie below 2 ms, and the tail beyond the last bound of 4 ms.
    assert figures == pytest.approx(
        {"p50": 2.0, "p95": 4.0, "p99": 4.0, "throughput": 10.0, "queue": 4.0, "batch": 4.0}
    )
    empty = {"p50": None, "p95": None, "p99": None, "throughput": 0, "queue": 3, "batch": None}
    assert nothing == empty
    assert restarted == [False, True]


def scrape(buckets: list[int], answered: int, rows: tuple[int, int], queue: int) -> str:
    name = "xcopa_request_duration_seconds"
    bounds = ["0.001", "0.002", "0.004", "+Inf"]
    lines = [
        f'{name}_bucket{{le="{bound}",model="a\\"}} b"}} {count}.0'
        for bound, count in zip(bounds, buckets, strict=True)
    ]
    return "\n".join(
        [
            "# HELP xcopa_items_total Items by outcome.",
            *lines,
            f'{name}_count{{model="a"}} {buckets[-1]}.0',
            f'xcopa_items_total{{model="a",outcome="answered"}} {answered}.0',
            'xcopa_items_total{model="a",outcome="failed"} 77.0',
            f'xcopa_batch_rows_sum{{model="a"}} {rows[0]}.0',
            f'xcopa_batch_rows_count{{model="a"}} {rows[1]}.0',
            f'xcopa_queue_items{{model="a"}} {queue - 1}.0',
            'xcopa_queue_items{model="b"} 1.0',
        ]
    )


def test_numbers_are_written_so_that_nothing_is_certain_that_is_not(visit: Visit) -> None:
    script = """async (modules, [probabilities, numbers]) => {
      const { percent, short } = await modules("logic/numbers.js");
      return [probabilities.map(percent), numbers.map(short)];
    }"""
    shares, numbers = visit.run(
        script, [[0.5, 0.12345, 0.99996, 0.00004], [None, 0, 1.234, 45.67, 678.9]]
    )
    assert shares == ["50.0 %", "12.3 %", ">99.9 %", "<0.1 %"]
    assert numbers == ["\u2013", "0", "1.23", "45.7", "679"]


def test_the_stages_of_a_call_are_read(visit: Visit) -> None:
    script = """async (modules, header) => {
      const { parseServerTiming } = await modules("logic/server_timing.js");
      return [parseServerTiming(header), parseServerTiming(null)];
    }"""
    header = 'admission;dur=0.310, queue;dur=0.1, total;dur=9.104, batch;desc="drained budget"'
    stages = [["admission", 0.31], ["queue", 0.1], ["total", 9.104]]
    assert visit.run(script, header) == [
        {"stages": stages, "batch": "drained budget"},
        {"stages": [], "batch": ""},
    ]


def test_the_examples_are_the_sample_and_one_language_from_right_to_left(visit: Visit) -> None:
    script = "async (modules) => (await modules('logic/examples.js')).EXAMPLES"
    examples = visit.run(script)
    fields = [
        {
            "premise": each["premise"],
            "choice1": each["choices"][0],
            "choice2": each["choices"][1],
            "question": each["question"],
        }
        for each in examples
        if each["language"] != "ur"
    ]
    assert fields == sample_items()
    assert {each["language"] for each in examples} == {
        *("en", "et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "ur", "vi", "zh")
    }
