"""deploy/ray: one Serve config, one version of Ray, and pods that keep what they promise."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from app.scale.application import END_S, build
from app.scale.options import ScaleOptions
from app.scale.proxy import BACKSTOP_S, NODE_VARIABLES
from app.settings import Settings, variables

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy/ray"
CONFIG: dict[str, Any] = yaml.safe_load((DEPLOY / "serve-config.yaml").read_text(encoding="utf-8"))
SETTINGS, SERVICE = yaml.safe_load_all((DEPLOY / "rayservice.yaml").read_text(encoding="utf-8"))
CLUSTER = SERVICE["spec"]["rayClusterConfig"]
HEAD = CLUSTER["headGroupSpec"]
[WORKERS] = CLUSTER["workerGroupSpecs"]
PODS = {"head": HEAD["template"]["spec"], "worker": WORKERS["template"]["spec"]}


def settings_of_the_pods(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in SETTINGS["data"].items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_kubernetes_deploys_the_serve_config_that_serve_deploys() -> None:
    assert yaml.safe_load(SERVICE["spec"]["serveConfigV2"]) == CONFIG


def test_the_application_is_where_the_config_says_and_takes_its_arguments() -> None:
    [application] = CONFIG["applications"]
    assert application["import_path"] == f"{build.__module__}:{build.__name__}"
    options = ScaleOptions.read(application["args"])
    assert options.most == WORKERS["maxReplicas"]
    assert options.replicas == WORKERS["minReplicas"] == WORKERS["replicas"]


def test_the_proxies_have_the_times_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of_the_pods(monkeypatch)
    http = CONFIG["http_options"]
    assert http["request_timeout_s"] == settings.request_timeout_ms / 1000 + BACKSTOP_S
    assert http["keep_alive_timeout_s"] == settings.keep_alive_s
    grace = PODS["worker"]["terminationGracePeriodSeconds"]
    assert grace > settings.drain_grace_s + END_S


def test_every_variable_is_a_setting_or_one_of_rays() -> None:
    of_ray = {name for name in SETTINGS["data"] if name.startswith("RAY_")}
    assert SETTINGS["data"].keys() - of_ray <= variables()
    assert SETTINGS["data"].items() >= NODE_VARIABLES.items()


@pytest.mark.parametrize("pod", PODS)
def test_every_pod_has_the_settings_the_image_and_few_rights(pod: str) -> None:
    spec = PODS[pod]
    [container] = spec["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": SETTINGS["metadata"]["name"]}}]
    assert container["image"] == "xcopa-ray"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
    assert {"/tmp", "/dev/shm"} == {each["mountPath"] for each in container["volumeMounts"]}  # noqa: S108


def test_a_replica_computes_on_the_processors_of_its_pod() -> None:
    [worker] = PODS["worker"]["containers"]
    threads = SETTINGS["data"]["XCOPA_THREADS"]
    assert threads == WORKERS["rayStartParams"]["num-cpus"] == worker["resources"]["limits"]["cpu"]
    assert HEAD["rayStartParams"]["num-cpus"] == "0", "the head has no replica"


def test_metrics_are_scraped_where_the_replicas_have_them() -> None:
    port = SETTINGS["data"]["XCOPA_METRICS_PORT"]
    assert WORKERS["template"]["metadata"]["annotations"]["prometheus.io/port"] == port
    [worker] = PODS["worker"]["containers"]
    assert int(port) in [each["containerPort"] for each in worker["ports"]]


def test_one_range_of_rays_releases_is_named_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [wanted] = project["optional-dependencies"]["ray"]
    assert f"'{wanted}'" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert Requirement(wanted).specifier.contains(CLUSTER["rayVersion"])
    page = (ROOT / "docs/how-to/ray.md").read_text(encoding="utf-8")
    [least, below, tried] = re.findall(
        r"ray\[serve\] (\S+) or newer, below (\S+); tried with (\S+)", page
    )[0]
    assert wanted == f"ray[serve]>={least},<{below}"
    assert CLUSTER["rayVersion"] == tried


@pytest.mark.parametrize("where", ["deploy/ray/Dockerfile", "docs/how-to/ray.md"])
def test_what_every_node_needs_is_in_the_image_and_in_the_page(where: str) -> None:
    text = (ROOT / where).read_text(encoding="utf-8")
    assert [name for name, value in NODE_VARIABLES.items() if f"{name}={value}" not in text] == []
