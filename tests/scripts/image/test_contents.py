"""Where the bytes of an image are."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.image.contents import largest, layers, size
from scripts.image.results import Part


def test_layers_are_named_by_what_they_bring() -> None:
    history = [
        {"created_by": "/bin/sh"},
        {"created_by": "/bin/sh -c groupadd xcopa && useradd xcopa"},
        {"created_by": "/bin/sh -c #(nop) COPY dir:5c0e27 in /opt/venv "},
        {"created_by": "/bin/sh -c #(nop) ENV A=b", "empty_layer": True},
    ]
    manifest = json.dumps({"layers": [{"size": 3}, {"size": 2}, {"size": 1}]})
    assert layers({"Manifest": manifest, "Docker": {"history": history}}) == [
        Part("base image", 3),
        Part("user, bytecode of Python", 2),
        Part("/opt/venv", 1),
    ]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"x" * 1000)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert size(tmp_path / "real") == 1000
    assert size(tmp_path / "link") < 1000


def test_the_largest_come_first(tmp_path: Path) -> None:
    packages = tmp_path / "opt/venv/lib/python3.11/site-packages"
    for path, count in (
        (packages / "small", 1),
        (packages / "torch", 9),
        (tmp_path / "usr/lib", 5),
    ):
        path.mkdir(parents=True)
        (path / "file").write_bytes(b"x" * count)
    found = [(part.name, part.bytes) for part in largest(tmp_path)]
    assert found == [("torch", 9), ("/usr/lib", 5), ("small", 1)]
