"""The custom resource holds the rules of ``observability/prometheus``, and is not out of date."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.manifests import prometheus_rule
from tests.deploy.expressions import rules


def test_the_file_is_what_the_rules_say() -> None:
    written = prometheus_rule.FILE.read_text(encoding="utf-8")
    assert written == prometheus_rule.text(), "out of date; run `make manifests`"


def test_every_rule_is_in_it() -> None:
    resource = yaml.safe_load(prometheus_rule.FILE.read_text(encoding="utf-8"))
    found = [rule for group in resource["spec"]["groups"] for rule in group["rules"]]
    assert len(found) > 20
    assert found == list(rules())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_them(tmp_path: Path) -> None:
    resource = yaml.safe_load(prometheus_rule.text())
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(resource["spec"]), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
