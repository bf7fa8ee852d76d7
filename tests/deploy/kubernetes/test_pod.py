"""The commands, variables, probes and limits of the manifest, tried on the real process."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.engine import threads
from app.keys.keys_file import add_key
from scripts.manifests.manifests import Manifests
from scripts.manifests.overlays import KUBERNETES
from scripts.manifests.render import render, renderer
from tests.deploy.kubernetes.callers import CallersOfService, StandInService
from tests.deploy.kubernetes.cpu_limit import cpu_limit, quota_files
from tests.deploy.kubernetes.kubelet import StandInPod
from tests.deploy.kubernetes.pod_spec import PodSpec, image_command, service_links

pytestmark = pytest.mark.skipif(
    renderer() is None, reason="neither kustomize nor kubectl is installed"
)


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    return Manifests(render(KUBERNETES / "overlays/cpu"))


@pytest.fixture
def tiny(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_LOG_LEVEL": "warning",
    }


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "secret").mkdir()
    return add_key(tmp_path / "secret/keys", "alice")


@pytest.fixture
def pods() -> Iterator[list[StandInPod]]:
    """Those that a test makes: killed at its end, whatever became of it."""
    made: list[StandInPod] = []
    yield made
    for pod in made:
        pod.kill()


def with_links(manifests: Manifests) -> Manifests:
    """Return a copy in which the pod takes the variables of Services."""
    changed = Manifests(copy.deepcopy(list(manifests.resources)))
    changed.pod["enableServiceLinks"] = True
    return changed


def test_the_image_runs_the_service() -> None:
    assert image_command() == ("xcopa", "serve")


def test_the_pod_has_no_links_and_would_have_them(manifests: Manifests) -> None:
    assert service_links(manifests) == {}
    links = service_links(with_links(manifests))
    assert links["XCOPA_PORT"].startswith("tcp://")
    assert not any(name.startswith("XCOPA_METRICS") for name in links), "it has no address"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_the_threads_follow_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, overlay: str, version: int
) -> None:
    spec = PodSpec.of(Manifests(render(KUBERNETES / "overlays" / overlay)))
    root = tmp_path / "cpu" if version == 1 else tmp_path
    root.mkdir(exist_ok=True)
    for name, text in quota_files(spec.cores, version).items():
        (root / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    chosen = threads.choose_threads(None, tmp_path, tmp_path / "no process")
    assert chosen.threads == spec.cores == 2
    assert "XCOPA_THREADS" not in spec.environment


@pytest.mark.slow
def test_an_update_of_all_pods_under_load_loses_no_call(
    manifests: Manifests, tiny: dict[str, str], key: str, tmp_path: Path, pods: list[StandInPod]
) -> None:
    spec = PodSpec.of(manifests)
    folders = {"api-keys": tmp_path / "secret"}

    def new() -> StandInPod:
        pods.append(StandInPod(spec, folders, more=tiny))
        service.add(pods[-1])
        return pods[-1]

    with StandInService() as service:
        old = [new() for _ in range(manifests.deployment["spec"]["replicas"])]
        service.wait_for(len(old))
        with CallersOfService(service, key) as callers:
            for leaving in old:
                new()  # maxSurge 1, maxUnavailable 0
                service.wait_for(len(old) + 1)
                ended = leaving.delete()
                assert (ended.status, ended.killed) == (0, False)
    assert set(callers.seen) == {"200"}, callers.seen
    assert callers.seen["200"] > 100
    assert [pod.restarts for pod in pods] == [0] * len(pods)


@pytest.mark.slow
def test_the_real_process_takes_the_threads_of_the_limit_and_not_the_links(
    manifests: Manifests, tiny: dict[str, str], key: str, tmp_path: Path, pods: list[StandInPod]
) -> None:
    """Even where somebody turns the links on; with a limit below the cores of this machine."""
    linked = with_links(manifests)
    # Without it nothing but the links names the port: kubelet lets the map overwrite them.
    [settings] = linked.of_kind("ConfigMap")
    del settings["data"]["XCOPA_PORT"]
    spec = dataclasses.replace(PodSpec.of(linked), cores=1.0)
    assert spec.environment["XCOPA_PORT"].startswith("tcp://")
    with ExitStack() as stack:
        limit = stack.enter_context(cpu_limit(spec.cores))
        if limit is None:
            pytest.skip("this user may make no control group")
        pods.append(StandInPod(spec, {"api-keys": tmp_path / "secret"}, limit, more=tiny))
        [pod] = pods
        service = stack.enter_context(StandInService())
        service.add(pod)
        service.wait_for(1)
        metrics = httpx.get(f"http://{pod.address}:{spec.readiness.port}/metrics").text
        assert pod.delete().status == 0
    assert threads_of(metrics) == {"1"}


def threads_of(metrics: str) -> set[str]:
    families = text_string_to_metric_families(metrics)
    samples = [sample for family in families for sample in family.samples]
    return {each.labels["threads"] for each in samples if each.name == "xcopa_model_info"}
