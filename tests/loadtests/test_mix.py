"""What is sent, and how often."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from pydantic import TypeAdapter

from app.api.rank_schemas import RankRequest
from app.api.schemas import BatchRequest, PredictRequest
from loadtests.items import load_items
from loadtests.mix import MixError, read_mix

ITEMS = load_items(None)
DRAWS = 2000


def seeded() -> random.Random:
    return random.Random(5)  # noqa: S311 - load, no secret


def test_what_is_drawn_is_valid_for_the_service() -> None:
    mix, chance = read_mix(ITEMS, sizes="2:1,5:1", choices="2,32"), seeded()
    for _ in range(50):
        PredictRequest.model_validate(mix.single(chance))
        TypeAdapter(BatchRequest).validate_python(mix.batch(chance))
        RankRequest.model_validate(mix.ranking(chance))


def test_without_a_word_all_languages_and_variants_come_equally_often() -> None:
    mix, chance = read_mix(ITEMS), seeded()
    language_of = {item["premise"]: name for name, some in ITEMS.items() for item in some}
    drawn = [mix.single(chance) for _ in range(DRAWS)]
    languages = Counter(language_of[each["premise"]] for each in drawn)
    assert set(languages) == set(ITEMS)
    assert max(languages.values()) < 1.5 * min(languages.values())
    assert Counter(each["model"] for each in drawn)["direct"] == pytest.approx(DRAWS / 2, rel=0.1)


def test_languages_lengths_and_variants_are_those_that_are_said() -> None:
    mix = read_mix(ITEMS, languages="et,ta", lengths="1:3,2:1", variants="direct:1,stilts:0")
    chance = seeded()
    drawn = [mix.single(chance) for _ in range(DRAWS)]
    assert {each["model"] for each in drawn} == {"direct"}
    own = {item["premise"] for name in ("et", "ta") for item in ITEMS[name]}
    doubled = [each for each in drawn if each["premise"] not in own]
    assert {each["premise"] for each in doubled} == {f"{text} {text}" for text in own}
    assert len(doubled) == pytest.approx(DRAWS / 4, rel=0.15)


def test_a_batch_and_a_ranking_are_as_large_as_is_said() -> None:
    mix, chance = read_mix(ITEMS, sizes="3", choices="2:1,7:1"), seeded()
    assert len(mix.batch(chance)["items"]) == 3
    rankings = [mix.ranking(chance) for _ in range(40)]
    assert {len(each["choices"]) for each in rankings} == {2, 7}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"languages": "et,xx"}, "--languages et,xx: 'xx' is not one of en, et, ht"),
        ({"lengths": "0"}, "--lengths 0: '0': it is a whole number from 1 to 64"),
        ({"lengths": "1:x"}, "--lengths 1:x: '1:x': could not convert string to float: 'x'"),
        ({"lengths": "1:-1"}, "--lengths 1:-1: '1:-1': a weight is 0 at least"),
        ({"sizes": "8:0"}, "--batch-sizes 8:0: all weights are 0"),
        ({"variants": "Both"}, "--variants Both: 'Both': 'Both' is no name for a model"),
        ({"choices": "33"}, "--choices 33: '33': it is a whole number from 2 to 32"),
    ],
)
def test_what_cannot_be_read_is_named(options: dict[str, str], error: str) -> None:
    with pytest.raises(MixError) as raised:
        read_mix(ITEMS, **options)
    assert str(raised.value).startswith(error)
    assert "\n" not in str(raised.value)
