"""The figures of little invented trees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.figures import Figure, Target, main, measure, table


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def figure(root: Path, what: str) -> Figure:
    [found] = [each for each in measure(root) if each.what.startswith(what)]
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that meets every target."""
    files = {
        "app/engine/packing.py": "def pack():\n    return 1\n",
        "models/statistics.py": "from app.engine import packing\n",
        "tests/app/engine/test_packing.py": "def test_pack(): ...\n",
        "tests/models/test_statistics.py": "class TestIt:\n    async def test_mean(self): ...\n",
    }
    write(tmp_path, files)
    mutants = {"a.py": {"killed": 8, "mutants": 9}, "b.py": {"killed": 1, "mutants": 1}}
    sample = {"killed": 960, "mutants": 1000}
    results = {"bare_clone": {"skipped": 10}, "mutants": {"files": mutants, "sample": sample}}
    (tmp_path / "docs/results").mkdir(parents=True)
    (tmp_path / "docs/results/quality.json").write_text(json.dumps(results), encoding="utf-8")
    return tmp_path


def test_a_tree_that_meets_every_target_passes_the_check(tree: Path) -> None:
    assert [each.what for each in measure(tree) if not each.met] == []
    assert main(["--check", str(tree)]) == 0


def test_only_a_check_fails_for_a_missed_target(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"app/loose.py": "import models.statistics\n"})
    assert main([str(tree)]) == 0
    assert main(["--check", str(tree)]) == 1
    assert "import arrows that run up: app -> models" in capsys.readouterr().out


def test_the_largest_files_are_named_by_kind(tree: Path) -> None:
    write(tree, {"app/long.py": "x = 1\n" * 399, "tests/test_long.py": "x = 1\n" * 400})
    source, test = figure(tree, "largest source"), figure(tree, "largest test")
    assert (source.value, source.met, source.detail) == (399, True, "app/long.py")
    assert (test.value, test.met, test.detail) == (400, False, "tests/test_long.py")


def test_a_function_is_measured_without_its_docstring_and_decorators(tree: Path) -> None:
    body = "    x = 1\n"
    text = f'@property\ndef long():\n    """Say\n\n    much."""\n{body * 40}'
    write(tree, {"app/long.py": text})
    longest = figure(tree, "longest function")
    assert (longest.value, longest.met) == (41, False)
    assert longest.detail == "app/long.py:2 long"


def test_the_median_is_of_functions_methods_and_nested_ones(tree: Path) -> None:
    text = "class A:\n    def a(self):\n        def b(): ...\n        return b\n"
    write(tree, {"app/some.py": text})
    assert figure(tree, "median function").value == 2


def test_tests_are_counted_in_classes_too_and_by_a_thousand_lines(tree: Path) -> None:
    density = figure(tree, "tests per")
    assert density.detail.startswith("2 tests, 3 lines")
    write(tree, {"app/filler.py": "x = 1\n" * 97})
    density = figure(tree, "tests per")
    assert (density.value, density.met) == (20, False)


def test_a_module_without_a_test_of_its_name_counts_but_for_packages_and_mains(tree: Path) -> None:
    write(tree, dict.fromkeys(["app/__init__.py", "models/__main__.py", "app/alone.py"], ""))
    mirrored = figure(tree, "modules with a test")
    assert (mirrored.value, mirrored.met) == (1 - 1 / 3, False)
    assert mirrored.detail == "1 of 3 have none: app/alone.py"


def test_what_nobody_has_measured_is_not_met(tree: Path) -> None:
    (tree / "docs/results/quality.json").write_text("{}", encoding="utf-8")
    for what in ("skipped tests", "mutants killed, files", "mutants killed, random"):
        assert (figure(tree, what).value, figure(tree, what).met) == (None, False)
    (tree / "docs/results/quality.json").unlink()
    assert figure(tree, "mutants killed, files").value is None


def test_mutants_are_added_up_over_files(tree: Path) -> None:
    assert figure(tree, "mutants killed, files").value == 0.9


def test_a_sample_counts_by_the_lower_end_of_its_interval(tree: Path) -> None:
    kept = tree / "docs/results/quality.json"
    results = json.loads(kept.read_text(encoding="utf-8"))
    results["mutants"]["sample"] = {"killed": 90, "mutants": 100}
    kept.write_text(json.dumps(results), encoding="utf-8")
    assert figure(tree, "mutants killed, random").value == pytest.approx(0.8256, abs=1e-4)
    assert not figure(tree, "mutants killed, random").met


def test_skipped_tests_are_those_of_the_last_run(tree: Path) -> None:
    assert figure(tree, "skipped tests").value == 10


def test_a_bound_belongs_to_what_is_good_enough() -> None:
    most, least = Target(40), Target(0.75, is_floor=True)
    assert [most.is_met_by(value) for value in (39, 40, 41)] == [True, True, False]
    assert [least.is_met_by(value) for value in (0.74, 0.75, 0.76)] == [False, True, True]


def test_the_table_tells_where_missed_targets_are_missed() -> None:
    figures = [
        Figure("good", 1, Target(1), "not shown"),
        Figure("a longer name", 0.512, Target(0.9, is_floor=True, form=".1%"), "app/here.py"),
        Figure("later", None, Target(10)),
    ]
    assert table(figures).splitlines() == [
        "what           value         target",
        "good           1             at most 1       met",
        "a longer name  51.2%         at least 90.0%  NOT MET",
        "later          not measured  at most 10      NOT MET",
        "",
        "a longer name: app/here.py",
    ]
