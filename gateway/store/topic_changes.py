"""The last changes of the topics that a person follows, in the order in which they came.

They say which messages to topics were for somebody who has left them since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_TOPIC_CHANGES = 50
"""Of each person; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class TopicChange:
    """A person has begun to follow a topic, or has left it."""

    topic: str
    at: datetime
    followed: bool

    def undone(self, followed: frozenset[str]) -> frozenset[str]:
        """The topics before it, of a person who has followed these after it."""
        return followed - {self.topic} if self.followed else followed | {self.topic}


def topic_changes_of(document: Mapping[str, Any]) -> tuple[TopicChange, ...]:
    """Those that the document of a person has."""
    rows = document.get("topic_changes", ())
    return tuple(TopicChange(row["topic"], row["at"], row["followed"]) for row in rows)


def topic_followed(topic: str, at: datetime) -> dict[str, Any]:
    """The update of people who do not follow it yet; of others it would note what is no change."""
    return {"$addToSet": {"topics": topic}, "$push": _noted(topic, at, followed=True)}


def topic_left(topic: str, at: datetime) -> dict[str, Any]:
    """The update of people who follow it, likewise."""
    return {"$pull": {"topics": topic}, "$push": _noted(topic, at, followed=False)}


def _noted(topic: str, at: datetime, *, followed: bool) -> dict[str, Any]:
    change = {"topic": topic, "at": at, "followed": followed}
    return {"topic_changes": {"$each": [change], "$slice": -MAX_TOPIC_CHANGES}}
