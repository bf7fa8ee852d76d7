"""A data directory of invented rows: a set for each kind of head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sample import sample_items


def items() -> list[dict[str, Any]]:
    return [dict(item) for item in sample_items()]


def write(folder: Path) -> Path:
    """Write copa, socialiqa, mnli, squad2, ccg and a text to mask; some forty rows each."""
    rows = items()[:40]
    copa = [{**row, "label": number % 2} for number, row in enumerate(rows)]
    social = [
        {
            "context": row["premise"],
            "question": "Why?",
            "answerA": row["choice1"],
            "answerB": row["choice2"],
            "answerC": "nobody knows",
            "label": number % 3,
        }
        for number, row in enumerate(rows)
    ]
    labels = ("entailment", "neutral", "contradiction")
    inference = [
        {"premise": row["premise"], "hypothesis": row["choice1"], "label": labels[number % 3]}
        for number, row in enumerate(rows)
    ]
    _lines(folder / "copa", {"train": copa, "val": copa[:16]})
    _lines(folder / "socialiqa", {"train": social, "dev": social[:16]})
    _lines(folder / "mnli", {"dev_matched": inference})
    (folder / "squad2").mkdir()
    articles = [_article(number, row) for number, row in enumerate(rows)]
    _write(folder / "squad2" / "dev_half.json", json.dumps({"version": "v2.0", "data": articles}))
    (folder / "ccg").mkdir()
    sentences = "\n".join(_sentence(row["premise"]) for row in rows)
    _write(folder / "ccg" / "train.txt", sentences)
    _write(folder / "ccg" / "dev.txt", sentences)
    _write(folder / "text.txt", "\n".join(row["premise"] for row in rows))
    return folder


def _article(number: int, row: dict[str, Any]) -> dict[str, Any]:
    context = f"{row['premise']} {row['choice1']}"
    answer = {"text": row["choice1"], "answer_start": len(row["premise"]) + 1}
    question = {
        "id": str(number),
        "question": "What follows?",
        "answers": [answer] if number % 3 else [],
        "is_impossible": number % 3 == 0,
    }
    return {"title": f"t{number}", "paragraphs": [{"context": context, "qas": [question]}]}


def _sentence(text: str) -> str:
    words = text.split()
    return " ".join(f"{word}|X|{'S' if number % 2 else 'NP'}" for number, word in enumerate(words))


def _lines(folder: Path, files: dict[str, list[dict[str, Any]]]) -> None:
    folder.mkdir(parents=True)
    for name, rows in files.items():
        _write(folder / f"{name}.jsonl", "\n".join(map(json.dumps, rows)))


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
