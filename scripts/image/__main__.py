"""Build the image, run it, check it, and keep the log: ``python -m scripts.image``."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from scripts.image import checks, contents, results
from scripts.image.build import ROOT, ImageStore, debian_release
from scripts.image.commands import ImageTestError, output, what_lacks
from scripts.image.container import ImageConfig
from scripts.image.pip_access import pip_access, pip_options
from scripts.install import choose_index, is_reached

VERSIONS = "import platform, torch; print(platform.python_version(), torch.__version__)"


def build(store: ImageStore) -> dict[str, float]:
    """Build the base image and the image; return the seconds that each took."""
    started = time.monotonic()
    base = store.base(debian_release((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    based = time.monotonic()
    index = choose_index(os.environ, default_is_cuda=True, reached=is_reached)
    say(f"building, with torch from {index.url or 'the default index'}: {index.reason}")
    arguments = {
        "PYTHON_IMAGE": base,
        "TORCH_INDEX_URL": index.url or "",
        "REVISION": output(["git", "-C", ROOT, "rev-parse", "HEAD"]).strip(),
    }
    with pip_access(pip_options(output([sys.executable, "-m", "pip", "config", "list"]))) as pip:
        store.build(arguments, pip)
    return {"base image": based - started, "build": time.monotonic() - based}


def examine(store: ImageStore, seconds: dict[str, float]) -> results.ImageLog:
    """Try the image's promises one by one, and say each."""
    inspected = store.inspect()
    image, layers = ImageConfig.read(inspected), contents.layers(inspected)
    with store.mounted() as root:
        tried = checks.Checks(image, root, say, seconds=seconds)
        checks.check_size(tried, layers)
        checks.check_traces(tried)
        checks.check_confined(tried)
        checks.check_other_user(tried)
        checks.check_early_stop(tried)
        environment = {
            name: value for name, value in image.environment.items() if name.startswith("XCOPA_")
        }
        largest = contents.largest(root)
        return results.ImageLog(versions(root), seconds, layers, largest, environment, tried.found)


def versions(root: Path) -> dict[str, str]:
    """Return the versions of what the image was made of, built with and run by."""
    inside = output(["chroot", root, "/opt/venv/bin/python", "-I", "-c", VERSIONS])
    python, torch = inside.split()
    buildah, runc = (output([tool, "--version"]).split()[2] for tool in ("buildah", "runc"))
    return {
        "buildah": buildah,
        "runc": runc,
        "kernel": platform.release().partition("-")[0],
        "Python": python,
        "torch": torch,
    }


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the test; return 1 if the image does not keep a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(platformdirs.user_cache_dir("xcopa")) / "image",
        help="where images and layers are kept for the next run (4 GB)",
    )
    parser.add_argument("--clean", action="store_true", help="remove them at the end")
    parser.add_argument("--record", action="store_true", help="keep the log in docs/results")
    asked = parser.parse_args(arguments)
    lacks = what_lacks()
    if lacks is not None:
        say(f"the image is not tested: {lacks}")
        return 1
    try:
        return run(ImageStore(asked.work), record=asked.record, clean=asked.clean)
    except (ImageTestError, subprocess.SubprocessError) as error:
        print(f"the test of the image cannot go on: {error}", file=sys.stderr)
        return 1


def run(store: ImageStore, *, record: bool, clean: bool) -> int:
    """Build, examine, and keep the log; return the exit status."""
    store.folder.mkdir(parents=True, exist_ok=True)
    try:
        log = examine(store, build(store))
    finally:
        if clean:
            store.remove()
    for part in log.largest:
        say(f"  {part.bytes / results.MEGABYTE:8.1f} MB  {part.name}")
    if record:
        results.write(log)
    return 0 if log.passed else 1


if __name__ == "__main__":
    sys.exit(main())
