"""A file and its output as a whole: what is in a line, what is gone on with, what is counted."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import ItemOutcome
from models.prediction.answers import Pace
from models.prediction.command import FilePrediction, predict_file
from models.prediction.resume import output_file
from models.prediction.tally import Tally
from models.tasks.example import DataError
from tests.models.prediction.made import QUESTION, Guesser, json_file, question

BAD = b'{"premise": "lone \\ud800", "choice1": "A", "choice2": "B", "question": "cause"}'


def predict(path: Path, out: Path, predictor: Guesser | None = None, name: str = "direct") -> Tally:
    guesser = predictor or Guesser()
    return predict_file(FilePrediction(path, out), name, lambda: guesser, Pace(4, calls=2))


def written(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Rows good and bad, one that the model refuses, and characters of all kinds."""
    rows = [question(n, label=n % 2, idx=n, changed=n == 3) for n in range(12)]
    rows[5]["premise"] = "It rained \u2028 on the caf\u00e9. \U0001f327"
    rows[8]["premise"] = "refused"
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json_file(*rows[:6], b"oops", b"", BAD, *rows[6:]))
    return path


def test_a_line_has_the_row_and_its_answer(source: Path, tmp_path: Path) -> None:
    predict(source, tmp_path / "out")
    first, *_ = written(tmp_path / "out")
    label = int(first["logits"][1] > first["logits"][0])
    kept = {"line": 1, **QUESTION, "premise": "It rained 0 times."}
    xcopa = {"input_label": 0, "idx": 0, "changed": False}
    assert {name: first.pop(name) for name in (*kept, *xcopa)} == kept | xcopa
    assert set(first) == {"label", "probabilities", "logits", "model", "revision"}
    assert (first["label"], first["model"], first["revision"]) == (label, "direct", "abc")
    assert sum(first["probabilities"]) == pytest.approx(1)
    assert first["probabilities"][label] == max(first["probabilities"])


def test_a_bad_row_has_its_error_in_its_place(source: Path, tmp_path: Path) -> None:
    tally = predict(source, tmp_path / "out", Guesser(refused="refused"))
    lines = written(tmp_path / "out")
    assert [each["line"] for each in lines] == [*range(1, 8), *range(9, 16)]
    errors = {each["line"]: each["error"] for each in lines if "error" in each}
    assert set(errors) == {7, 9, 12}
    assert errors[7]["detail"].startswith("line 7: row: is not JSON")
    assert errors[9]["errors"][0]["field"] == "premise"
    assert errors[12] == {"detail": "line 12: the model failed", "errors": []}
    assert lines[10]["idx"] == 8
    assert (tally.rows, tally.failed) == (14, 3)


def test_an_output_that_ends_anywhere_is_gone_on_with(source: Path, tmp_path: Path) -> None:
    """Cut after any byte, it becomes what one run writes, and no row is asked that is there."""
    out = tmp_path / "out"
    whole_tally = predict(source, out, Guesser(refused="refused"))
    whole = out.read_bytes()
    chance = random.Random(0)  # noqa: S311 - chosen so that cuts differ
    for size in {0, 1, 8, 9, 10, len(whole), *chance.sample(range(len(whole)), 150)}:
        out.write_bytes(whole[:size])
        guesser = Guesser(refused="refused")
        assert predict(source, out, guesser) == whole_tally
        assert out.read_bytes() == whole
        kept = [json.loads(line) for line in whole[:size].split(b"\n")[:-1]]
        valid = sum(line["line"] not in (7, 9) for line in kept)
        assert len(guesser.asked) == 12 - valid


@pytest.mark.parametrize(
    "content", [b"my notes", b"my notes\n", b'{"a": 1}\n', b"[1]\n", b'{"line"\n']
)
def test_a_file_that_is_no_output_is_left_alone(
    content: bytes, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.write_bytes(content)
    with pytest.raises(DataError, match="name another --out"):
        predict(source, out)
    assert out.read_bytes() == content


def test_an_output_of_another_model_is_left_alone(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict(source, out)
    whole = out.read_bytes()
    with pytest.raises(DataError, match="answers of direct abc, not of stilts abc"):
        predict(source, out, name="stilts")
    with pytest.raises(DataError, match="answers of direct abc, not of direct def"):
        predict(source, out, Guesser("def"))
    assert out.read_bytes() == whole


@pytest.mark.parametrize("change", ["premise", "idx", "shorter", "mended"])
def test_an_output_of_another_input_is_left_alone(
    change: str, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    predict(source, out)
    whole, rows = out.read_bytes(), source.read_bytes()
    changed = {
        "premise": rows.replace(b"rained 3", b"snowed 3"),
        "idx": rows.replace(b'"idx": 3', b'"idx": 33'),
        "shorter": rows[: rows.rindex(b"{")],
        "mended": rows.replace(b"oops", json_file(question(77))[:-1]),
    }
    source.write_bytes(changed[change])
    with pytest.raises(DataError, match="this one has changed"):
        predict(source, out)
    assert out.read_bytes() == whole


def test_an_input_is_never_its_own_output(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    before = source.read_bytes()
    with pytest.raises(DataError, match="is the input"):
        predict(source, tmp_path / "link")
    assert source.read_bytes() == before


def test_two_runs_never_write_one_file(source: Path, tmp_path: Path) -> None:
    with output_file(tmp_path / "out"), pytest.raises(DataError, match="another process"):
        predict(source, tmp_path / "out")
    assert predict(source, tmp_path / "out").rows == 14


def test_an_output_that_cannot_be_written_is_one_clear_line(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--out .* cannot be written: Is a directory"):
        predict(source, tmp_path)
    with pytest.raises(DataError, match="cannot be written: No such file"):
        predict(source, tmp_path / "missing" / "out")
    with pytest.raises(DataError, match="cannot be written: No space left"):
        predict(source, Path("/dev/full"))


def test_a_device_is_written_and_not_gone_on_with(source: Path) -> None:
    assert predict(source, Path("/dev/null")).rows == 14


def test_an_input_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.csv does not exist"):
        predict(tmp_path / "rows.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def most_memory(path: Path, rows: int) -> int:
    """Return the most bytes that Python held while it answered, and then read, so many rows."""

    class Forgetful(Guesser):
        def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]:
            self.asked.clear()
            return super().outcomes(items)

    with path.open("wb") as file:
        file.writelines(json_file(question(n)) for n in range(rows))
    tracemalloc.start()
    for _ in range(2):
        assert predict(path, path.with_suffix(".out"), Forgetful()).rows == rows
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_a_long_file_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    short = most_memory(tmp_path / "short.jsonl", 1_000)  # more than any buffer holds
    long = most_memory(tmp_path / "long.jsonl", 5_000)
    assert long < short + 400_000, "much less than the rows"
