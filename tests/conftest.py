"""Fixtures that integration and behaviour tests share: one running graph for both."""

import pytest
from hypothesis import settings

from tests.integration.running_graph import graph

__all__ = ["graph"]

# How long one example takes says more about the machine's load than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

GRAPHS = {"graph", "narrow_graph"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers: one runs what needs the running graph, which then starts once; the other the
    rest, file by file, so that no file's models are loaded twice."""
    for item in items:
        needs_graph = GRAPHS.intersection(getattr(item, "fixturenames", ()))
        group = "graph" if needs_graph else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
