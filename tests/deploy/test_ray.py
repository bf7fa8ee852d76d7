"""deploy/ray: one Serve config, one version of Ray, and pods that keep what they promise.

``tests/scripts/manifests/test_ray_policies.py`` holds the rendered manifests against policies.
"""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from app.scale.application import END_S, SURGE_PERCENT, build
from app.scale.options import ScaleOptions
from app.scale.proxy import BACKSTOP_S, NODE_VARIABLES
from app.settings import Settings, variables
from scripts.manifests.ray_policies import DRAIN, OPERATOR
from tests.deploy.test_dockerfile import Dockerfile, admitted

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy/ray"
PAGE = (ROOT / "docs/how-to/ray.md").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def manifest(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return loaded


def lines(name: str) -> dict[str, str]:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


CONFIG = manifest("serve-config.yaml")
SERVICE = manifest("rayservice.yaml")
SETTINGS = lines("settings.env")
CLUSTER = SERVICE["spec"]["rayClusterConfig"]
HEAD = CLUSTER["headGroupSpec"]
[WORKERS] = CLUSTER["workerGroupSpecs"]
PODS = {"head": HEAD["template"]["spec"], "worker": WORKERS["template"]["spec"]}


def settings_of_the_pods(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    return Settings()


def options() -> ScaleOptions:
    [application] = CONFIG["applications"]
    return ScaleOptions.read(application["args"])


def test_kubernetes_deploys_the_serve_config_that_serve_deploys() -> None:
    assert yaml.safe_load(SERVICE["spec"]["serveConfigV2"]) == CONFIG


def test_the_application_is_where_the_config_says_and_takes_its_arguments() -> None:
    [application] = CONFIG["applications"]
    assert application["import_path"] == f"{build.__module__}:{build.__name__}"
    assert 1 < options().replicas <= options().most


def test_all_replicas_and_the_new_one_of_an_update_fit_into_the_workers() -> None:
    """Nothing adds workers, and what finds no room waits for ever."""
    replica = int(SETTINGS["XCOPA_THREADS"])
    there = WORKERS["replicas"] * int(WORKERS["rayStartParams"]["num-cpus"])
    most = options().most
    assert (most + math.ceil(SURGE_PERCENT * most / 100)) * replica <= there
    assert WORKERS["minReplicas"] == WORKERS["replicas"] == WORKERS["maxReplicas"]
    assert "enableInTreeAutoscaling" not in CLUSTER


def test_the_proxies_have_the_times_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of_the_pods(monkeypatch)
    http = CONFIG["http_options"]
    assert http["request_timeout_s"] == settings.request_timeout_ms / 1000 + BACKSTOP_S
    assert http["keep_alive_timeout_s"] == settings.keep_alive_s


def test_a_node_that_ends_has_time_to_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, waits = settings_of_the_pods(monkeypatch), int(SETTINGS[DRAIN])
    assert settings.drain_grace_s + END_S < waits
    for pod in PODS.values():
        assert pod["terminationGracePeriodSeconds"] > waits
    assert f"{DRAIN}={waits}" in PAGE.replace("`", "")


def test_every_variable_is_a_setting_or_one_of_rays() -> None:
    of_ray = {name for name in SETTINGS if name.startswith("RAY_")}
    assert SETTINGS.keys() - of_ray <= variables()
    assert SETTINGS.items() >= NODE_VARIABLES.items()


@pytest.mark.parametrize("pod", PODS)
def test_every_pod_has_the_settings_and_the_image(pod: str) -> None:
    [container] = PODS[pod]["containers"]
    kustomization = manifest("kustomization.yaml")
    [settings] = kustomization["configMapGenerator"]
    assert container["envFrom"] == [{"configMapRef": {"name": settings["name"]}}]
    assert container["image"] == kustomization["images"][0]["name"]
    assert {"/tmp", "/dev/shm"} <= {each["mountPath"] for each in container["volumeMounts"]}  # noqa: S108


def test_a_replica_computes_on_the_processors_of_its_pod() -> None:
    [worker] = PODS["worker"]["containers"]
    threads = SETTINGS["XCOPA_THREADS"]
    assert threads == WORKERS["rayStartParams"]["num-cpus"] == worker["resources"]["limits"]["cpu"]
    assert HEAD["rayStartParams"]["num-cpus"] == "0", "the head has no replica"


def test_metrics_are_scraped_where_the_replicas_have_them() -> None:
    port = SETTINGS["XCOPA_METRICS_PORT"]
    assert WORKERS["template"]["metadata"]["annotations"]["prometheus.io/port"] == port
    [worker] = PODS["worker"]["containers"]
    assert int(port) in [each["containerPort"] for each in worker["ports"]]


def test_one_range_of_rays_releases_is_named_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [wanted] = project["optional-dependencies"]["ray"]
    assert f"'{wanted}'" in DOCKERFILE
    assert Requirement(wanted).specifier.contains(CLUSTER["rayVersion"])
    [least, below, tried] = re.findall(
        r"ray\[serve\] (\S+) or newer, below (\S+); tried with (\S+)", PAGE
    )[0]
    assert wanted == f"ray[serve]>={least},<{below}"
    assert CLUSTER["rayVersion"] == tried


def test_the_image_installs_ray_at_the_locked_versions() -> None:
    [install] = [rest for name, rest in Dockerfile(DOCKERFILE).everything if "pip install" in rest]
    mounted = re.search(r"--mount=type=bind,source=(\S+),target=(\S+)", install)
    assert mounted
    assert f"pip install --constraint {mounted.group(2)} " in install
    assert admitted(mounted.group(1))
    locked = (ROOT / mounted.group(1)).read_text(encoding="utf-8").splitlines()
    assert f"ray=={CLUSTER['rayVersion']}" in locked, "the cluster says another version"


@pytest.mark.parametrize("where", ["deploy/ray/Dockerfile", "docs/how-to/ray.md"])
def test_what_every_node_needs_is_in_the_image_and_in_the_page(where: str) -> None:
    text = (ROOT / where).read_text(encoding="utf-8")
    assert [name for name, value in NODE_VARIABLES.items() if f"{name}={value}" not in text] == []


def test_the_page_gives_the_labels_that_the_network_policies_ask_for() -> None:
    policies = (DEPLOY / "networkpolicy.yaml").read_text(encoding="utf-8")
    labels = set(re.findall(r"kubectl label namespace \S+ (xcopa-[\w-]+)=true", PAGE))
    assert labels == set(re.findall(r'(?m)^ +(xcopa-[\w-]+): "true"$', policies))
    assert OPERATOR["matchLabels"].keys() <= labels
