"""Fixtures that integration and behaviour tests share: one running graph for both."""

from hypothesis import settings

from tests.integration.running_graph import graph

__all__ = ["graph"]

# How long one example takes says more about the machine's load than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
