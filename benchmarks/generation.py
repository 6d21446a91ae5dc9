"""Generated tokens/s through HTTP, next to the bare engine and to transformers' static batch.

All three write greedily from the same prompts: those that the server makes for 96 leads.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openvino_genai as genai
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.results import Target
from config.environment import PACKAGED_CONFIG
from config.settings import Settings, load_settings
from followup.backends.embedder import Embedder, mean_vector
from followup.backends.engines.openvino_model import (
    BATCH_INVARIANT_PROPERTIES,
    scheduler_config,
)
from followup.backends.gguf_export import export_gguf
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.lead import Lead
from followup.prompts import Approach, Prompt, render_prompt
from followup.query import retrieval_query
from followup.request import RetrievalOptions
from followup.scoring import score_lead
from followup.situation import detect_situation
from tests.integration.models import MODEL_CACHE_DIR
from tests.integration.running_graph import RAG, RunningGraph, running_graph

MAX_TOKENS = 100
ROUNDS = 2
REQUESTS = {1: 6, 8: 32, 32: 96}
STATIC_REQUESTS = {1: 2, 8: 8, 32: 32}
ASKS = (
    "Asked what the mid-tier plan costs.",
    "Asked how much time a team saves on manual invoicing.",
    "Asked whether it works with Salesforce and QuickBooks.",
    "Asked how long onboarding takes and who helps with it.",
    "Asked for the security report and where data is stored.",
    "Asked how the free trial works.",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a number of requests at a number of clients."""

    what: str
    clients: int
    num_requests: int
    num_tokens: int
    seconds: float
    mean_latency_ms: float
    mean_retrieval_ms: float

    @property
    def tokens_per_second(self) -> float:
        return self.num_tokens / self.seconds

    def as_row(self, turn: int) -> dict[str, Any]:
        return {
            "measurement": "generation",
            "turn": turn,
            "what": self.what,
            "clients": self.clients,
            "requests": self.num_requests,
            "tokens": self.num_tokens,
            "seconds": self.seconds,
            "tokens_per_second": self.tokens_per_second,
            "mean_latency_ms": self.mean_latency_ms,
            "mean_retrieval_ms": self.mean_retrieval_ms,
        }


def measure_generation() -> tuple[list[dict[str, Any]], list[Target]]:
    """HTTP and the bare engine in turns, transformers once; rows and targets."""
    leads = [
        {
            "lead_name": f"Lead{chr(97 + index // 26)}{chr(97 + index % 26)} Bench",
            "product_name": "AI Billing Software",
            "interaction_history": ASKS[index % len(ASKS)],
        }
        for index in range(max(REQUESTS.values()))
    ]
    rows: list[dict[str, Any]] = []
    with (
        config_without_caches() as config,
        running_graph(variables={"CONFIG_DIR": config}) as graph,
    ):
        settings = load_settings()
        prompts = server_prompts(leads, graph, settings)
        http = _HttpClients(graph, leads)
        bare = BareEngine(settings, prompts)
        for warmed in (http, bare):
            warmed.run(8)  # the first passes are slow, and then both have the prompts' prefixes
        for turn in range(ROUNDS):
            for clients in REQUESTS:
                rows.append(http.run(clients).as_row(turn))
                rows.append(bare.run(clients).as_row(turn))
    static = _StaticBatch(settings, prompts)
    rows += [static.run(clients).as_row(0) for clients in STATIC_REQUESTS]
    return rows, _targets(rows)


@contextmanager
def config_without_caches() -> Iterator[str]:
    """A copy of the configuration whose caches keep nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for source in PACKAGED_CONFIG.rglob("*.yaml"):
            target = Path(folder) / source.relative_to(PACKAGED_CONFIG)
            target.parent.mkdir(exist_ok=True)
            text = source.read_text(encoding="utf-8")
            for key in ("response", "retrieval"):
                text = text.replace(f"{key}_ttl_seconds: ", f"{key}_ttl_seconds: 0 # ")
            target.write_text(text, encoding="utf-8")
        yield folder


def server_prompts(
    leads: Sequence[dict[str, str]], graph: RunningGraph, settings: Settings
) -> list[Prompt]:
    """The prompts that the server makes for these leads, from the same vector store."""
    return asyncio.run(_server_prompts(leads, graph, settings))


async def _server_prompts(
    leads: Sequence[dict[str, str]], graph: RunningGraph, settings: Settings
) -> list[Prompt]:
    uri = f"http://127.0.0.1:{graph.environment['MILVUS_LITE_PORT']}"
    embedder = Embedder(settings.embedder)
    vectors = VectorStoreSettings(uri=uri)
    store = VectorStore(vectors, embedder.dimension, model=embedder.fingerprint)
    options = RetrievalOptions()
    prompts = []
    for fields in leads:
        lead = Lead.model_validate(fields)
        query = retrieval_query(lead)
        passages = await store.search(
            "default",
            query.words,
            mean_vector(embedder.embed(query.embedded)),
            SearchOptions(
                options.top_k,
                threshold=options.retrieval_threshold,
                use_reranking=options.use_reranking,
            ),
        )
        prompts.append(
            render_prompt(
                Approach.RAG,
                lead,
                passages,
                strategy=score_lead(lead, settings.scoring).strategy,
                situation=detect_situation(lead, settings.compliance),
                templates=settings.prompts,
            )
        )
    await store.close()
    return prompts


class _HttpClients:
    """Clients that send the next request as soon as they have their answer."""

    def __init__(self, graph: RunningGraph, leads: Sequence[dict[str, str]]) -> None:
        self._graph = graph
        self._leads = leads

    def run(self, clients: int) -> Measured:
        leads = self._leads[: REQUESTS[clients]]
        with httpx.Client(timeout=300) as http:

            def ask(lead: dict[str, str]) -> tuple[str, float]:
                start = time.perf_counter()
                body = {"lead_context": lead, "max_tokens": MAX_TOKENS}
                response = http.post(self._graph.url + RAG, json=body)
                response.raise_for_status()
                return response.json()["request_id"], time.perf_counter() - start

            start = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                answers = list(pool.map(ask, leads))
            seconds = time.perf_counter() - start
        num_tokens, retrieval_ms = self._logged([request_id for request_id, _ in answers])
        return Measured(
            what="http",
            clients=clients,
            num_requests=len(leads),
            num_tokens=num_tokens,
            seconds=seconds,
            mean_latency_ms=statistics.mean(latency for _, latency in answers) * 1_000,
            mean_retrieval_ms=retrieval_ms,
        )

    def _logged(self, request_ids: Sequence[str]) -> tuple[int, float]:
        """Generated tokens and mean time of embedder + retriever, from the audit."""
        database = Path(self._graph.environment["STATE_DIR"]) / "lead_assistant.db"
        marks = ",".join("?" * len(request_ids))
        with sqlite3.connect(database) as connection:
            tokens, retrieval = connection.execute(
                "select sum(num_completion_tokens), avg(json_extract(timings_ms, '$.embedder') + "  # noqa: S608 - only question marks are put in
                "json_extract(timings_ms, '$.retriever')) from reply "
                f"where request_id in ({marks})",
                list(request_ids),
            ).fetchone()
        return int(tokens), float(retrieval)


class BareEngine:
    """OpenVINO GenAI's pipeline and nothing else, with the settings that the server has."""

    def __init__(self, settings: Settings, prompts: Sequence[Prompt]) -> None:
        config = scheduler_config(settings.engine)
        path = MODEL_CACHE_DIR / settings.models.base_model.path
        properties = BATCH_INVARIANT_PROPERTIES
        self._pipeline = genai.ContinuousBatchingPipeline(str(path), config, "CPU", properties, {})
        tokenizer = self._pipeline.get_tokenizer()
        self._inputs = [
            tokenizer.encode(_chat_text(tokenizer, prompt), add_special_tokens=False).input_ids
            for prompt in prompts
        ]
        self._generation = genai.GenerationConfig(
            max_new_tokens=MAX_TOKENS,
            do_sample=False,
            logprobs=1,
            repetition_penalty=settings.models.sampling.repetition_penalty,
        )
        self._generation.set_eos_token_id(tokenizer.get_eos_token_id())

    def run(self, clients: int, num_requests: int | None = None) -> Measured:
        """`clients` sequences at a time; the next one enters when one is done."""
        num_requests = REQUESTS[clients] if num_requests is None else num_requests
        waiting = list(enumerate(self._inputs[:num_requests]))
        running: dict[int, tuple[Any, float]] = {}
        latencies: list[float] = []
        num_tokens = 0
        start = time.perf_counter()
        while waiting or running:
            while waiting and len(running) < clients:
                index, input_ids = waiting.pop(0)
                handle = self._pipeline.add_request(index, input_ids, self._generation)
                running[index] = (handle, time.perf_counter())
            self._pipeline.step()
            for index, (handle, began) in list(running.items()):
                if handle.get_status() != genai.GenerationStatus.RUNNING:
                    num_tokens += len(handle.read_all()[0].generated_ids)
                    latencies.append(time.perf_counter() - began)
                    del running[index]
        return Measured(
            what="bare engine",
            clients=clients,
            num_requests=len(latencies),
            num_tokens=num_tokens,
            seconds=time.perf_counter() - start,
            mean_latency_ms=statistics.mean(latencies) * 1_000,
            mean_retrieval_ms=0,
        )


class _StaticBatch:
    """transformers `generate`, bfloat16, all requests of a run in one padded batch."""

    def __init__(self, settings: Settings, prompts: Sequence[Prompt]) -> None:
        path = MODEL_CACHE_DIR / settings.models.base_model.path
        folder = export_gguf(path, MODEL_CACHE_DIR / "smollm2-135m-instruct-hf")
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        self._texts = [_chat_text(self._tokenizer, prompt, tokenize=False) for prompt in prompts]
        self._penalty = settings.models.sampling.repetition_penalty

    def run(self, clients: int) -> Measured:
        texts = self._texts[: STATIC_REQUESTS[clients]]
        num_tokens = 0
        start = time.perf_counter()
        for first in range(0, len(texts), clients):
            batch = self._tokenizer(
                texts[first : first + clients], return_tensors="pt", padding=True
            )
            output = self._model.generate(
                **batch,
                max_new_tokens=MAX_TOKENS,
                do_sample=False,
                repetition_penalty=self._penalty,
            )
            new = output[:, batch["input_ids"].shape[1] :]
            num_tokens += int((new != self._tokenizer.pad_token_id).sum())
        seconds = time.perf_counter() - start
        return Measured(
            what="transformers static batch",
            clients=clients,
            num_requests=len(texts),
            num_tokens=num_tokens,
            seconds=seconds,
            mean_latency_ms=seconds / (len(texts) / clients) * 1_000,
            mean_retrieval_ms=0,
        )


def _chat_text(tokenizer: Any, prompt: Prompt, **options: Any) -> str:
    turns = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.user},
    ]
    text: str = tokenizer.apply_chat_template(turns, add_generation_prompt=True, **options)
    return text + prompt.reply_start


def _targets(rows: list[dict[str, Any]]) -> list[Target]:
    def median(what: str, clients: int, key: str) -> float:
        found = [row[key] for row in rows if (row["what"], row["clients"]) == (what, clients)]
        return float(statistics.median(found))

    added = (
        median("http", 1, "mean_latency_ms")
        - median("bare engine", 1, "mean_latency_ms")
        - median("http", 1, "mean_retrieval_ms")
    )
    speeds = {
        what: median(what, 32, "tokens_per_second")
        for what in ("http", "bare engine", "transformers static batch")
    }
    static = speeds["http"] / speeds["transformers static batch"]
    return [
        Target("HTTP / bare engine at 32", speeds["http"] / speeds["bare engine"], 0.85, "x"),
        Target("added time a request at 1", added, 40, "ms", at_least=False),
        Target("HTTP / transformers static batch at 32", static, 1, "x"),
    ]
