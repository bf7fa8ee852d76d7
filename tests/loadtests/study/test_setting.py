"""A folder holds one study: what differs is named, and not mixed in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from loadtests.study.errors import StudyError
from loadtests.study.setting import FULL, QUICK, StudySetting, kept_setting, settle
from tests.loadtests.study.made import SETTING


def test_the_same_study_goes_on_on_another_day(tmp_path: Path) -> None:
    assert settle(tmp_path, SETTING) == SETTING
    later = replace(SETTING, machine={**SETTING.machine, "date": "2027-01-01"})
    assert settle(tmp_path, later) == SETTING


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 9}, "another seed"),
        ({"seconds": 9.0}, "another seconds"),
        ({"batch_tokens": 384}, r"another batch_tokens \(512, now 384\)"),
        ({"revisions": {"direct": "a", "stilts": "c"}}, "another revisions"),
        ({"machine": {**SETTING.machine, "cores": 64}}, r"another machine\.cores .*2, now 64"),
    ],
)
def test_another_study_is_refused_by_what_differs(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    settle(tmp_path, SETTING)
    with pytest.raises(StudyError, match=named):
        settle(tmp_path, replace(SETTING, **change))


WITH_A_GPU = replace(SETTING, machine={**SETTING.machine, "gpu": "A Card"})


def test_a_machine_with_something_new_was_a_key_error(tmp_path: Path) -> None:
    settle(tmp_path, SETTING)
    with pytest.raises(StudyError, match=r"another machine\.gpu \(None, now 'A Card'\)"):
        settle(tmp_path, WITH_A_GPU)


def test_a_machine_that_has_lost_its_gpu_was_taken_for_the_same(tmp_path: Path) -> None:
    settle(tmp_path, WITH_A_GPU)
    with pytest.raises(StudyError, match=r"another machine\.gpu \('A Card', now None\)"):
        settle(tmp_path, SETTING)


def test_a_file_that_is_no_setting_is_named(tmp_path: Path) -> None:
    for content in ("{", "[]", '{"seed": 1}'):
        (tmp_path / "setting.json").write_text(content, "utf-8")
        with pytest.raises(StudyError, match=r"setting\.json is no setting"):
            settle(tmp_path, SETTING)


@pytest.mark.usefixtures("tiny_settings")
def test_a_study_here_names_weights_and_machine() -> None:
    found = StudySetting.here(QUICK, 5, 384, "the sample", Settings())
    assert (found.quick, found.seed, found.items) == (True, 5, "the sample")
    assert found.batch_tokens == 384
    assert set(found.revisions) == {"direct", "stilts"}
    assert found.revisions["direct"] != found.revisions["stilts"]
    assert found.machine["cores"] >= 1


def test_what_a_folder_has_is_read_and_without_one_there_is_none(tmp_path: Path) -> None:
    assert kept_setting(tmp_path) is None
    settle(tmp_path, SETTING)
    assert kept_setting(tmp_path) == SETTING


def test_a_quick_run_is_within_ten_minutes_and_a_full_one_within_ninety() -> None:
    assert (QUICK.minutes, FULL.minutes) == (10, 90)
    assert QUICK.quick
    assert not FULL.quick
