"""Which queues of the embedded broker a publication goes to: AMQP's exchange kinds over the topology."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.broker.topology import EXCHANGES, QUEUES

DEFAULT_EXCHANGE = ""

Declared = Mapping[str, Iterable[tuple[str, str]]]  # a platform's queue: its (exchange, pattern)


class Routes:
    """The topology and what platforms have declared beside it."""

    def __init__(self, declared: Declared) -> None:
        self._kinds = {exchange.name: exchange.kind for exchange in EXCHANGES}
        self._queues = {queue.name for queue in QUEUES} | declared.keys()
        self._bindings: dict[str, list[tuple[str, str]]] = {
            exchange.name: list(exchange.bindings.items()) for exchange in EXCHANGES
        }
        for queue, bindings in declared.items():
            for exchange, pattern in bindings:
                self._bindings.setdefault(exchange, []).append((pattern, queue))

    def has_queue(self, queue: str) -> bool:
        return queue in self._queues

    def has_exchange(self, exchange: str) -> bool:
        return exchange in self._kinds

    def queues_for(self, exchange: str, routing_key: str) -> list[str]:
        """The queues that get a copy, each once; none when the publication is unroutable."""
        if exchange == DEFAULT_EXCHANGE:
            return [routing_key] if routing_key in self._queues else []
        kind = self._kinds.get(exchange)
        matching = (
            queue
            for pattern, queue in self._bindings.get(exchange, ())
            if kind == "fanout"
            or (kind == "direct" and pattern == routing_key)
            or (kind == "topic" and topic_matches(pattern, routing_key))
        )
        return list(dict.fromkeys(matching))


def topic_matches(pattern: str, routing_key: str) -> bool:
    """AMQP 0-9-1: words are separated by dots, `*` is exactly one word, `#` any number of them, even none."""
    return _words_match(_words(pattern), _words(routing_key))


def _words(dotted: str) -> list[str]:
    return dotted.split(".") if dotted else []


def _words_match(pattern: list[str], words: list[str]) -> bool:
    # reached[i]: whether the first i words are matched by the part of the pattern looked at so far.
    reached = [True] + [False] * len(words)
    for part in pattern:
        if part == "#":
            first = reached.index(True) if True in reached else len(reached)
            reached = [position >= first for position in range(len(reached))]
        else:
            fits = [before and part in ("*", word) for before, word in zip(reached, words, strict=False)]
            reached = [False, *fits]
    return reached[-1]
