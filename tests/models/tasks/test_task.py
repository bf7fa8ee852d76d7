"""Digests and labels."""

from __future__ import annotations

from pathlib import Path

from app.engine.tokenizer import CausalItem
from models.tasks.example import AnyExample, Choices, Example, Sentences, Span, Tagged
from models.tasks.registry import TASKS
from models.tasks.task import digest

EXAMPLES: list[AnyExample] = [
    Example(CausalItem("a", "b", "c", "cause"), 0),
    Choices("a", ("b", "c"), 0),
    Sentences("a", "b", 0),
    Sentences("a", None, 0),
    Sentences("ab", None, 0),
    Span("a", "b", (0, 1)),
    Span("a", "b", None),
    Tagged(("a", "b"), (0, 1)),
]


def test_a_digest_depends_on_every_example_and_on_their_order() -> None:
    each = {digest([example]) for example in EXAMPLES}
    assert len(each) == len(EXAMPLES)
    assert digest(EXAMPLES) != digest(EXAMPLES[::-1])
    assert digest(EXAMPLES) != digest(EXAMPLES[:-1])


def test_a_digest_is_the_same_in_every_process_and_version() -> None:
    assert digest(EXAMPLES).startswith("6fe63b64e90bab36")


def test_labels_are_the_task_s_own_or_read_from_the_data(tmp_path: Path) -> None:
    assert TASKS["mnli"].label_names(None) == ("entailment", "neutral", "contradiction")
    assert TASKS["copa"].label_names(None) == ()
    (tmp_path / "ccg").mkdir()
    (tmp_path / "ccg" / "tags.txt").write_text("N\nNP\n", encoding="utf-8")
    assert TASKS["ccg"].label_names(tmp_path) == ("N", "NP")
