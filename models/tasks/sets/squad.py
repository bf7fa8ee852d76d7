"""SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al. 2018): where a text answers.

87,599 / 10,570 questions, and 130,319 / 11,873, of which a third to a half have no answer. If
there are several answers, the first is used. A directory that has only ``squad2/dev_half.json`` is
parted: its last articles, at least a tenth of the questions, are ``val``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.tasks.example import Head, Span
from models.tasks.reading.files import json_document
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.task import Task

_SHOWN_CHARACTERS = 80
"""Of a text that an error repeats."""


def read(path: Path) -> Iterator[DataRow]:
    """Read an article tree as one row a question, in the shape that the hub has.

    Raises:
        DataError: the file is missing, or is no tree of articles.
    """
    for article in json_document(path).inners("data"):
        title = article.text("title")
        for paragraph in article.inners("paragraphs"):
            context = paragraph.verbatim("context")
            for question in paragraph.inners("qas"):
                answers = question.inners("answers")
                fields = {
                    "title": title,
                    "context": context,
                    "question": question.value("question"),
                    "answers": {
                        "text": [answer.value("text") for answer in answers],
                        "answer_start": [answer.value("answer_start") for answer in answers],
                    },
                }
                yield DataRow(question.where, fields)


def make(row: DataRow) -> Span:
    """Make an example of a question that has an answer."""
    span = make_or_none(row)
    if span.answer is None:
        raise row.error("answers", "is empty")
    return span


def make_or_none(row: DataRow) -> Span:
    """Make an example of a question that may have no answer."""
    context = row.verbatim("context")
    answers = row.inner("answers")
    texts, starts = answers.items("text"), answers.items("answer_start")
    if len(texts) != len(starts):
        raise row.error("answers", f"has {len(texts)} texts, and {len(starts)} starts")
    if not texts:
        return Span(row.text("question"), context, None)
    first = DataRow(row.where, {"text": texts[0], "answer_start": starts[0]})
    answer = first.verbatim("text")
    start = first.index("answer_start", len(context))
    if not context.startswith(answer, start):
        shown = answer[:_SHOWN_CHARACTERS]
        raise row.error("answers", f"begin with one that does not stand at {start}: {shown!r}")
    return Span(row.text("question"), context, (start, start + len(answer)))


SQUAD1_SOURCE = Source(
    name="squad1",
    layouts=(
        Layout(
            files={"train": ("squad1/train-v1.1.json",), "val": ("squad1/dev-v1.1.json",)},
            read=read,
            make=make,
        ),
    ),
    hub=on_hub(
        "rajpurkar/squad",
        TRAIN_AND_VALIDATION,
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
    ),
)

SQUAD1 = Task(
    name="squad1",
    title="SQuAD 1.1",
    paper="Rajpurkar et al. 2016, arXiv 1606.05250",
    licence="CC BY-SA 4.0",
    head=Head.SPAN,
    hub=SQUAD1_SOURCE.hub_splits,
    load=SQUAD1_SOURCE.load,
)

SQUAD2_SOURCE = Source(
    name="squad2",
    layouts=(
        Layout(
            files={"train": ("squad2/train-v2.0.json",), "val": ("squad2/dev-v2.0.json",)},
            read=read,
            make=make_or_none,
        ),
        Layout(
            files={"train": ("squad2/dev_half.json",), "val": ("squad2/dev_half.json",)},
            read=read,
            make=make_or_none,
            parted_by="title",
        ),
    ),
    hub=on_hub(
        "rajpurkar/squad_v2",
        TRAIN_AND_VALIDATION,
        revision="3ffb306f725f7d2ce8394bc1873b24868140c412",
    ),
)

SQUAD2 = Task(
    name="squad2",
    title="SQuAD 2.0",
    paper="Rajpurkar, Jia and Liang 2018, arXiv 1806.03822",
    licence="CC BY-SA 4.0",
    head=Head.SPAN,
    hub=SQUAD2_SOURCE.hub_splits,
    load=SQUAD2_SOURCE.load,
)
