"""The validator node: holds candidates against their sources and the rules, and chooses."""

import asyncio
import time

from deployments.metrics import ValidatorMetrics
from followup.backends.settings import StatementSettings
from followup.backends.statement_checker import build_statement_checker
from followup.rules import ComplianceRules
from followup.validation import Validated, ValidationTask, validate


class ValidatorNode:
    """Holds the rules, and the checker of statements with its models, if any."""

    def __init__(self, rules: ComplianceRules, statements: StatementSettings) -> None:
        self._rules = rules
        self._statements = build_statement_checker(statements)
        self._metrics = ValidatorMetrics()

    async def validate(self, tenant: str, task: ValidationTask) -> Validated:
        """The message to send and the verdicts on its claims."""
        start = time.perf_counter()
        validated = await asyncio.to_thread(validate, task, self._rules, self._statements)
        self._metrics.seconds.observe(time.perf_counter() - start, tags={"tenant": tenant})
        for verdict in validated.verdicts:
            supported = str(verdict.supported).lower()
            tags = {"kind": verdict.kind, "supported": supported, "tenant": tenant}
            self._metrics.verdicts.inc(tags=tags)
        return validated

    async def check_health(self) -> None:
        """Pure computation: a replica that answers is healthy."""
