"""What pip knows of indexes, handed on to a build that cannot see this machine's disk."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.image.pip_access import CERT_IN_BUILD, pip_access, pip_options


def wheel(folder: Path, name: str) -> Path:
    """Write the least that pip takes for a wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def download(config: Path, name: str, out: Path) -> list[str]:
    """Fetch a package with this configuration of pip and no other."""
    environment = {"PIP_CONFIG_FILE": str(config), "PATH": "", "HOME": str(out)}
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-deps"]
    options = ["--no-cache-dir", "--disable-pip-version-check", "--dest", str(out)]
    subprocess.run([*command, *options, name], env=environment, check=True)
    return [path.name for path in out.glob("*.whl")]


def test_a_folder_of_wheels_on_this_machine_is_reached(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "found")
    options = {"find-links": str(tmp_path / "wheels"), "no-index": "true"}
    with pip_access(options) as pip:
        assert str(tmp_path) not in pip.config.read_text(encoding="utf-8")
        assert download(pip.config, "found", tmp_path / "out") == ["found-1.0-py3-none-any.whl"]


def test_an_index_on_this_machine_is_reached_with_the_files_beside_it(tmp_path: Path) -> None:
    file = wheel(tmp_path / "index" / "files", "beside")
    page = tmp_path / "index" / "simple" / "beside" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<!DOCTYPE html><a href="../../files/{file.name}">{file.name}</a>')
    with pip_access({"index-url": f"file://{tmp_path}/index/simple"}) as pip:
        assert download(pip.config, "beside", tmp_path / "out") == [file.name]


def test_an_index_elsewhere_is_named_as_it_is() -> None:
    with pip_access({"index-url": "https://index.example/simple"}) as pip:
        config = configparser.ConfigParser()
        config.read(pip.config)
    assert dict(config["global"]) == {"index-url": "https://index.example/simple"}


def test_certificates_are_a_secret_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates")
    with pip_access({"cert": str(tmp_path / "ca.pem")}) as pip:
        assert pip.cert == tmp_path / "ca.pem"
        assert f"cert = {CERT_IN_BUILD}" in pip.config.read_text(encoding="utf-8")


def test_what_is_not_about_indexes_stays_here() -> None:
    with pip_access({"require-virtualenv": "true", "constraint": "/x", "timeout": "9"}) as pip:
        assert pip.config.read_text(encoding="utf-8") == "[global]\ntimeout = 9\n"


@pytest.mark.parametrize("order", [1, -1])
def test_the_environment_wins_over_files(order: int) -> None:
    listing = ["global.timeout='9'", ":env:.timeout='180'", "install.user='true'"][::order]
    assert pip_options("\n".join(listing)) == {"timeout": "180"}


def test_it_reads_what_pip_prints() -> None:
    command = [sys.executable, "-m", "pip", "config", "list"]
    environment = {"PIP_INDEX_URL": "https://index.example/it's", "PATH": ""}
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert pip_options(listed.stdout)["index-url"] == "https://index.example/it's"
