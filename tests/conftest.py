"""Fixtures that integration and behaviour tests share: one running graph for both."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.integration.running_graph import graph

__all__ = ["graph"]

# How long one example takes says more about the machine's load than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


class GraphBesideTheRest(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Two workers: one runs what needs the running graph, which then starts once; the other the
    rest, file by file, so that no file's models are loaded twice."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "graph" if _uses_the_graph(file) else file


@cache
def _uses_the_graph(file: str) -> bool:
    return "RunningGraph" in (Path(__file__).parents[1] / file).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)  # the suite runs without xdist, too
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return GraphBesideTheRest(config, log)
