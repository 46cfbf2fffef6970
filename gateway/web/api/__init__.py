"""`/v1`: the API for platforms, guarded by keys and described by OpenAPI."""

from gateway.web.api.guard import api, problem

__all__ = ["api", "problem"]
