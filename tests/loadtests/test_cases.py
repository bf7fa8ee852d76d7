"""What is asked of each route, and how it is judged."""

from __future__ import annotations

import json

import pytest

from loadtests.cases import ROUTES, route_cases
from loadtests.items import load_items
from loadtests.mix import read_mix
from tests.loadtests.examples import comparison, prediction, ranking

SERVED = ["direct", "stilts"]
MIX = read_mix(load_items(None), sizes="3", choices="3")


def test_each_route_has_a_case_a_variant_and_comparisons_have_one() -> None:
    found = route_cases(ROUTES, SERVED, MIX, SERVED, count=4)
    assert [(each.name, each.path) for each in found] == [
        ("single direct", "/predict/xcopa"),
        ("single stilts", "/predict/xcopa"),
        ("batch direct", "/predict/xcopa/batch"),
        ("batch stilts", "/predict/xcopa/batch"),
        ("compare all", "/compare/xcopa"),
        ("rank direct", "/rank"),
        ("rank stilts", "/rank"),
    ]
    assert [each.items for each in found] == [1, 1, 3, 3, 2, 1, 1]
    for each in found:
        models = {json.loads(asked.body).get("model", "all") for asked in each.bodies}
        assert models == {each.variant}


def test_the_same_requests_are_sent_each_time() -> None:
    one, other = (route_cases(ROUTES, ["stilts"], MIX, SERVED, count=9) for _ in range(2))
    assert [[asked.body for asked in each.bodies] for each in one] == [
        [asked.body for asked in each.bodies] for each in other
    ]


@pytest.mark.parametrize(
    ("route", "answer"),
    [
        ("single", prediction()),
        ("batch", {"predictions": [prediction()] * 3}),
        ("compare", comparison(True, direct=1, stilts=1)),
        ("rank", ranking()),
    ],
)
def test_answers_are_judged_by_their_route(route: str, answer: object) -> None:
    [case] = route_cases([route], ["stilts"], MIX, SERVED, count=1)
    [asked] = case.bodies
    assert asked.is_sound(json.dumps(answer).encode())
    for unsound in (b"{}", b"", b"[" * 100_000, b"\xff"):
        assert not asked.is_sound(unsound)


def test_a_comparison_has_the_answer_of_every_variant_that_is_served() -> None:
    answer = json.dumps(comparison(True, direct=1, stilts=1)).encode()
    [case] = route_cases(["compare"], SERVED, MIX, [*SERVED, "mnli"], count=1)
    assert case.items == 3
    assert not case.bodies[0].is_sound(answer)
