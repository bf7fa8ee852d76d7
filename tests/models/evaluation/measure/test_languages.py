"""The languages have names, and the groups are the ones that are reported."""

from __future__ import annotations

from models.evaluation.measure.languages import (
    ELEVEN,
    GROUP_TITLES,
    GROUPS,
    NAMES,
    NINE,
    POOL_TITLES,
    TWO,
    UNSEEN,
)
from models.tasks.sets import xcopa


def test_every_language_has_a_name_of_its_own() -> None:
    assert list(NAMES) == ["en", *xcopa.LANGUAGES], "in the order of the tables"
    assert len(set(NAMES.values())) == 12


def test_the_eleven_are_the_nine_and_the_two_that_were_never_seen() -> None:
    assert {name: len(group) for name, group in GROUPS.items()} == {NINE: 9, ELEVEN: 11, TWO: 2}
    assert set(GROUPS[NINE]) | set(GROUPS[TWO]) == set(GROUPS[ELEVEN]) == set(xcopa.LANGUAGES)
    assert [NAMES[language] for language in UNSEEN] == ["Haitian Creole", "Quechua"]
    assert "en" not in GROUPS[ELEVEN], "the transfer is from English"


def test_groups_have_titles_that_say_how_many_they_are() -> None:
    assert {"en", *GROUPS} <= GROUP_TITLES.keys()
    assert "nine" in GROUP_TITLES[NINE]
    assert "eleven" in GROUP_TITLES[ELEVEN]
    assert all(NAMES[language] in GROUP_TITLES[TWO] for language in GROUPS[TWO])
    assert {"en", NINE} <= POOL_TITLES.keys()
