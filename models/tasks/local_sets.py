"""Checks the sets of a data directory, and downloads the three of the evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

from models.tasks.example import DataError, Example
from models.tasks.registry import TASKS
from models.tasks.sets import balanced_copa, copa, xcopa
from models.tasks.task import Task

EVALUATION_SETS = ("copa", "xcopa", "balanced-copa")
"""What ``xcopa evaluate`` reads."""


@dataclass(frozen=True)
class SetState:
    """What a data directory has of one set."""

    name: str
    items: int
    problem: str | None
    """Why it cannot be used, or None."""


def check(data: Path) -> Iterator[SetState]:
    """Read every set of a directory, one after the other; each row is checked.

    Args:
        data: the data directory.
    """
    yield _state("xcopa", partial(_count_xcopa, data))
    for name, task in TASKS.items():
        splits = copa.SPLITS if name == "copa" else ("train", "val")
        yield _state(name, partial(_count, task, data, splits))


def fetch(out: Path) -> Iterator[tuple[str, int]]:
    """Take the evaluation's sets from the hub and write them as ``check`` reads them.

    The intermediate sets are not written: ``xcopa train`` without ``--data`` takes them from the
    hub itself, each in the form that the hub has.

    Args:
        out: the data directory; files that are there are replaced.

    Yields:
        The path of each file, relative to ``out``, and its number of items.

    Raises:
        DataError: the hub cannot be reached, or a set is not as it should be.
        OSError: the directory cannot be written.
    """
    for split in copa.SPLITS:
        yield _write_lines(
            out, f"copa/{split}.jsonl", list(copa.load_numbered(None, split).values())
        )
    for language in xcopa.LANGUAGES:
        for split in xcopa.SPLITS:
            examples = xcopa.load(None, language, split, "upstream")
            yield _write_lines(out, f"xcopa/{language}/{split}.{language}.jsonl", examples)
    yield _write_mirrors(out)


def _state(name: str, count: Callable[[], int]) -> SetState:
    try:
        return SetState(name, count(), None)
    except DataError as error:
        return SetState(name, 0, str(error))


def _count(task: Task, data: Path, splits: Sequence[str]) -> int:
    return sum(len(task.load(data, split)) for split in splits)


def _count_xcopa(data: Path) -> int:
    return sum(
        len(xcopa.load(data, language, split, "upstream"))
        for language in xcopa.LANGUAGES
        for split in xcopa.SPLITS
    )


def _write_lines(out: Path, name: str, examples: list[Example]) -> tuple[str, int]:
    lines = (
        json.dumps(
            {
                "premise": each.item.premise,
                "choice1": each.item.choice1,
                "choice2": each.item.choice2,
                "question": each.item.question,
                "label": each.label,
                "idx": index,
            },
            ensure_ascii=False,
        )
        for index, each in enumerate(examples)
    )
    _replace(out / name, "".join(f"{line}\n" for line in lines))
    return name, len(examples)


def _write_mirrors(out: Path) -> tuple[str, int]:
    corpus = ET.Element("copa-corpus", version="1.0")
    numbered = balanced_copa.load_numbered(None)
    for number, each in sorted(numbered.items()):
        item = ET.SubElement(
            corpus,
            "item",
            {
                "id": str(number),
                "asks-for": each.item.question,
                "most-plausible-alternative": str(each.label + 1),
            },
        )
        for tag, text in (("p", each.item.premise), ("a1", each.item.choice1)):
            ET.SubElement(item, tag).text = text
        ET.SubElement(item, "a2").text = each.item.choice2
    _replace(out / balanced_copa.FILE, ET.tostring(corpus, encoding="unicode") + "\n")
    return str(balanced_copa.FILE), len(numbered)


def _replace(path: Path, content: str) -> None:
    """Write another file, then rename it: an interrupted download leaves no incomplete file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
