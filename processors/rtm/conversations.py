"""Threads that nobody made by hand, and who was meant by topics. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.rtm.expressions import includes, parse
from gateway.rtm.refusals import RtmRefused
from gateway.store.customers import Customer
from gateway.store.threads import ThreadRecord, ThreadType, implicit_id


def implicit_of_user(
    app_id: str, user_id: str, type: ThreadType, at: datetime, title: str | None = None
) -> ThreadRecord:
    """The thread of a person that messages belong to when they name none."""
    thread_id = implicit_id(app_id, user_id, type, title)
    return ThreadRecord(app_id, thread_id, type, at, at, user_id=user_id, title=title)


def implicit_of_topics(
    app_id: str, topics: str, type: ThreadType, at: datetime, title: str | None = None
) -> ThreadRecord:
    """The same of all who follow `topics`, a topic or an expression of several."""
    # A person may have the name of a topic, and no person's has a slash.
    thread_id = implicit_id(app_id, f"topic/{topics}", type, title)
    return ThreadRecord(app_id, thread_id, type, at, at, topic=topics, title=title)


def was_meant(topics: str, customer: Customer | None, since: datetime) -> bool:
    """Whether this person is meant by an expression of topics, or was at any moment since then."""
    try:
        expression = parse(topics)
    except RtmRefused:
        return False
    if customer is None:
        return includes(expression, ())
    return any(includes(expression, followed) for followed in customer.topics_since(since))


def same_topics(one: str, other: str) -> bool:
    """Whether two expressions are the same but for how they are written."""
    try:
        return one == other or parse(one) == parse(other)
    except RtmRefused:
        return False
