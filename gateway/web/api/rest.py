"""All routes of the API that are read and answered alike, over the parts of the store that they need."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.store.catalog import CatalogueStore
from gateway.store.customers import Customers
from gateway.store.erasure import Erasure
from gateway.store.inbox import Inbox
from gateway.store.threads import Threads
from gateway.store.topics import Topics
from gateway.telemetry.metrics import Metrics
from gateway.web.api.applications import ApplicationRoutes
from gateway.web.api.configured import Configured, Door
from gateway.web.api.customers import CustomerRoutes
from gateway.web.api.description import describe
from gateway.web.api.operations import Route
from gateway.web.api.serving import mount
from gateway.web.api.threads import ThreadRoutes
from gateway.web.api.tokens import TokenRoutes
from gateway.web.api.topics import TopicRoutes


@dataclass(frozen=True, slots=True)
class RestApi:
    """What is served under /v1, beside media."""

    catalogue: CatalogueStore
    configured: Configured
    customers: Customers
    threads: Threads
    topics: Topics
    inbox: Inbox
    erasure: Erasure
    door: Door

    def register(self, app: web.Application, metrics: Metrics) -> None:
        mount(app, self.routes(), metrics)
        describe(app)

    def routes(self) -> list[Route]:
        configured, customers, threads, topics = self.configured, self.customers, self.threads, self.topics
        return [
            *ApplicationRoutes(self.catalogue, configured, customers, threads, topics).routes(),
            *TokenRoutes(configured, customers, self.door).routes(),
            *CustomerRoutes(configured, customers, threads, self.erasure, self.door).routes(),
            *ThreadRoutes(configured, customers, threads, topics, self.inbox).routes(),
            *TopicRoutes(configured, customers, topics).routes(),
        ]
