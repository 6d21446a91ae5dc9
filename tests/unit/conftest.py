"""Fixtures that unit tests share."""

from tests.unit.api_world import world

__all__ = ["world"]
