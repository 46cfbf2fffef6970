"""Puts dead letters back where they came from. One that cannot be put back stays, is named with the reason,
and holds up no other."""

from __future__ import annotations

from collections.abc import Callable

from gateway.broker.port import Broker, Publication
from gateway.broker.topology import RTM_IN
from gateway.errors import BrokerUnavailable, RefusedError
from processors.dead_letters import DeadLetter, revived
from processors.rtm.up_items import BURIED_FROM, item_again


class Replay:
    """One run of it. `say` is told of each letter that stays."""

    def __init__(self, broker: Broker, say: Callable[[str], None]) -> None:
        self._broker = broker
        self._say = say
        self._closed: dict[str, str] = {}  # queues that took nothing, and why
        self.put_back = 0
        self.staying = 0

    async def put(self, letter: DeadLetter) -> bool:
        """Whether it is safe where it belongs, and so no dead letter any more."""
        try:
            await self._publish(_publication(letter))
        # ValueError: who can publish can have written anything, also a name that no queue can have.
        except (RefusedError, BrokerUnavailable, ValueError) as error:
            self.staying += 1
            self._say(f"{letter.id or 'one without an id'} stays: {error}")
            return False
        self.put_back += 1
        return True

    async def _publish(self, publication: Publication) -> None:
        # An answer may be long in not coming: of thousands of letters, one waits for it.
        queue = publication.routing_key
        if queue in self._closed:
            raise BrokerUnavailable(self._closed[queue])
        try:
            await self._broker.publish(publication)
        except BrokerUnavailable as error:
            self._closed[queue] = str(error)
            raise


def _publication(letter: DeadLetter) -> Publication:
    """Raises RefusedError, which says why it cannot be put back."""
    if letter.queue == BURIED_FROM:
        return item_again(letter.message)
    if letter.queue == RTM_IN:  # by its name it would be read as a topic there, and dropped
        raise RefusedError("the topic that it was published to is not known any more")
    if not letter.queue:
        raise RefusedError("it does not say which queue it came from")
    return revived(letter)
