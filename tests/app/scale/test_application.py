"""What Serve is told of the service. Without Ray, but for the tests that say so."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.errors import StartError
from app.longest_end import longest_end
from app.scale.application import autoscaling, deployment_options, refuse_tls_of_callers
from app.scale.options import ScaleOptions
from app.scale.placement import Placement
from app.scale.policy import QueuePolicy
from app.settings import Settings
from tests.app.scale.needs_ray import needs_ray

ONE = ScaleOptions()


def options_of(settings: Settings, **variables: str) -> dict[str, Any]:
    return deployment_options(settings, ONE, Placement(2.0, 0), variables)


def test_serve_holds_nothing_back_that_the_scheduler_could_batch() -> None:
    options = options_of(Settings(max_connections=500))
    assert options["max_ongoing_requests"] == options["max_queued_requests"] == 500


def test_a_call_has_one_line_of_the_log() -> None:
    """Serve wrote one of its own for each, without a route."""
    assert options_of(Settings())["logging_config"] == {"enable_access_log": False}


def test_serve_waits_for_a_replica_as_long_as_its_end_may_take() -> None:
    options = options_of(Settings(drain_grace_s=100))
    assert options["graceful_shutdown_timeout_s"] >= longest_end(0, 100)


@pytest.mark.parametrize("replicas", [1, 2, 100])
def test_an_update_adds_one_new_replica_before_it_ends_an_old_one(replicas: int) -> None:
    percent = options_of(Settings())["max_surge_percent"]
    assert isinstance(percent, int)
    # Serve rounds up.
    assert math.ceil(percent * replicas / 100) == 1


def test_replicas_get_the_variables_that_they_are_given() -> None:
    given = {"XCOPA_THREADS": "2", "HF_HOME": "/models"}
    actor = options_of(Settings(), **given)["ray_actor_options"]
    assert actor == {"num_cpus": 2.0, "runtime_env": {"env_vars": given}}
    assert "runtime_env" not in options_of(Settings())["ray_actor_options"]


def test_the_policy_is_found_by_its_name_and_takes_its_arguments() -> None:
    config = autoscaling(ScaleOptions(replicas=2, max_replicas=5, target_busy=0.5))
    assert (config["min_replicas"], config["max_replicas"]) == (2, 5)
    policy = config["policy"]
    assert policy["policy_function"] == "app.scale.policy:QueuePolicy"
    assert QueuePolicy(**policy["policy_kwargs"]).target_busy == 0.5


def test_certificates_of_callers_are_refused_since_serve_does_not_insist_on_them() -> None:
    settings = Settings.model_validate({"ssl_certfile": "a.pem", "ssl_ca_certs": "ca.pem"})
    with pytest.raises(StartError, match="XCOPA_SSL_CA_CERTS"):
        refuse_tls_of_callers(settings)


ROOT = Path(__file__).resolve().parents[3]


@needs_ray
@pytest.mark.slow
def test_ray_takes_the_options() -> None:
    serve = importlib.import_module("ray.serve")
    options = options_of(Settings(), XCOPA_THREADS="1")
    deployment = serve.deployment(**options)(type("Nothing", (), {}))
    config = deployment._deployment_config
    assert config.max_surge_percent == options["max_surge_percent"]


@needs_ray
@pytest.mark.slow
def test_ray_takes_the_serve_config() -> None:
    schema = importlib.import_module("ray.serve.schema")
    content = yaml.safe_load((ROOT / "deploy/ray/serve-config.yaml").read_text(encoding="utf-8"))
    config = schema.ServeDeploySchema.model_validate(content)
    [deployed] = config.applications
    ScaleOptions.read(deployed.args)
