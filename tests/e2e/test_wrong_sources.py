"""A source that cannot be served ends the real command with one line and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests import tiny
from tests.e2e.server import ServerProcess


def refusal(**settings: str) -> str:
    with ServerProcess(**settings) as server:
        status = server.exit_status()
        said = "\n".join(server.output)
    assert status == 1
    assert "Traceback" not in said
    [line] = [line for line in server.output if line.startswith("xcopa cannot start: ")]
    return line


@pytest.mark.slow
def test_a_hub_address_without_a_scheme_was_a_traceback(tmp_path: Path) -> None:
    line = refusal(
        HF_ENDPOINT="hub.local", HF_HOME=str(tmp_path), XCOPA_MODELS__DIRECT="xlm-roberta-base"
    )
    assert "XCOPA_MODELS__DIRECT: cannot fetch 'xlm-roberta-base'" in line
    assert "HF_ENDPOINT is 'hub.local'" in line


@pytest.mark.slow
def test_an_adapter_of_a_compiled_model_was_served_as_its_bare_base(tmp_path: Path) -> None:
    adapter = tiny.adapter(tmp_path / "adapter", tiny.headless(tmp_path / "base"))
    path = adapter / "adapter_model.safetensors"
    names = {name: name.replace(".model.", ".model._orig_mod.") for name in load_file(path)}
    save_file({names[name]: tensor for name, tensor in load_file(path).items()}, path)
    line = refusal(XCOPA_MODELS__DIRECT=str(adapter))
    assert f"XCOPA_MODELS__DIRECT: {path} lacks" in line
    assert "_orig_mod" in line
