"""Every metric of the gateway. Labels come from configuration or from fixed lists, never from traffic."""

from __future__ import annotations

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

from gateway import __version__

# From the store's fastest answer to the longest time-out of an account; OpenTelemetry's steps for messaging.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300)
# Answering a callback: providers wait 2 s to 20 s.
_CALLBACK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
# Up to a day: a telephone that is switched off at night.
_LATENCY_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 43_200, 86_400)


class Metrics:
    """The metrics of one process, on the registry they are given.

    Each attribute is one metric; its `documentation` says what it counts and what its labels can be.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._processing(registry)
        self._sending(registry)
        self._receiving(registry)
        self._in_app(registry)
        self._condition(registry)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics and their content type: OpenMetrics where the Accept header asks for it, else text."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _processing(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            "imgw_deliveries_total",
            "Deliveries taken from a queue and settled; outcome is done, dead or requeued.",
            ("queue", "outcome"),
            registry=registry,
        )
        self.process_seconds = Histogram(
            "imgw_process_duration_seconds",
            "Time from taking a delivery to settling it.",
            ("queue",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.dead = Counter(
            "imgw_dead_letters_total",
            "Deliveries put aside on the dead queue, by the queue they came from and why.",
            ("queue", "reason"),
            registry=registry,
        )
        self.due = Counter(
            "imgw_expiry_due_total",
            "Messages found by the expiry monitor whose time had passed.",
            registry=registry,
        )
        self.revived = Counter(
            "imgw_mt_revived_total",
            "Messages that nobody worked on any more, found by the expiry monitor and tried again.",
            registry=registry,
        )
        self.expiry_lag = Gauge(
            "imgw_expiry_lag_seconds",
            "How long ago the time of the oldest message passed that the expiry monitor has yet to end.",
            registry=registry,
        )

    def _sending(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "imgw_attempts_total",
            "Attempts to send; outcome is submitted, permanent, transient, throttled, uncertain, auth or"
            " refused.",
            ("account", "provider", "outcome"),
            registry=registry,
        )
        self.provider_seconds = Histogram(
            "imgw_provider_request_duration_seconds",
            "Time of one attempt at the provider, its answer read.",
            ("account", "provider"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.retries = Counter(
            "imgw_retries_total",
            "Attempts put off to a wait tier, by the kind of failure.",
            ("account", "kind"),
            registry=registry,
        )
        self.in_flight = Gauge(
            "imgw_in_flight", "Attempts under way right now.", ("account",), registry=registry
        )
        self.limiter_wait = Histogram(
            "imgw_limiter_wait_seconds",
            "How long an attempt waited for its account's limits.",
            ("account",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.statuses = Counter(
            "imgw_message_status_total",
            "Outbound messages that reached a status.",
            ("channel", "status"),
            registry=registry,
        )
        self.delivery_latency = Histogram(
            "imgw_delivery_latency_seconds",
            "Time from acceptance of a message to its delivery, as its provider dates it.",
            ("channel",),
            buckets=_LATENCY_SECONDS,
            registry=registry,
        )

    def _receiving(self, registry: CollectorRegistry) -> None:
        self.callbacks = Counter(
            "imgw_callbacks_total",
            "HTTP requests of providers; outcome is accepted, refused, unreadable, too_large, unavailable or"
            ' unknown_account (with account "unknown").',
            ("account", "outcome"),
            registry=registry,
        )
        self.callback_seconds = Histogram(
            "imgw_callback_duration_seconds",
            "Time to take a callback and answer it.",
            buckets=_CALLBACK_SECONDS,
            registry=registry,
        )
        self.callback_items = Counter(
            "imgw_callback_items_total",
            "Messages, receipts and events in accepted callbacks; kind is mo, dr or event.",
            ("account", "kind"),
            registry=registry,
        )
        self.media = Counter(
            "imgw_media_total",
            "Media asked for on /v1/media; outcome is served, not_found, too_large, failed or broken_off (by"
            ' either side). Account "unknown" where there is none of the name.',
            ("account", "outcome"),
            registry=registry,
        )
        self.api_requests = Counter(
            "imgw_api_requests_total",
            "Requests to /v1 by the operation's name; outcome is ok, or the code of the problem that was"
            " told.",
            ("operation", "outcome"),
            registry=registry,
        )
        self.mo = Counter(
            "imgw_mo_total",
            "Inbound messages; outcome is routed, duplicate or dead.",
            ("account", "channel", "outcome"),
            registry=registry,
        )
        self.receipts = Counter(
            "imgw_receipts_total",
            "Delivery receipts; outcome is applied, repeated, unmatched, late or unknown_status.",
            ("account", "outcome"),
            registry=registry,
        )

    def _in_app(self, registry: CollectorRegistry) -> None:
        self.rtm_received = Counter(
            "imgw_rtm_received_total",
            "Publications of devices; kind is up, rcpt, req, presence or unknown, outcome accepted, refused"
            " or ignored.",
            ("account", "kind", "outcome"),
            registry=registry,
        )
        self.rtm_refusals = Counter(
            "imgw_rtm_refusals_total",
            "What devices were refused, by the code that they were told.",
            ("account", "code"),
            registry=registry,
        )
        self.rtm_downlinks = Counter(
            "imgw_rtm_downlinks_total",
            "What devices are told beside MT; kind is response or sync, outcome published, waiting (put off"
            " while the MQTT broker is away or the account at its limits), expired, refused (by the broker)"
            " or lost (a response for which no try was left).",
            ("account", "kind", "outcome"),
            registry=registry,
        )
        self.rtm_wakeups = Counter(
            "imgw_rtm_wakeups_total",
            "Devices to be woken by push, by the account that does it; outcome is submitted, failed, given_up"
            " or disabled (the account is switched off).",
            ("account", "outcome"),
            registry=registry,
        )
        self.rtm_questions = Counter(
            "imgw_rtm_questions_total",
            "What MQTT brokers asked about clients; question is authenticate or authorize, outcome allow,"
            " deny, refused (whoever asked was not the broker) or unreadable.",
            ("account", "question", "outcome"),
            registry=registry,
        )
        self.rtm_listening = Gauge(
            "imgw_rtm_listening",
            "Whether this process takes what devices publish at this account's broker: 1 or 0; one that only"
            " stands by has 0.",
            ("account",),
            registry=registry,
        )
        self.rtm_unacknowledged = Gauge(
            "imgw_rtm_unacknowledged",
            "Publications of devices that this process has taken and that are not yet safe, and so not"
            " acknowledged to the MQTT broker.",
            ("account",),
            registry=registry,
        )
        self.rtm_login_sweeps = Counter(
            "imgw_rtm_login_sweeps_total",
            "Looks for logins at an account's MQTT broker that end with their token; outcome is done or"
            " failed.",
            ("account", "outcome"),
            registry=registry,
        )

    def _condition(self, registry: CollectorRegistry) -> None:
        self.account_healthy = Gauge(
            "imgw_account_healthy",
            "Whether the provider takes the account's credentials: 1 or 0.",
            ("account",),
            registry=registry,
        )
        self.circuit_open = Gauge(
            "imgw_circuit_open",
            "Whether sending is stopped because the account's provider does not answer: 1 or 0.",
            ("account",),
            registry=registry,
        )
        self.dependency_up = Gauge(
            "imgw_dependency_up",
            "Whether a server that the gateway stands on can be used: 1 or 0; dependency is broker or store.",
            ("dependency",),
            registry=registry,
        )
        self.catalogue_version = Gauge(
            "imgw_catalogue_version",
            "The version of the applications and accounts that this process works with.",
            registry=registry,
        )
        self.build = Gauge(
            "imgw_build_info",
            "The version of the gateway and of Python; always 1.",
            ("version", "python"),
            registry=registry,
        )
        self.build.labels(__version__, platform.python_version()).set(1)
