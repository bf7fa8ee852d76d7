"""What a model may be called."""

from __future__ import annotations

import pytest

from app.model_settings.names import MOST_CHARACTERS, SEVERAL, check_name, quoted, variable_of


@pytest.mark.parametrize("name", ["mnli", "a", "7", "copa-v2", "copa_v2", "a-b_c-1", "x" * 40])
def test_letters_and_digits_with_single_signs_between_them_are_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "MNLI", "-a", "a-", "_a", "a__b", "a--b", "a.b", "a/b", "a b", "ä", "a\n", 'a"', "٣"],
)
def test_nothing_else_is(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a model; it has letters"):
        check_name(name)


def test_a_name_has_a_length_that_labels_and_paths_can_hold() -> None:
    with pytest.raises(ValueError, match=f"it has {MOST_CHARACTERS} characters at most"):
        check_name("x" * (MOST_CHARACTERS + 1))


def test_the_label_of_calls_that_ask_several_models_is_no_name() -> None:
    with pytest.raises(ValueError, match="metrics"):
        check_name(SEVERAL)


def test_a_variable_has_the_name_in_upper_case() -> None:
    assert variable_of("copa-v2") == "XCOPA_MODELS__COPA-V2"


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a"], "'a'"), (["a", "b"], "'a' or 'b'"), (["a", "b", "c"], "'a', 'b' or 'c'")],
)
def test_names_are_listed_as_what_may_be_chosen(names: list[str], said: str) -> None:
    assert quoted(names) == said
