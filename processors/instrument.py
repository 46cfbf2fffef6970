"""What is seen of a processor from outside: the context of its log lines, its counts and its durations."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog

from gateway.broker.port import Delivery
from gateway.errors import UnavailableError
from gateway.telemetry.metrics import Metrics
from processors.outcome import Dead, Outcome, Processor


def instrumented(
    processor: Processor, queue: str, metrics: Metrics
) -> Callable[[Delivery], Awaitable[Outcome]]:
    """`processor.process`, with the queue and the message bound to every log line, counted and timed."""

    done, requeued, dead = (
        metrics.deliveries.labels(queue, outcome) for outcome in ("done", "requeued", "dead")
    )
    seconds = metrics.process_seconds.labels(queue)

    async def process(delivery: Delivery) -> Outcome:
        structlog.contextvars.bind_contextvars(queue=queue, amqp_message_id=delivery.message_id)
        started = time.perf_counter()
        try:
            outcome = await processor.process(delivery)
        except UnavailableError:
            requeued.inc()
            raise
        except Exception:
            metrics.dead.labels(queue, "internal_error").inc()
            dead.inc()
            raise
        finally:
            seconds.observe(time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()
        if isinstance(outcome, Dead):
            metrics.dead.labels(queue, outcome.reason).inc()
            dead.inc()
        else:
            done.inc()
        return outcome

    return process
