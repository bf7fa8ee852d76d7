"""What is made of rounds without and with kills."""

from __future__ import annotations

from loadtests.bench.kills import Seen, results_of

OK, BROKEN, REFUSED = 200, 0, 429


def seen(answered: int, *others: int, slowest: float = 0.1) -> Seen:
    statuses = [OK] * answered + list(others)
    return Seen(statuses, [0.05] * (len(statuses) - 1) + [slowest], 2.0, kills=3)


def test_a_round_with_kills_is_compared_with_the_one_before_it() -> None:
    [result] = results_of([(seen(100), seen(80)), (seen(50), seen(45)), (seen(100), seen(70))])
    assert (result.least, result.value, result.greatest) == (0.7, 0.8, 0.9)
    assert result.details["requests_per_second"] == [50, 25, 50]


def test_only_answers_count_and_failures_of_all_kinds_are_told() -> None:
    [result] = results_of([(seen(100, BROKEN), seen(50, BROKEN, REFUSED, slowest=11.0))])
    assert result.value == 0.5
    wanted = {"kills": 3, "answered": 50, "failed": 2, "hung": 1, "slowest_ms": 11_000}
    assert wanted.items() <= result.details.items()
