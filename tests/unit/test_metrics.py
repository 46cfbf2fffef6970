"""The metrics: their names, their labels, and their forms."""

from __future__ import annotations

import platform
import shutil
import subprocess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from gateway import __version__
from gateway.telemetry.metrics import Metrics

LABELS = {
    "account_healthy": ("imgw_account_healthy", ("account",)),
    "circuit_open": ("imgw_circuit_open", ("account",)),
    "api_requests": ("imgw_api_requests", ("operation", "outcome")),
    "attempts": ("imgw_attempts", ("account", "provider", "outcome")),
    "build": ("imgw_build_info", ("version", "python")),
    "callback_items": ("imgw_callback_items", ("account", "kind")),
    "callback_seconds": ("imgw_callback_duration_seconds", ()),
    "callbacks": ("imgw_callbacks", ("account", "outcome")),
    "catalogue_version": ("imgw_catalogue_version", ()),
    "dead": ("imgw_dead_letters", ("queue", "reason")),
    "deliveries": ("imgw_deliveries", ("queue", "outcome")),
    "delivery_latency": ("imgw_delivery_latency_seconds", ("channel",)),
    "dependency_up": ("imgw_dependency_up", ("dependency",)),
    "due": ("imgw_expiry_due", ()),
    "expiry_lag": ("imgw_expiry_lag_seconds", ()),
    "in_flight": ("imgw_in_flight", ("account",)),
    "limiter_wait": ("imgw_limiter_wait_seconds", ("account",)),
    "media": ("imgw_media", ("account", "outcome")),
    "mo": ("imgw_mo", ("account", "channel", "outcome")),
    "process_seconds": ("imgw_process_duration_seconds", ("queue",)),
    "provider_seconds": ("imgw_provider_request_duration_seconds", ("account", "provider")),
    "receipts": ("imgw_receipts", ("account", "outcome")),
    "retries": ("imgw_retries", ("account", "kind")),
    "revived": ("imgw_mt_revived", ()),
    "rtm_downlinks": ("imgw_rtm_downlinks", ("account", "kind", "outcome")),
    "rtm_listening": ("imgw_rtm_listening", ("account",)),
    "rtm_login_sweeps": ("imgw_rtm_login_sweeps", ("account", "outcome")),
    "rtm_questions": ("imgw_rtm_questions", ("account", "question", "outcome")),
    "rtm_received": ("imgw_rtm_received", ("account", "kind", "outcome")),
    "rtm_refusals": ("imgw_rtm_refusals", ("account", "code")),
    "rtm_unacknowledged": ("imgw_rtm_unacknowledged", ("account",)),
    "rtm_wakeups": ("imgw_rtm_wakeups", ("account", "outcome")),
    "statuses": ("imgw_message_status", ("channel", "status")),
}


def of(metrics: Metrics) -> dict[str, Any]:
    return {name: each for name, each in vars(metrics).items() if isinstance(each, MetricWrapperBase)}


def openmetrics_families(text: str) -> list[Any]:
    return list(read_openmetrics(text))  # type: ignore[no-untyped-call]


def used(registry: CollectorRegistry) -> Metrics:
    """Metrics of which each has been used once, so that all show."""
    metrics = Metrics(registry)
    for name, metric in of(metrics).items():
        labels = LABELS[name][1]
        child = metric.labels(*[f"{label}-1" for label in labels]) if labels else metric
        if hasattr(child, "observe"):
            child.observe(1.5)
        else:
            child.inc()
    return metrics


def test_every_metric_has_the_name_and_the_labels_that_dashboards_rely_on() -> None:
    found = {name: (each._name, each._labelnames) for name, each in of(Metrics(CollectorRegistry())).items()}
    assert found == LABELS


def test_two_processes_in_one_can_have_metrics_of_their_own() -> None:
    one, two = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.deliveries.labels("imgw.mt", "done").inc()
    assert b'imgw_deliveries_total{outcome="done",queue="imgw.mt"} 1.0' in one.render("")[0]
    assert b"imgw_deliveries_total{" not in two.render("")[0]


def test_the_build_is_told() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    labels = {"version": __version__, "python": platform.python_version()}
    assert registry.get_sample_value("imgw_build_info", labels) == 1


def test_the_process_is_measured_as_well() -> None:
    names = {family.name for family in read_text(Metrics(CollectorRegistry()).render("")[0].decode())}
    assert {
        "process_resident_memory_bytes",
        "process_cpu_seconds",
        "python_info",
        "python_gc_collections",
    } <= names


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_the_form_is_what_the_reader_asks_for(accept: str, content_type: str) -> None:
    body, given = used(CollectorRegistry()).render(accept)
    assert given == content_type
    openmetrics = "openmetrics" in content_type
    assert body.endswith(b"# EOF\n") is openmetrics
    names = {family.name for family in (openmetrics_families if openmetrics else read_text)(body.decode())}
    assert {name for name, _ in LABELS.values()} <= names


def test_what_prometheus_asks_for_is_openmetrics() -> None:
    accept = (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
        "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    )
    body, content_type = used(CollectorRegistry()).render(accept)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert openmetrics_families(body.decode())


@pytest.mark.promtool
def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        from tests.servers.need import missing

        missing("promtool", "apt-get install prometheus")
    body, _ = used(CollectorRegistry()).render("")
    checked = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout.decode(), checked.stderr.decode()) == (0, "", "")
