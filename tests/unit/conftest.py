"""Fixtures that unit tests share."""

from tests.unit.api_world import world
from tests.unit.batch_world import hurried

__all__ = ["hurried", "world"]
