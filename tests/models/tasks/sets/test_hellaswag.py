"""The marks of the how-to site in HellaSwag."""

from __future__ import annotations

import pytest

from models.tasks.sets.hellaswag import plain


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("[header] How to wash hair [title] Wet it.  Rinse.", "How to wash hair. Wet it. Rinse."),
        ("[substeps] Stir.   Wait.", "Stir. Wait."),
        ("A man is sitting on a roof. he", "A man is sitting on a roof. he"),
    ],
)
def test_marks_are_taken_out_and_plain_text_stays(marked: str, text: str) -> None:
    assert plain(marked) == text
    assert plain(text) == text
