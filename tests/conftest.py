"""What several parts of the suite need."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from app.settings import Settings
from app.telemetry.log_format import current_request
from app.telemetry.logs import LineHandler
from app.weights.embedded import ensure_base
from tests import tiny

ROOT = Path(__file__).resolve().parent.parent

_DATA = os.environ.get("XCOPA_DATA_DIR", "")

# A machine that is busy with other work must not fail a test.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a CUDA device where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("not run: torch finds no CUDA device")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by the place of its bytes and not by what they are.

    Compressed bodies hold the time, and keys are drawn: the processes that run the tests in
    parallel then collected different ones, and no test ran.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_caller() -> Iterator[None]:
    """A test sees the settings that it makes, and none of whoever runs it.

    The cache stays where the caller has it, so that the base is not assembled anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("XCOPA_")]:
            if name != "XCOPA_CACHE_DIR":
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command that a test runs in this process sets the log up; the next test does without."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [each for each in root.handlers if isinstance(each, LineHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    current_request.set(None)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tests run in parallel, and threads that spin for a core slow each other a hundredfold."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What runs the tests that are marked ``anyio``: the loop that the service runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory of real data, or a skip: a newcomer's checkout has none."""
    if not _DATA or not Path(_DATA).is_dir():
        pytest.skip("XCOPA_DATA_DIR names no data directory")
    return Path(_DATA)


@pytest.fixture(scope="session")
def embedded_base() -> Path:
    """The real base, assembled on the first use of this machine's cache."""
    return ensure_base(Settings().cache_dir)


@pytest.fixture(scope="session")
def tiny_direct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.multiple_choice(tmp_path_factory.mktemp("tiny-direct"), seed=1)


@pytest.fixture(scope="session")
def tiny_stilts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.multiple_choice(tmp_path_factory.mktemp("tiny-stilts"), seed=2)
