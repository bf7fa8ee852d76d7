"""Hub ids and directories, against a stand-in of the model hub that the real client talks to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from app.errors import StartError
from app.weights import hub
from app.weights.checkpoint import directory_here, locate
from app.weights.hub import HubId
from app.weights.variant import load_variants
from tests import tiny
from tests.app.weights.hub_stand_in import COMMIT, REPOSITORY, StandInHub


def refusal(source: str) -> str:
    with pytest.raises(StartError) as stopped:
        hub.resolve(source)
    return str(stopped.value)


def test_a_hub_id_is_fetched_and_served(stand_in: type[StandInHub]) -> None:
    served = load_variants({"direct": REPOSITORY}, Path())["direct"]
    same = load_variants({"direct": str(stand_in.folder)}, Path())["direct"]
    assert served.engine.logits([(0, 5, 2)]) == same.engine.logits([(0, 5, 2)])


def test_what_the_cache_holds_is_found_without_asking_the_hub(
    stand_in: type[StandInHub], tmp_path: Path
) -> None:
    assert hub.cached(REPOSITORY) is None
    assert hub.cached(str(tmp_path)) == tmp_path
    fetched = hub.resolve(REPOSITORY)
    stand_in.repository = "somewhere/else"
    assert hub.cached(REPOSITORY) == fetched
    assert hub.cached(f"{REPOSITORY}@{COMMIT}") == fetched
    assert directory_here(REPOSITORY, tmp_path) == fetched
    (fetched / "model.safetensors").unlink()
    assert hub.cached(f"{REPOSITORY}@other") is None
    with pytest.raises(StartError, match="is not a directory: there is nothing there"):
        directory_here("/no/such/base", tmp_path)


def test_nothing_that_could_run_and_no_earlier_checkpoint_is_fetched(
    stand_in: type[StandInHub],
) -> None:
    directory = hub.resolve(REPOSITORY)
    fetched = {path.name for path in directory.iterdir()}
    assert fetched == {"config.json", "model.safetensors", "tokenizer.json"}


def test_a_model_of_a_branch_is_the_one_of_its_commit(stand_in: type[StandInHub]) -> None:
    assert hub.resolve(f"{REPOSITORY}@main") == hub.resolve(f"{REPOSITORY}@{COMMIT}")
    assert hub.resolve(REPOSITORY).name == COMMIT


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "someone/nothing-here",
            "no directory and no model of the hub is called 'someone/nothing-here' (a private "
            "model needs HF_TOKEN)",
        ),
        ("gated/model", "gated/model is gated; accept its terms and set HF_TOKEN"),
        (f"{REPOSITORY}@v9", f"{REPOSITORY} has no revision 'v9'"),
    ],
)
def test_a_wrong_id_is_one_clear_line(
    stand_in: type[StandInHub], source: str, message: str
) -> None:
    assert refusal(source) == message


def test_a_model_that_is_not_in_the_cache_is_no_model_offline(
    stand_in: type[StandInHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refusal(REPOSITORY) == (
        f"'{REPOSITORY}' is not a directory here, and the model hub cannot be reached: "
        f"HF_HUB_OFFLINE is set, and {constants.HF_HUB_CACHE} does not hold the model"
    )


def test_a_base_without_an_owner_was_no_hub_id(
    stand_in: type[StandInHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``xlm-roberta-base``, in the cache and offline, as a training machine leaves it."""
    stand_in.repository = "xlm-roberta-base"
    adapter = tiny.adapter(tmp_path / "adapter", stand_in.folder)
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "xlm-roberta-base"
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    online = locate(str(adapter), Path()).full
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert locate(str(adapter), Path()).full == online == hub.resolve("xlm-roberta-base")


def test_a_model_that_is_not_whole_in_the_cache_is_one_clear_line(
    stand_in: type[StandInHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    (hub.resolve(REPOSITORY) / "model.safetensors").unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refusal(REPOSITORY) == (
        f"'{REPOSITORY}' is not whole in {constants.HF_HUB_CACHE}, the model hub cannot be "
        f"reached: HF_HUB_OFFLINE is set, and {constants.HF_HUB_CACHE} does not hold the model"
    )


def test_a_base_on_the_machine_that_trained_the_adapter_is_named_with_who_wants_it(
    tmp_path: Path,
) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    shutil.rmtree(tmp_path / "base")
    with pytest.raises(StartError) as stopped:
        locate(str(adapter), Path())
    assert str(stopped.value).startswith(
        f"{adapter}/adapter_config.json: base_model_name_or_path: '{tmp_path}/base' is not"
    )


def test_the_revision_that_an_adapter_asks_of_its_base_is_taken(
    stand_in: type[StandInHub], tmp_path: Path
) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", stand_in.folder)
    config = json.loads((adapter / "adapter_config.json").read_text())
    asked = {"base_model_name_or_path": REPOSITORY, "revision": "v9"}
    (adapter / "adapter_config.json").write_text(json.dumps({**config, **asked}))
    with pytest.raises(StartError, match="no revision 'v9'"):
        locate(str(adapter), Path())


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("xlm-roberta-base", HubId("xlm-roberta-base")),
        ("xlm-roberta-base@main", HubId("xlm-roberta-base", "main")),
        ("owner/name", HubId("owner/name")),
        ("owner/name/", HubId("owner/name")),
        ("X/name-X/", HubId("X/name-X")),
        ("owner/name@", HubId("owner/name")),
        ("owner/name@refs/pr/3", HubId("owner/name", "refs/pr/3")),
        (f"owner/name@{COMMIT}", HubId("owner/name", COMMIT)),
        ("hf://owner/name@v1", HubId("owner/name", "v1")),
        ("hf://models/owner/name", HubId("owner/name")),
        ("https://huggingface.co/owner/name", HubId("owner/name")),
        ("https://huggingface.co/owner/name/tree/v1", HubId("owner/name", "v1")),
    ],
)
def test_the_ways_to_name_a_model_of_the_hub(source: str, found: HubId) -> None:
    assert HubId.parse(source) == found


@pytest.mark.parametrize(
    "source",
    [
        *("a b", "owner/name/more", "owner//name", "@main", "a..b", "a--b/c", "name.git", "été"),
        *("https://example.com/owner/name", "hf://"),
    ],
)
def test_what_no_model_can_be_called_is_one_clear_line(source: str) -> None:
    assert refusal(source) == (
        f"'{source}' is not a directory, and not a hub id either (name, owner/name, or "
        "owner/name@revision)"
    )


@pytest.mark.parametrize("source", ["hf://datasets/a/b", "hf://owner/name/folder"])
def test_an_address_of_something_else_on_the_hub_is_one_clear_line(source: str) -> None:
    assert refusal(source) == f"'{source}' is no model of the hub; name it as owner/name"


@pytest.mark.parametrize("spelling", ["{}", "{}/", " {}\n", "./model", "model", "~/model", "link"])
def test_the_ways_to_name_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    (tmp_path / "link").symlink_to(directory)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert hub.resolve(spelling.format(directory)).samefile(directory)


def test_a_directory_goes_before_a_model_of_the_same_name(
    stand_in: type[StandInHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / REPOSITORY).mkdir(parents=True)
    assert hub.resolve(REPOSITORY).samefile(tmp_path / REPOSITORY)
    assert stand_in.asked == []


NOTHING_THERE = "is not a directory: there is nothing there"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the source is empty: name a directory, or a model of the hub"),
        ("  ", "the source is empty: name a directory, or a model of the hub"),
        (
            "~no-such-user/model",
            "'~no-such-user/model' is not a directory: Could not determine home directory.",
        ),
        ("nul\0byte", r"'nul\x00byte' is not a directory: embedded null byte"),
        (
            "file",
            "'file' is not a directory but a file: name the directory that it is in",
        ),
        ("./file/model", f"'./file/model' {NOTHING_THERE}"),
        ("./missing", f"'./missing' {NOTHING_THERE}"),
        ("~/missing", f"'~/missing' {NOTHING_THERE}"),
        ("/nowhere/at/all", f"'/nowhere/at/all' {NOTHING_THERE}"),
    ],
)
def test_a_path_that_is_no_directory_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert refusal(source) == message


@pytest.mark.parametrize("source", ["dangling", "file/model"])
def test_a_path_that_could_be_a_hub_id_is_said_to_be_neither(
    stand_in: type[StandInHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert refusal(source).startswith(f"no directory and no model of the hub is called '{source}'")


def test_a_variable_that_stops_a_fetch_is_named_with_what_was_to_be_fetched(
    stand_in: type[StandInHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "maybe")
    assert refusal(REPOSITORY) == (
        f"cannot fetch '{REPOSITORY}': HF_HUB_OFFLINE must be 1 or 0, not 'maybe'"
    )
    assert hub.resolve(str(stand_in.folder)) == stand_in.folder
    assert stand_in.asked == []


def test_links_in_a_circle_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to("model")
    with pytest.raises(StartError, match=r"cannot read .*model"):
        locate(str(tmp_path / "model"), Path())


@pytest.mark.parametrize("started_in", ["elsewhere", "beside a folder of that name"])
def test_a_base_beside_its_adapter_is_found(
    tmp_path: Path, started_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / started_in).mkdir()
    if started_in != "elsewhere":
        (tmp_path / started_in / "base").mkdir()
    monkeypatch.chdir(tmp_path / started_in)
    base = tiny.headless(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", base)
    shutil.move(base, adapter / "base")
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "./base"
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    assert locate(str(adapter), Path()).full.samefile(adapter / "base")
