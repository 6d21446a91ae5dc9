"""The metrics that the nodes export to Prometheus. docs/metrics.md lists each of them."""

from ray.serve.metrics import Counter, Histogram

SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
SCORES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


class IngressMetrics:
    """What the ingress counts."""

    def __init__(self) -> None:
        self.requests = Counter(
            "lead_assistant_requests_total",
            description="HTTP requests.",
            tag_keys=("endpoint", "status", "tenant"),
        )
        self.request_seconds = Histogram(
            "lead_assistant_request_seconds",
            description="Time from the request to the response, in seconds.",
            boundaries=SECONDS,
            tag_keys=("endpoint", "status", "tenant"),
        )
        self.cache = Counter(
            "lead_assistant_reply_cache_total",
            description="Looks into the reply cache, by result: hit or miss.",
            tag_keys=("approach", "result", "tenant"),
        )
        self.fallbacks = Counter(
            "lead_assistant_fallbacks_total",
            description="Conservative replies sent, by the reason.",
            tag_keys=("approach", "reason", "tenant"),
        )
        self.second_drafts = Counter(
            "lead_assistant_second_drafts_total",
            description="Replies of which no first draft could be sent, by what came of a second.",
            tag_keys=("approach", "result", "tenant"),
        )
        self.approvals = Counter(
            "lead_assistant_approvals_total",
            description="Messages that came to a status: pending, approved, edited or rejected.",
            tag_keys=("status", "tenant"),
        )
        self.strategies = Counter(
            "lead_assistant_strategies_total",
            description="Replies by strategy.",
            tag_keys=("approach", "strategy", "tenant"),
        )
        self.lead_scores = Histogram(
            "lead_assistant_lead_score",
            description="Scores of the leads, 0 to 100.",
            boundaries=SCORES,
            tag_keys=("tenant",),
        )


class NodeMetrics:
    """The time that a node spends on a call, whichever node it is."""

    def __init__(self, node: str) -> None:
        self.seconds = Histogram(
            "lead_assistant_node_seconds",
            description="Time a node spends on one call, in seconds.",
            boundaries=SECONDS,
            tag_keys=("node", "tenant"),
        )
        self.seconds.set_default_tags({"node": node})


class GeneratorMetrics(NodeMetrics):
    """What the generator counts besides its time."""

    def __init__(self) -> None:
        super().__init__("generator")
        self.tokens = Counter(
            "lead_assistant_tokens_total",
            description="Tokens read (prompt) and written (completion).",
            tag_keys=("kind", "model", "tenant"),
        )


class RetrieverMetrics(NodeMetrics):
    """What the retriever counts besides its time."""

    def __init__(self) -> None:
        super().__init__("retriever")
        self.scores = Histogram(
            "lead_assistant_retrieval_score",
            description="Calibrated relevance of the passages found, 0 to 1.",
            boundaries=SHARES,
            tag_keys=("tenant",),
        )
        self.cache = Counter(
            "lead_assistant_retrieval_cache_total",
            description="Looks into the retrieval cache, by result: hit or miss.",
            tag_keys=("result", "tenant"),
        )


class ValidatorMetrics(NodeMetrics):
    """What the validator counts besides its time."""

    def __init__(self) -> None:
        super().__init__("validator")
        self.verdicts = Counter(
            "lead_assistant_verdicts_total",
            description="Claims checked in messages as sent, by kind and verdict.",
            tag_keys=("kind", "supported", "tenant"),
        )
