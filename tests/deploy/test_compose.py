"""docker-compose.yml: valid by the Compose Specification, and safe by its own promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.longest_end import longest_end
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SERVICES = ("xcopa", "prometheus", "grafana")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def provisioning(name: str) -> dict[str, Any]:
    path = ROOT / "observability/grafana/provisioning" / name
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return source and mode of each volume, by its place in the container."""
    parts = [(*volume.split(":"), "rw")[:3] for volume in service.get("volumes", [])]
    return {target: (source, mode) for source, target, mode in parts}


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration.removesuffix("s"))


def test_it_is_valid_by_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, COMPOSE], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_images_are_pinned_to_a_release(compose: dict[str, Any]) -> None:
    images = [compose["services"][name]["image"] for name in SERVICES]
    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+(@|$)", image)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_confined(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert all(
        re.match(r"\$\{\w+_PUBLISH:-127\.0\.0\.1:\d+\}:", port) for port in service["ports"]
    ), "ports are on this machine alone unless the user says otherwise"


def test_the_service_runs_on_a_read_only_root(compose: dict[str, Any]) -> None:
    service = compose["services"]["xcopa"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108


def test_the_service_is_healthy_when_it_is_ready(compose: dict[str, Any]) -> None:
    """The probe is that of the image, but for what it asks."""
    _, *probe = compose["services"]["xcopa"]["healthcheck"]["test"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert json.dumps(probe).replace("/readyz", "/livez") in dockerfile


def test_stopping_leaves_time_to_drain(compose: dict[str, Any]) -> None:
    fields = Settings.model_fields
    delay, grace = fields["drain_delay_s"].default, fields["drain_grace_s"].default
    longest = longest_end(delay, grace, generations=2, servers=2)
    assert seconds(compose["services"]["xcopa"]["stop_grace_period"]) > longest


def test_services_start_when_what_they_need_is_healthy(compose: dict[str, Any]) -> None:
    needs = {name: compose["services"][name].get("depends_on", {}) for name in SERVICES}
    healthy = {"condition": "service_healthy"}
    assert needs == {
        "xcopa": {},
        "prometheus": {"xcopa": healthy},
        "grafana": {"prometheus": healthy},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_of_the_repository_is_there_and_read_only(
    compose: dict[str, Any], name: str
) -> None:
    for source, mode in mounts(compose["services"][name]).values():
        if source.startswith("."):
            assert (ROOT / source).is_dir()
            assert mode == "ro"
        else:
            assert source in compose["volumes"]


def test_there_is_no_default_password(compose: dict[str, Any]) -> None:
    environment = compose["services"]["grafana"]["environment"]
    secrets = {name: value for name, value in environment.items() if "PASSWORD" in name}
    assert list(secrets) == ["GF_SECURITY_ADMIN_PASSWORD"]
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in secrets.values())


def test_prometheus_scrapes_the_service(compose: dict[str, Any]) -> None:
    assert mounts(compose["services"]["prometheus"])["/etc/prometheus"][0] == (
        "./observability/prometheus"
    )
    path = ROOT / "observability/prometheus/prometheus.yml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    port = compose["services"]["xcopa"]["environment"]["XCOPA_METRICS_PORT"]
    targets = [target for job in config["scrape_configs"] for target in job["static_configs"]]
    assert targets == [{"targets": [f"xcopa:{port}"]}]


def test_grafana_finds_prometheus_and_the_dashboards(compose: dict[str, Any]) -> None:
    (datasource,) = provisioning("datasources/prometheus.yml")["datasources"]
    assert datasource["url"] == "http://prometheus:9090"
    grafana = compose["services"]["grafana"]
    (provider,) = provisioning("dashboards/xcopa.yml")["providers"]
    source, _ = mounts(grafana)[provider["options"]["path"]]
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.is_relative_to(provider["options"]["path"])
    assert (ROOT / source / home.name).is_file()
