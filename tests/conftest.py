"""Fixtures that integration and behaviour tests share: one running graph for both."""

from tests.integration.running_graph import graph

__all__ = ["graph"]
