"""Files that are not what their name says: one line that names the file and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from app.errors import StartError
from app.weights.checkpoint import locate
from app.weights.variant import load_variants
from tests import tiny

ROWS = [(0, 9, 8, 7, 2), (0, 5, 2)]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def refusal(directory: Path) -> str:
    with pytest.raises(StartError) as stopped:
        load_variants({"direct": str(directory)}, Path())
    message = str(stopped.value)
    assert "\n" not in message
    assert message.startswith("XCOPA_MODELS__DIRECT: ")
    return message.removeprefix("XCOPA_MODELS__DIRECT: ")


def sharded(directory: Path) -> Path:
    tiny.tokenizer().save(str(directory / "tokenizer.json"))
    tiny.drawn_multiple_choice(1).save_pretrained(directory, max_shard_size="30KB")
    assert not (directory / "model.safetensors").exists()
    return directory


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_git_lfs_pointer_is_said_to_be_one(tmp_path: Path, name: str) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / name).write_text(POINTER, encoding="utf-8")
    assert refusal(directory) == (
        f"{directory / name} is a Git LFS pointer and not the file itself; run `git lfs pull` there"
    )


@pytest.mark.parametrize("name", ["model.safetensors", "adapter_model.safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 4, b"<html>Not Found</html>", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{]" + bytes(8)],
)
def test_weights_that_are_no_safetensors_are_named(
    tmp_path: Path, name: str, content: bytes
) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    path = next(found for found in (directory / name, base / name) if found.exists())
    path.write_bytes(content)
    assert f"{path} is damaged, or no safetensors file" in refusal(directory)


@pytest.mark.parametrize("name", ["model.safetensors", "adapter_model.safetensors"])
def test_weights_that_are_cut_off_are_named(tmp_path: Path, name: str) -> None:
    base = tiny.headless(tmp_path / "base")
    directory = tiny.adapter(tmp_path / "adapter", base)
    path = next(found for found in (directory / name, base / name) if found.exists())
    path.write_bytes(path.read_bytes()[:-1])
    assert f"{path} is damaged" in refusal(directory)


def test_a_checkpoint_in_shards_is_served(tmp_path: Path) -> None:
    one = tiny.multiple_choice(tmp_path / "one")
    (tmp_path / "many").mkdir()
    many = sharded(tmp_path / "many")
    first, other = (
        load_variants({"direct": str(source)}, Path())["direct"] for source in (one, many)
    )
    assert other.engine.logits(ROWS) == first.engine.logits(ROWS)
    before = other.revision
    shard = max(many.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-4] + bytes(4))
    assert locate(str(many), Path()).revision() != before


def test_a_shard_that_is_missing_is_named(tmp_path: Path) -> None:
    shard = max(sharded(tmp_path).glob("*.safetensors"))
    shard.unlink()
    rest = ", ".join(sorted(path.name for path in tmp_path.glob("*.safetensors"))[:4])
    assert refusal(tmp_path) == (
        f"{tmp_path} has no {shard.name}; it holds {rest}. Only safetensors are read"
    )


@pytest.mark.parametrize("index", ["{}", '{"weight_map": {}}', '{"weight_map": []}'])
def test_an_index_that_names_no_shards_is_named(tmp_path: Path, index: str) -> None:
    sharded(tmp_path)
    (path := tmp_path / "model.safetensors.index.json").write_text(index)
    assert refusal(tmp_path) == f"{path} must hold a weight_map that names the files"


@pytest.mark.parametrize("index", [b"[", b"\xff"])
def test_an_index_that_is_no_json_is_named(tmp_path: Path, index: bytes) -> None:
    sharded(tmp_path)
    (path := tmp_path / "model.safetensors.index.json").write_bytes(index)
    assert refusal(tmp_path).startswith(f"{path} is not JSON: ")


def test_a_directory_without_any_weights_is_said_to_have_none(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / "model.safetensors").unlink()
    assert refusal(directory) == (
        f"{directory} has no model.safetensors. Only safetensors are read"
    )


def test_of_many_weights_of_other_formats_some_are_named(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / "model.safetensors").unlink()
    for name in ("e.gguf", "d.onnx", "c.h5", "b.pt", "a.bin", "README.md"):
        (directory / name).touch()
    assert "; it holds a.bin, b.pt, c.h5, d.onnx. Only" in refusal(directory)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "tf_model.h5", "model.onnx", "fp16.safetensors"]
)
def test_weights_of_another_format_are_named_and_never_opened(tmp_path: Path, name: str) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / "model.safetensors").rename(directory / name)
    assert f"has no model.safetensors; it holds {name}. Only safetensors" in refusal(directory)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe{}", b"null", POINTER.encode(), b"<html></html>"]
)
def test_a_config_that_is_no_json_object_is_named(tmp_path: Path, content: bytes) -> None:
    directory = tiny.multiple_choice(tmp_path)
    (directory / "config.json").write_bytes(content)
    assert "config.json is not" in refusal(directory)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": "wide"},
        {"num_attention_heads": 5},
        {"num_attention_heads": 0},
        {"vocab_size": -1},
        {"max_position_embeddings": None},
        {"hidden_act": None},
        {"model_type": None},
        {"layer_norm_eps": "small"},
    ],
)
def test_a_config_with_a_value_that_cannot_be_is_one_line(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    directory = tiny.multiple_choice(tmp_path)
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert str(directory) in refusal(directory)


def _small(directory: Path) -> None:
    words = {f"w{number}": number for number in range(50)}
    Tokenizer(WordLevel(words, unk_token="w0")).save(str(directory / "tokenizer.json"))


def _large(directory: Path) -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens([f"extra{number}" for number in range(tiny.PIECES)])
    tokenizer.save(str(directory / "tokenizer.json"))


def _without_post_processor(directory: Path) -> None:
    path = directory / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "post_processor": None}))


def _other_ends(directory: Path) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "bos_token_id": 101}))


@pytest.mark.parametrize("change", [_small, _large, _without_post_processor, _other_ends])
def test_a_tokenizer_of_another_model_is_refused(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    directory = tiny.multiple_choice(tmp_path)
    change(directory)
    said = refusal(directory)
    assert str(directory / "tokenizer.json") in said
    assert "another model's tokenizer" in said


def test_the_revision_is_that_of_the_weights_that_are_used(tmp_path: Path) -> None:
    """A second file of weights beside the first is not read, so it changes no revision."""
    directory = tiny.multiple_choice(tmp_path)
    before = locate(str(directory), Path()).revision()
    torch.save({}, directory / "pytorch_model.bin")
    (directory / "old.safetensors").write_bytes((directory / "model.safetensors").read_bytes())
    assert locate(str(directory), Path()).revision() == before
