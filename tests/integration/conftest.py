"""Fixtures that integration tests share."""

from tests.integration.running_graph import graph

__all__ = ["graph"]
