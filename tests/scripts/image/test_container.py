"""How runc is told to run the image."""

from __future__ import annotations

import copy
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from scripts.image.container import ImageConfig, RunOptions, handles, runtime_config

INSPECTED = {
    "Docker": {
        "config": {
            "User": "10001:10001",
            "Env": ["PATH=/bin", "XCOPA_HOST=0.0.0.0", "ODD=a=b"],
            "Entrypoint": None,
            "Cmd": ["xcopa", "serve"],
            "WorkingDir": "/opt/xcopa",
            "StopSignal": "SIGTERM",
            "Healthcheck": {"Test": ["CMD", "python", "-c", "pass"]},
        }
    }
}
DEFAULT: dict[str, Any] = {
    "process": {"terminal": True, "capabilities": {"bounding": ["CAP_KILL"]}, "rlimits": []},
    "root": {"path": "rootfs", "readonly": False},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
    "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "cgroup"}]},
}


def configured(options: RunOptions) -> dict[str, Any]:
    image = ImageConfig.read(INSPECTED)
    return runtime_config(copy.deepcopy(DEFAULT), image, Path("/image"), options)


def test_it_runs_what_the_image_says() -> None:
    config = configured(RunOptions())
    process = config["process"]
    assert process["user"] == {"uid": 10001, "gid": 10001}
    assert process["args"] == ["xcopa", "serve"]
    assert process["cwd"] == "/opt/xcopa"
    assert process["env"] == ["PATH=/bin", "XCOPA_HOST=0.0.0.0", "ODD=a=b"]
    assert ImageConfig.read(INSPECTED).health_check == ["python", "-c", "pass"]


def test_it_is_confined_whatever_the_defaults_are() -> None:
    config = configured(RunOptions())
    assert config["root"] == {"path": "/image", "readonly": True}
    assert config["process"]["capabilities"] == {}
    assert config["process"]["noNewPrivileges"] is True
    assert {"type": "network"} in config["linux"]["namespaces"]
    assert [m["destination"] for m in config["mounts"] if "rw" in m.get("options", [])] == ["/tmp"]  # noqa: S108


def test_who_runs_it_chooses_user_settings_and_network() -> None:
    config = configured(RunOptions("54321:0", {"XCOPA_PORT": "9"}, host_network=True))
    assert config["process"]["user"] == {"uid": 54321, "gid": 0}
    assert "XCOPA_PORT=9" in config["process"]["env"]
    assert config["linux"]["namespaces"] == [{"type": "pid"}]


@pytest.mark.parametrize("handler", [signal.SIG_DFL, lambda *_: None], ids=["none", "one"])
def test_a_handler_is_seen_from_outside(handler: Any) -> None:
    before = signal.signal(signal.SIGUSR2, handler)
    try:
        status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="utf-8")
        assert handles(status, signal.SIGUSR2) is (handler is not signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGUSR2, before)
