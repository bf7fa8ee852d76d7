"""The keys of a file that changes, breaks and goes while the service runs."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from app.errors import StartError
from app.keys import in_force
from app.keys.api_key import draw
from app.keys.in_force import KeysInForce
from app.keys.keys_file import add_key, revoke_key
from app.telemetry.metrics import Metrics

WAIT_S = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics([])


def settle(keys: KeysInForce) -> None:
    """Read as often as a change needs to be taken."""
    keys.reread()
    keys.reread()


def holder(keys: KeysInForce, key: str) -> str | None:
    found = keys.find(key.encode())
    return found.name if found else None


def outdated(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("xcopa_keys_outdated")


def test_a_key_that_is_added_is_known_and_one_that_is_revoked_is_known_as_such(
    path: Path, metrics: Metrics
) -> None:
    alice = add_key(path, "alice")
    keys = KeysInForce(path, metrics)
    bob = add_key(path, "bob")
    assert (holder(keys, alice), holder(keys, bob)) == ("alice", None)
    revoke_key(path, "alice")
    settle(keys)
    assert holder(keys, bob) == "bob"
    found = keys.find(alice.encode())
    assert found is not None
    assert found.key.revoked


def test_a_key_whose_line_is_gone_is_not_known(path: Path, metrics: Metrics) -> None:
    alice = add_key(path, "alice")
    add_key(path, "bob")
    keys = KeysInForce(path, metrics)
    path.write_text(path.read_text("utf-8").split("\n", 1)[1], "utf-8")
    settle(keys)
    assert holder(keys, alice) is None


def test_kubernetes_swaps_a_link_above_the_file(tmp_path: Path, metrics: Metrics) -> None:
    """Its secrets are ``file -> ..data/file`` and ``..data -> ..time``; ``..data`` is renamed."""
    for version in ("..1", "..2"):
        (tmp_path / version).mkdir()
    alice = add_key(tmp_path / "..1" / "keys", "alice")
    bob = add_key(tmp_path / "..2" / "keys", "bob")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "keys").symlink_to("..data/keys")
    keys = KeysInForce(tmp_path / "keys", metrics)
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    settle(keys)
    assert (holder(keys, alice), holder(keys, bob)) == (None, "bob")


def test_a_change_of_the_same_size_in_the_same_moment_is_seen(path: Path, metrics: Metrics) -> None:
    """Times of files are as coarse as the system's ticks, and a copy may keep them."""
    (one, first), (other, second) = draw("a"), draw("b")
    path.write_text(first.line, "utf-8")
    keys = KeysInForce(path, metrics)
    before = path.stat()
    path.write_text(second.line, "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    settle(keys)
    assert (holder(keys, one), holder(keys, other)) == (None, "b")


def test_a_file_that_is_read_in_the_midst_of_its_writing_shuts_nobody_out(
    path: Path, metrics: Metrics
) -> None:
    """An editor that writes in place first empties the file."""
    alice = add_key(path, "alice")
    keys = KeysInForce(path, metrics)
    whole = path.read_bytes()
    path.write_bytes(b"")
    keys.reread()
    assert holder(keys, alice) == "alice"
    path.write_bytes(whole + b"# and more\n")
    settle(keys)
    assert holder(keys, alice) == "alice"


@pytest.mark.parametrize("broken", ["alice\n", "alice sha256:12:34\n", "\0\0\0", "<html>"])
def test_a_broken_file_leaves_the_keys_of_before_and_says_so_once(
    path: Path, metrics: Metrics, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice = add_key(path, "alice")
    keys = KeysInForce(path, metrics)
    whole = path.read_bytes()
    path.write_text(broken, "utf-8")
    for _ in range(5):
        settle(keys)
    assert holder(keys, alice) == "alice"
    assert outdated(metrics) == 1
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert f"{path}: line 1, " in record.getMessage()
    path.write_bytes(whole)
    settle(keys)
    assert outdated(metrics) == 0


@pytest.mark.parametrize("becomes", ["missing", "directory", "huge"])
def test_a_file_that_goes_leaves_the_keys_of_before(
    path: Path, metrics: Metrics, becomes: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice = add_key(path, "alice")
    keys = KeysInForce(path, metrics)
    whole = path.read_bytes()
    path.unlink()
    if becomes == "directory":
        path.mkdir()
    if becomes == "huge":
        path.write_bytes(b"#" * 2**21)
    settle(keys)
    assert holder(keys, alice) == "alice"
    assert outdated(metrics) == 1
    assert "the keys in force are those of before" in caplog.text
    if becomes == "directory":
        path.rmdir()
    path.write_bytes(whole)
    caplog.set_level(logging.INFO)
    settle(keys)
    assert outdated(metrics) == 0
    assert "can be read again" in caplog.text


def test_a_file_without_keys_lets_nobody_in_and_says_so(
    path: Path, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    path.touch()
    keys = KeysInForce(path, metrics)
    assert "no valid key: every call is refused" in caplog.text
    assert keys.find(b"") is None
    caplog.clear()
    add_key(path, "alice")
    settle(keys)
    assert caplog.text == ""
    revoke_key(path, "alice")
    settle(keys)
    assert "no valid key" in caplog.text


def test_without_a_file_there_is_no_start(path: Path, metrics: Metrics) -> None:
    with pytest.raises(StartError, match="cannot be read"):
        KeysInForce(path, metrics)
    path.write_text("alice", "utf-8")
    with pytest.raises(StartError, match="line 1, digest"):
        KeysInForce(path, metrics)


def test_the_log_names_the_keys_and_holds_nothing_else_of_them(
    path: Path, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    alice = add_key(path, "alice")
    add_key(path, "bob")
    revoke_key(path, "bob")
    KeysInForce(path, metrics)
    assert "1 keys are valid (alice), 1 revoked (bob)" in caplog.text
    kept = path.read_text("utf-8")
    secrets = [
        *alice.split("_")[1:],
        *(line.split(":")[2].split()[0] for line in kept.splitlines()),
    ]
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_debt_outlives_a_change_of_other_lines_but_not_one_of_the_limit(
    path: Path, metrics: Metrics
) -> None:
    alice = add_key(path, "alice", tokens_per_second=10)
    keys = KeysInForce(path, metrics, clock=lambda: 0.0)
    in_debt(keys, alice, spend=100)
    add_key(path, "bob")
    settle(keys)
    assert in_debt(keys, alice) == pytest.approx(9)
    path.write_text(path.read_text("utf-8").replace("second=10", "second=20"), "utf-8")
    settle(keys)
    assert in_debt(keys, alice) == 0


def in_debt(keys: KeysInForce, key: str, spend: int = 0) -> float:
    """Seconds until the key may call again."""
    found = keys.find(key.encode())
    assert found is not None
    assert found.bucket is not None
    found.bucket.take(spend)
    return found.bucket.wait()


def test_metrics_have_the_names_of_the_file_and_no_others(path: Path, metrics: Metrics) -> None:
    alice = add_key(path, "alice")
    keys = KeysInForce(path, metrics)
    old = keys.find(alice.encode())
    assert old is not None
    assert labels(metrics) == {"alice"}
    path.unlink()
    add_key(path, "bob")
    settle(keys)
    old.spend(5)  # a call that was at work meanwhile
    metrics.key_admitted("alice")
    assert labels(metrics) == {"bob"}


def labels(metrics: Metrics) -> set[str]:
    return {
        sample.labels["key"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if "key" in sample.labels
    }


def test_the_file_is_watched_until_the_end_whatever_a_reading_raises(
    path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = add_key(path, "alice")
    monkeypatch.setattr(in_force, "REREAD_S", 0.001)
    keys = KeysInForce(path, metrics)
    readings = [0]
    enough = threading.Event()

    def read(_: Path) -> bytes:
        readings[0] += 1
        if readings[0] > 3:
            enough.set()
        raise MemoryError("not now")

    monkeypatch.setattr(in_force, "read_keys_file", read)
    keys.start()
    assert enough.wait(WAIT_S)
    keys.stop()
    for thread in [each for each in threading.enumerate() if each.name == "xcopa-keys"]:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert holder(keys, alice) == "alice"
    assert "MemoryError" in caplog.text
