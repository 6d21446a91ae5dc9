"""The node beside the ingress that works on batches, in one replica, behind everybody else."""

import asyncio
import os
import time
from collections.abc import Mapping

import psutil
from ray.serve.handle import DeploymentHandle

from config.settings import Settings
from deployments.batch_runner import BatchRunner
from deployments.batch_work import CALL_SECONDS, BatchWork, SpareNodes
from deployments.bulk_options import WriteOptions
from deployments.lead_writer import LeadWriter, build_pipeline
from deployments.nodes import Graph, KnowledgeBaseVersions
from deployments.service import name_settings
from followup.backends.adapter_aliases import AdapterAliases
from followup.backends.adapters import AdapterStore
from followup.backends.batches import Batches
from followup.backends.database import Database

NICENESS = 15
"""Of this process and those that it scores in: the kernel serves the other nodes first."""
LEAD_SECONDS = 7 * 86_400.0
"""A lead waits as long as callers come first; each call to a node has a limit of its own."""


class BatchNode:
    """Holds a `BatchRunner`."""

    async def __init__(  # type: ignore[misc]  # Serve awaits a constructor
        self, settings: Settings, nodes: Mapping[str, DeploymentHandle]
    ) -> None:
        _step_back()
        self._settings = settings
        self._graph = Graph.of(nodes, settings.models.sampling.model_dump())
        self._versions = KnowledgeBaseVersions(self._graph.retriever)
        self._database = Database(settings.database)
        self._adapters = AdapterStore(AdapterAliases(self._database), settings.models.adapter_alias)
        work = BatchWork(settings, self._writer, asyncio.get_running_loop())
        self._runner = BatchRunner(
            Batches(self._database),
            work.finish,
            settings.batches.folder,
            max_running=settings.batches.max_running,
            keep_days=settings.batches.keep_days,
        )
        self._runner.start()

    def _writer(self, options: WriteOptions) -> LeadWriter:
        return LeadWriter(
            pipeline=build_pipeline(self._settings),
            nodes_for=name_settings(self._nodes_for, self._settings.settings_version),
            knowledge_base_version=self._version,
            adapters=self._adapters,
            settings=self._settings,
            options=options,
            lead_seconds=LEAD_SECONDS,
        )

    def _nodes_for(self, tenant: str, deadline: float, knowledge_base_version: str) -> SpareNodes:
        return SpareNodes(self._graph, tenant, knowledge_base_version)

    async def _version(self, tenant: str, deadline: float) -> str:
        return await self._versions(tenant, min(deadline, time.monotonic() + CALL_SECONDS))

    async def check_health(self) -> None:
        """Serve replaces the replica when its runner has ended."""
        self._runner.check()

    async def __del__(self) -> None:
        await self._runner.close()
        await self._database.close()


def _step_back() -> None:
    """Linux keeps niceness by thread; those that are there pass it on to all that they start."""
    for thread in psutil.Process().threads():
        os.setpriority(os.PRIO_PROCESS, thread.id, NICENESS)
