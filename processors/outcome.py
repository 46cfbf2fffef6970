"""What a processor makes of a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.broker.port import Delivery, Publication


@dataclass(frozen=True, slots=True)
class Done:
    """Dealt with; the delivery is acknowledged once all of `publish` is confirmed."""

    publish: Sequence[Publication] = ()


@dataclass(frozen=True, slots=True)
class Dead:
    """Cannot be dealt with: it goes to `imgw.dead`, untouched, with this reason for a person to look at."""

    reason: str  # a short stable code
    detail: str = ""  # for a person; never message text or a secret


Outcome = Done | Dead


class Processor(Protocol):
    async def process(self, delivery: Delivery) -> Outcome:
        """Deal with one delivery.

        Raises UnavailableError when a server is away: then the delivery is given back and comes again.
        Anything else that is raised is a bug, and the delivery goes to `imgw.dead`.
        """
