"""Hub ids and directories, against a stand-in of the model hub that the real client talks to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from app.errors import StartError
from app.weights import hub
from app.weights.checkpoint import locate
from app.weights.hub import HubId
from app.weights.variant import load_variants
from tests import tiny
from tests.app.weights.hub_stand_in import COMMIT, REPOSITORY, StandInHub


def test_a_hub_id_is_fetched_and_served(stand_in: type[StandInHub]) -> None:
    served = load_variants({"direct": REPOSITORY}, Path())["direct"]
    same = load_variants({"direct": str(stand_in.folder)}, Path())["direct"]
    assert served.engine.logits([(0, 5, 2)]) == same.engine.logits([(0, 5, 2)])


def test_nothing_that_could_run_and_no_earlier_checkpoint_is_fetched(
    stand_in: type[StandInHub],
) -> None:
    directory = hub.resolve(REPOSITORY)
    fetched = {path.name for path in directory.iterdir()}
    assert fetched == {"config.json", "model.safetensors", "tokenizer.json"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("someone/nothing-here", "no model of the hub"),
        ("gated/model", "HF_TOKEN"),
        (f"{REPOSITORY}@v9", "no revision 'v9'"),
    ],
)
def test_a_wrong_id_is_one_clear_line(stand_in: type[StandInHub], source: str, reason: str) -> None:
    with pytest.raises(StartError) as stopped:
        hub.resolve(source)
    assert reason in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_a_hub_out_of_reach_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(StartError, match="cannot be reached"):
        hub.resolve(REPOSITORY)


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
    with pytest.raises(StartError, match="is not whole in") as stopped:
        hub.resolve(REPOSITORY)
    assert "\n" not in str(stopped.value)


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
        *("hf://datasets/a/b", "hf://owner/name/folder", "https://example.com/owner/name", "hf://"),
    ],
)
def test_what_no_model_can_be_called_is_one_clear_line(source: str) -> None:
    with pytest.raises(StartError, match="owner/name") as stopped:
        hub.resolve(source)
    assert "\n" not in str(stopped.value)


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


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("~no-such-user/model", "is not a directory"),
        ("nul\0byte", "is not a directory"),
        ("file", "is not a directory but a file"),
        ("./file/model", "is not a directory"),
        ("dangling", "is not a directory"),
    ],
)
def test_a_path_that_is_no_directory_is_one_clear_line(
    stand_in: type[StandInHub],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(StartError) as stopped:
        hub.resolve(source)
    assert "\n" not in str(stopped.value)
    assert reason in str(stopped.value).replace("no directory", "is not a directory")


def test_links_in_a_circle_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to("model")
    with pytest.raises(StartError, match=r"cannot read .*model"):
        locate(str(tmp_path / "model"), Path())


def test_a_base_beside_its_adapter_is_found(tmp_path: Path) -> None:
    base = tiny.headless(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", base)
    shutil.move(base, adapter / "base")
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "./base"
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    assert locate(str(adapter), Path()).full.samefile(adapter / "base")
