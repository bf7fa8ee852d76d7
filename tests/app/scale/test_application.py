"""What Serve is told of the service. Without Ray, but for the tests that say so."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.errors import StartError
from app.scale.application import autoscaling, deployment_options, refuse_tls_of_callers
from app.scale.options import ScaleOptions
from app.scale.placement import Placement
from app.scale.policy import QueuePolicy
from app.scale.run import http_options, passed_on
from app.settings import Settings
from tests.app.scale.needs_ray import needs_ray

ONE = ScaleOptions()


def options_of(settings: Settings, **variables: str) -> dict[str, Any]:
    return deployment_options(settings, ONE, Placement(2.0, 0), variables)


def test_serve_holds_nothing_back_that_the_scheduler_could_batch() -> None:
    options = options_of(Settings(max_connections=500))
    assert options["max_ongoing_requests"] == options["max_queued_requests"] == 500


def test_serve_waits_longer_for_a_replica_than_it_drains() -> None:
    assert options_of(Settings(drain_grace_s=100))["graceful_shutdown_timeout_s"] > 100


def test_replicas_get_the_variables_of_whoever_deploys_them() -> None:
    found = passed_on({"XCOPA_THREADS": "2", "HF_HOME": "/models", "PATH": "/bin", "HOME": "/"})
    assert found == {"XCOPA_THREADS": "2", "HF_HOME": "/models"}
    actor = options_of(Settings(), **found)["ray_actor_options"]
    assert actor == {"num_cpus": 2.0, "runtime_env": {"env_vars": found}}
    assert "runtime_env" not in options_of(Settings())["ray_actor_options"]


def test_the_policy_is_found_by_its_name_and_takes_its_arguments() -> None:
    config = autoscaling(ScaleOptions(replicas=2, max_replicas=5, target_busy=0.5))
    assert (config["min_replicas"], config["max_replicas"]) == (2, 5)
    policy = config["policy"]
    assert policy["policy_function"] == "app.scale.policy:QueuePolicy"
    assert QueuePolicy(**policy["policy_kwargs"]).target_busy == 0.5


def test_the_proxies_have_the_address_and_the_times_of_the_settings() -> None:
    options = http_options(
        Settings(host="[::1]", port=9000, request_timeout_ms=5000, keep_alive_s=90)
    )
    assert options == {
        "host": "::1",
        "port": 9000,
        "request_timeout_s": 6.0,
        "keep_alive_timeout_s": 90,
    }


def test_the_proxies_have_the_certificate() -> None:
    settings = Settings.model_validate({"ssl_certfile": "both.pem", "ssl_keyfile_password": "p"})
    options = http_options(settings)
    assert (options["ssl_certfile"], options["ssl_keyfile"]) == ("both.pem", "both.pem")
    assert set(options) >= {"ssl_keyfile_password"}


def test_a_port_that_only_serve_would_know_is_refused() -> None:
    with pytest.raises(StartError, match="XCOPA_PORT is 0"):
        http_options(Settings(port=0))


def test_certificates_of_callers_are_refused_since_serve_does_not_insist_on_them() -> None:
    settings = Settings.model_validate({"ssl_certfile": "a.pem", "ssl_ca_certs": "ca.pem"})
    with pytest.raises(StartError, match="XCOPA_SSL_CA_CERTS"):
        refuse_tls_of_callers(settings)


ROOT = Path(__file__).resolve().parents[3]


@needs_ray
@pytest.mark.slow
def test_ray_takes_the_options() -> None:
    serve = importlib.import_module("ray.serve")
    serve.deployment(**options_of(Settings(), XCOPA_THREADS="1"))(type("Nothing", (), {}))


@needs_ray
@pytest.mark.slow
def test_ray_takes_the_serve_config() -> None:
    schema = importlib.import_module("ray.serve.schema")
    content = yaml.safe_load((ROOT / "deploy/ray/serve-config.yaml").read_text(encoding="utf-8"))
    config = schema.ServeDeploySchema.model_validate(content)
    [deployed] = config.applications
    ScaleOptions.read(deployed.args)
