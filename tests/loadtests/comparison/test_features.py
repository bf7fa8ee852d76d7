"""The table of features is whole: every cell has words and a source."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.comparison.features import DATA, SERVICE, FeatureTable, FeatureTableError
from loadtests.comparison.page import DOCS
from loadtests.peers.catalogue import ALL_PEERS, WITHOUT_PACKAGE

CONTENT = json.loads(DATA.read_text("utf-8"))
RUNTIMES = ("ONNX Runtime", "OpenVINO")


def written(folder: Path, content: Any) -> Path:
    path = folder / "features.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_each_server_has_each_feature_with_a_source() -> None:
    table = FeatureTable.load()
    assert len(table.rows) >= 5
    for row in table.rows.values():
        assert len(row) == len(table.servers)
        assert all(cell.says and cell.source for cell in row)


def test_every_server_of_the_catalogue_has_a_column() -> None:
    servers = {peer.name for peer in ALL_PEERS if not peer.name.startswith(RUNTIMES)}
    assert {SERVICE, *servers, *WITHOUT_PACKAGE} == set(FeatureTable.load().servers)


def test_the_sources_of_the_service_are_pages_that_there_are() -> None:
    table = FeatureTable.load()
    column = table.servers.index(SERVICE)
    assert all((DOCS / row[column].source).is_file() for row in table.rows.values())


@pytest.mark.parametrize("key", ["says", "source"])
def test_a_cell_that_lacks_something_is_named(key: str, tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    feature = next(iter(content["features"]))
    content["features"][feature]["mosec"][key] = ""
    with pytest.raises(FeatureTableError, match=f"of mosec has no '{key}'"):
        FeatureTable.load(written(tmp_path, content))
    del content["features"][feature]["mosec"]
    with pytest.raises(FeatureTableError, match="of mosec has no 'says'"):
        FeatureTable.load(written(tmp_path, content))


@pytest.mark.parametrize("source", ["mosec's README", "http://mosec", "architecture.md"])
def test_a_source_of_a_peer_is_an_address(source: str, tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    content["features"][next(iter(content["features"]))]["mosec"]["source"] = source
    with pytest.raises(FeatureTableError, match="https://"):
        FeatureTable.load(written(tmp_path, content))


def test_the_table_links_each_cell() -> None:
    lines = FeatureTable.load().markdown().splitlines()
    assert lines[0].startswith("| | this service | FastAPI |")
    assert all(line.count("](") == len(CONTENT["servers"]) for line in lines[2:])
    assert {line.count("|") for line in lines} == {len(CONTENT["servers"]) + 2}
