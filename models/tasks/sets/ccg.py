"""CCG supertagging (Hockenmaier and Steedman 2007): the category of each word in a sentence.

CCGbank is the Penn Treebank in another grammar, under the licence of the LDC (LDC2005T13), so the
hub has no copy. Two formats are read: that of the C&C tools, with a sentence on each line and
words like ``word|POS|category``, and lines of ``word<TAB>category``, perhaps with the POS between,
with an empty line after each sentence. Sections 02-21 are ``train`` and section 00 is ``val``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from models.tasks.example import DataError, Head, Tagged
from models.tasks.reading.files import lines
from models.tasks.task import Task

log = logging.getLogger(__name__)

UNKNOWN = -100
"""The tag of a category that is not among the labels: what PyTorch's loss leaves out."""

_FILES = {"train": Path("ccg") / "train.txt", "val": Path("ccg") / "dev.txt"}
_LABELS = Path("ccg") / "tags.txt"
_CNC_FIELDS = 3
_SPACES = re.compile(" +")
"""What parts words; a word itself may have a space that does not break lines."""

Words = list[tuple[str, str]]
"""A sentence: each word with its category."""


def load(data: Path | None, split: str) -> list[Tagged]:
    """Load ``train`` or ``val`` of a data directory.

    Raises:
        DataError: no directory is named; no such split; a file is missing or malformed.
    """
    if split not in _FILES:
        raise DataError(f"ccg has no split {split!r}; it has {', '.join(_FILES)}")
    index = {category: position for position, category in enumerate(read_labels(data))}
    path = _directory(data) / _FILES[split]
    found = [
        Tagged(
            tuple(word for word, _ in sentence),
            tuple(index.get(category, UNKNOWN) for _, category in sentence),
        )
        for sentence in _sentences(path)
    ]
    if not found:
        raise DataError(f"{path} has no sentence")
    if unknown := sum(each.tags.count(UNKNOWN) for each in found):
        log.info("%s: %d words have a category that is not among the labels", path, unknown)
    return found


def read_labels(data: Path | None) -> tuple[str, ...]:
    """Return the categories of ``ccg/tags.txt``, one on each line, else of the training set.

    Raises:
        DataError: no directory is named; the training set is missing or malformed.
    """
    listed = _directory(data) / _LABELS
    if listed.is_file():
        return tuple(line.strip() for _, line in lines(listed) if line.strip())
    training = _sentences(_directory(data) / _FILES["train"])
    return tuple(sorted({category for sentence in training for _, category in sentence}))


def _directory(data: Path | None) -> Path:
    if data is None:
        raise DataError(
            "CCGbank needs a licence of the LDC and is not on the Hugging Face hub; "
            "name a directory that has ccg/train.txt and ccg/dev.txt with --data"
        )
    return data


def _sentences(path: Path) -> Iterator[Words]:
    sentence: Words = []
    for where, line in lines(path):
        if "\t" in line:
            sentence.append(_tabbed(where, line))
            continue
        if sentence:
            yield sentence
            sentence = []
        if line.strip():
            yield [_piped(where, word) for word in _SPACES.split(line.strip())]
    if sentence:
        yield sentence


def _tabbed(where: str, line: str) -> tuple[str, str]:
    cells = line.split("\t")
    if len(cells) > _CNC_FIELDS:
        raise DataError(f"{where}: {line!r} is not word, POS and category")
    return _checked(where, line, cells[0], cells[-1])


def _piped(where: str, text: str) -> tuple[str, str]:
    # From the right, since a word may be a bar and a category never has one.
    fields = text.rsplit("|", _CNC_FIELDS - 1)
    if len(fields) != _CNC_FIELDS:
        raise DataError(f"{where}: {text!r} is not word|POS|category")
    return _checked(where, text, fields[0], fields[-1])


def _checked(where: str, text: str, word: str, category: str) -> tuple[str, str]:
    if not word.strip() or not category.strip():
        raise DataError(f"{where}: {text!r} lacks the word or its category")
    return word.strip(), category.strip()


TASK = Task(
    name="ccg",
    title="CCG supertagging",
    paper="Hockenmaier and Steedman 2007, Computational Linguistics 33(3)",
    licence="LDC (LDC2005T13)",
    head=Head.TAGGING,
    read_labels=read_labels,
    load=load,
)
