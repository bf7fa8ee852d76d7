"""The file of keys: read line by line, and changed as a whole."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from app.errors import StartError
from app.keys.api_key import digest_of, draw
from app.keys.keys_file import (
    MOST_BYTES,
    add_key,
    parse_keys,
    read_keys_file,
    revoke_key,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def names(path: Path) -> list[str]:
    return [key.name for key in parse_keys(read_keys_file(path), path)]


def line(name: str) -> str:
    return draw(name)[1].line


def test_a_key_that_is_added_is_found_by_its_digest_and_stands_nowhere(path: Path) -> None:
    key = add_key(path, "alice", weight=3, tokens_per_second=500)
    [kept] = parse_keys(read_keys_file(path), path)
    assert (kept.name, kept.weight, kept.tokens_per_second) == ("alice", 3, 500)
    assert kept.digest == digest_of(key.encode())
    assert key.rpartition("_")[2] not in path.read_text("utf-8")


def test_the_file_is_its_owners_alone(path: Path) -> None:
    add_key(path, "alice")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    revoke_key(path, "alice")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_comments_blank_lines_and_line_ends_survive(path: Path) -> None:
    bob = line("bob")
    before = f"# the team\r\n\r\n  # alice left\n{bob} weight=2\r\n\n# the end"
    path.write_bytes(before.encode())
    add_key(path, "carol")
    after = path.read_bytes().decode()
    assert after.startswith(f"{before}\ncarol sha256:")
    revoke_key(path, "bob")
    assert path.read_bytes().decode() == after.replace("weight=2\r", "weight=2 revoked\r")
    assert names(path) == ["bob", "carol"]


def test_who_is_revoked_stays_in_the_file_and_may_be_revoked_again(path: Path) -> None:
    add_key(path, "alice")
    add_key(path, "bob")
    for _ in range(2):
        revoke_key(path, "alice")
        keys = parse_keys(read_keys_file(path), path)
        assert [(key.name, key.revoked) for key in keys] == [("alice", True), ("bob", False)]


def test_a_comment_that_begins_with_the_name_is_not_the_key(path: Path) -> None:
    path.write_text(f"#alice sha256\n{line('alice')}\n", "utf-8")
    revoke_key(path, "alice")
    assert path.read_text("utf-8").startswith("#alice sha256\nalice ")


def test_a_name_is_given_once(path: Path) -> None:
    add_key(path, "alice")
    before = path.read_bytes()
    with pytest.raises(StartError, match="has a key named alice"):
        add_key(path, "alice")
    with pytest.raises(StartError, match="no key named 'bob'"):
        revoke_key(path, "bob")
    assert path.read_bytes() == before


def test_every_bad_line_is_named_by_file_line_and_field(path: Path) -> None:
    good = line("good")
    path.write_text(f"# team\nalice\n{good}\n\n-bob {good.split()[1]}\n", "utf-8")
    with pytest.raises(StartError) as raised:
        names(path)
    assert str(raised.value).startswith(f"{path}: line 2, digest: ")
    assert "; line 5, name: " in str(raised.value)


def test_of_many_bad_lines_some_are_named(path: Path) -> None:
    path.write_text("alice\n" * 100, "utf-8")
    with pytest.raises(StartError, match=r"line 5, .*; and 95 more$"):
        names(path)


def test_a_name_or_a_key_that_is_there_twice_is_named(path: Path) -> None:
    alice = line("alice")
    path.write_text(f"{alice}\n{line('alice')}\n{alice.replace('alice', 'bob')}\n", "utf-8")
    with pytest.raises(StartError, match=r"line 2, name: is that of line 1; line 3, digest: is th"):
        names(path)


def test_a_file_of_windows_with_a_byte_order_mark_is_read(path: Path) -> None:
    path.write_bytes(f"\ufeff{line('alice')}\r\n{line('bob')}\r\n".encode())
    assert names(path) == ["alice", "bob"]
    revoke_key(path, "alice")
    assert names(path) == ["alice", "bob"]


def test_what_is_not_text_is_named_by_its_line(path: Path) -> None:
    path.write_bytes(line("alice").encode() + b"\n# caf\xe9\n")
    with pytest.raises(StartError, match="line 2: is not UTF-8"):
        names(path)


def test_an_empty_file_has_no_keys(path: Path) -> None:
    path.write_bytes(b"\n# nobody yet\n")
    assert names(path) == []


def test_what_is_no_file_is_one_clear_line(path: Path) -> None:
    with pytest.raises(StartError, match=r"No such file.*xcopa keys add"):
        read_keys_file(path)
    with pytest.raises(StartError, match="is no file"):
        read_keys_file(path.parent)
    os.mkfifo(path)
    with pytest.raises(StartError, match="is no file"):
        read_keys_file(path)
    with pytest.raises(StartError, match="is no file"):
        read_keys_file(Path("/dev/zero"))


def test_a_file_that_is_too_large_is_not_read_to_its_end(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * MOST_BYTES)
    with pytest.raises(StartError, match=r"more than 1,048,576 bytes"):
        read_keys_file(path)


def test_a_link_stays_a_link_and_what_it_points_to_is_changed(path: Path) -> None:
    target = path.parent / "elsewhere" / "keys"
    target.parent.mkdir()
    target.touch()
    path.symlink_to(target)
    add_key(path, "alice")
    assert path.is_symlink()
    assert names(target) == ["alice"]


def test_a_change_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key(path, "alice")
    before, beside = path.read_bytes(), set(path.parent.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.keys.keys_file.os.fsync", full)
    with pytest.raises(StartError, match=r"cannot be written \(No space left"):
        add_key(path, "bob")
    assert path.read_bytes() == before
    assert set(path.parent.iterdir()) == beside


def test_a_broken_file_is_not_changed(path: Path) -> None:
    path.write_text("alice\n", "utf-8")
    with pytest.raises(StartError, match="line 1, digest"):
        add_key(path, "bob")
    assert path.read_text("utf-8") == "alice\n"


def test_keys_that_are_added_at_once_are_all_there(path: Path) -> None:
    threads = [threading.Thread(target=add_key, args=(path, f"n{n}")) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(names(path)) == {f"n{n}" for n in range(12)}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file to another user")
def test_a_file_of_the_services_user_stays_that_users(path: Path) -> None:
    add_key(path, "alice")
    os.chown(path, 10001, 10001)
    add_key(path, "bob")
    assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10001)
