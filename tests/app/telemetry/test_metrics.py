"""What a scrape brings: every declared metric, from the start, and what is known of the process."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from app.telemetry.declaration import AnyDeclaration
from app.telemetry.declarations import DECLARATIONS
from app.telemetry.metrics import Metrics, ModelInfo
from tests.app.telemetry.scraping import MODELS, scraped, value

KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
INFO = ModelInfo("direct", "1ba2", "cpu", "fp32", 2, "onednn torch", 512)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(MODELS)


def filled(metrics: Metrics) -> Metrics:
    """Give every metric that has labels of the run time a series."""
    metrics.model_loaded(INFO)
    metrics.kernel_chosen("direct", "8 to 8, then sum", "torch", 1.0)
    metrics.seed_routes([("/predict/xcopa", ["direct"])])
    metrics.watch_engines(2, lambda: 2)
    metrics.watch_engine_memory(2, dict)
    metrics.engine_plan_chosen(2, 1, 1.0)
    metrics.keys_taken(["alice"])
    metrics.built("1.0", "3.11", "2.13")
    return metrics


def open_ended(metric: AnyDeclaration) -> bool:
    """Whether the values of its labels are known only at run time."""
    return bool(set(metric.labels) - {"model"}) and not metric.seeds


def test_a_scrape_brings_what_is_declared_and_nothing_else_of_ours(metrics: Metrics) -> None:
    own = {name for name in scraped(metrics) if name.startswith("xcopa_")}
    assert own == {metric.name for metric in DECLARATIONS}


@pytest.mark.parametrize("metric", DECLARATIONS, ids=lambda metric: metric.name)
def test_kind_help_labels_and_buckets_are_as_declared(
    metrics: Metrics, metric: AnyDeclaration
) -> None:
    family = scraped(filled(metrics))[metric.name]
    assert KINDS[family.type] is metric.kind
    assert family.documentation == metric.help
    stored = {sample.name: frozenset(sample.labels) for sample in family.samples}
    assert stored == metric.series
    bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
    assert bounds - {float("inf")} == set(metric.buckets)


@pytest.mark.parametrize(
    "metric", [m for m in DECLARATIONS if not open_ended(m)], ids=lambda metric: metric.name
)
def test_every_series_is_there_at_zero_from_the_start(
    metrics: Metrics, metric: AnyDeclaration
) -> None:
    samples = [
        sample
        for sample in scraped(metrics)[metric.name].samples
        if sample.name in metric.series and "le" not in sample.labels
    ]
    children = {tuple(sample.labels.values()) for sample in samples}
    models = len(MODELS) if "model" in metric.labels else 1
    assert len(children) == models * max(1, len(metric.seeded))
    assert {sample.value for sample in samples} == {0.0}


@pytest.mark.parametrize(
    "metric", [m for m in DECLARATIONS if open_ended(m)], ids=lambda metric: metric.name
)
def test_labels_known_only_at_run_time_have_no_series_yet(
    metrics: Metrics, metric: AnyDeclaration
) -> None:
    assert scraped(metrics)[metric.name].samples == []


def test_promtool_has_nothing_to_say_against_a_scrape(metrics: Metrics) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")
    body, _ = filled(metrics).exposition("text/plain")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the process is described by /proc")
def test_a_scrape_describes_the_process_and_python_too(metrics: Metrics) -> None:
    names = set(scraped(metrics))
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "python_info"} <= names
    assert "python_gc_collections_total" in names


def test_a_loaded_model_says_its_revision_and_what_computes_it(metrics: Metrics) -> None:
    metrics.model_loaded(INFO)
    labels = {
        "model": "direct",
        "revision": "1ba2",
        "device": "cpu",
        "precision": "fp32",
        "threads": "2",
        "kernel": "onednn torch",
        "token_budget": "512",
    }
    assert value(metrics, "xcopa_model_info", **labels) == 1


def test_the_versions_that_run_are_known(metrics: Metrics) -> None:
    metrics.built("0.2.0", "3.11.2", "2.13.0+cpu")
    labels = {"version": "0.2.0", "python": "3.11.2", "torch": "2.13.0+cpu"}
    assert value(metrics, "xcopa_build_info", **labels) == 1


def test_a_start_says_how_long_its_parts_took(metrics: Metrics) -> None:
    metrics.start_took("calibrate", 1.5)
    assert value(metrics, "xcopa_start_duration_seconds", phase="calibrate") == 1.5
    assert value(metrics, "xcopa_start_duration_seconds", phase="load") == 0


def test_a_layer_shape_says_its_kernel_and_what_was_gained(metrics: Metrics) -> None:
    metrics.kernel_chosen("stilts", "384 to 384, then sum", "onednn", 1.25)
    labels = {"model": "stilts", "layer": "384 to 384, then sum", "kernel": "onednn"}
    assert value(metrics, "xcopa_linear_kernel_gain_ratio", **labels) == 1.25


def test_what_is_watched_is_read_at_every_scrape(metrics: Metrics) -> None:
    ready = [False]
    metrics.watch_cache(lambda: 4_096)
    metrics.watch_ready(lambda: ready[0])
    assert value(metrics, "xcopa_cache_bytes") == 4_096
    assert value(metrics, "xcopa_ready") == 0
    ready[0] = True
    assert value(metrics, "xcopa_ready") == 1


@pytest.mark.parametrize(
    ("model", "outcome"), [("direct", "lost"), ("other", "answered")], ids=["outcome", "model"]
)
def test_a_label_that_is_not_declared_is_an_error_and_no_new_series(
    metrics: Metrics, model: str, outcome: str
) -> None:
    with pytest.raises(KeyError):
        metrics.item_ended(model, outcome)
    assert value(metrics, "xcopa_items_total", model=model, outcome=outcome) is None


def test_two_applications_in_one_process_count_apart(metrics: Metrics) -> None:
    other = Metrics(MODELS)
    other.item_ended("direct", "answered")
    assert value(metrics, "xcopa_items_total", model="direct", outcome="answered") == 0


def test_models_come_with_zeros_and_go_with_their_state_but_not_with_their_counts(
    metrics: Metrics,
) -> None:
    metrics.item_ended("stilts", "failed")
    filled(metrics)
    metrics.models_served(["direct", "mnli"])
    assert value(metrics, "xcopa_items_total", model="mnli", outcome="failed") == 0
    assert value(metrics, "xcopa_queue_items", model="mnli") == 0
    assert value(metrics, "xcopa_queue_items", model="stilts") == 0, "calls are still with it"
    [info] = [each for each in metrics.registry.collect() if each.name == "xcopa_model_info"]
    assert not info.samples, "it is said anew of what is served now"
    metrics.models_ended(["direct", "mnli"])
    assert value(metrics, "xcopa_queue_items", model="stilts") is None
    assert value(metrics, "xcopa_items_total", model="stilts", outcome="failed") == 1
    metrics.models_served(["direct", "stilts"])
    assert value(metrics, "xcopa_queue_items", model="stilts") == 0
    assert value(metrics, "xcopa_items_total", model="stilts", outcome="failed") == 1
