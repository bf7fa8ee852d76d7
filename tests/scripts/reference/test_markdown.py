"""What the generated pages share."""

from __future__ import annotations

from scripts.reference.markdown import page, table


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    assert table(("a",), [("x | y",)]) == "| a |\n| --- |\n| x \\| y |"


def test_parts_of_a_page_have_an_empty_line_between_them() -> None:
    assert page("# A", "b") == "# A\n\nb\n"
