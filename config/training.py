"""`config/training.yaml`: how conversations become training data, and how an adapter is trained."""

from typing import Any, Literal

from pydantic import Field, model_validator

from config.reading import Strict
from followup.rules import Rule

Precision = Literal["auto", "float32", "bfloat16"]


class ScrubPolicy(Strict):
    """What counts as personal data in a conversation, and what becomes of it.

    In a history it is replaced by words ("a phone number"); a sentence of a reply that holds any is
    left out, because an adapter would learn to write it.
    """

    emails: bool = Field(default=True, description="E-mail addresses.")
    phones: bool = Field(default=True, description="Phone numbers, as libphonenumber finds them.")
    phone_regions: tuple[str, ...] = Field(
        default=("US", "GB", "DE", "FR", "IN", "AU"),
        description="Countries (ISO 3166) whose numbers are found without a leading +.",
    )
    cards: bool = Field(default=True, description="Payment card numbers with a valid check digit.")
    ibans: bool = Field(default=True, description="Account numbers (IBAN) with valid check digits.")
    names: tuple[str, ...] = Field(
        default=(), description="Names that are replaced by 'a colleague', in any case."
    )
    titled_names: bool = Field(
        default=True, description="Whether 'Mr Smith' and the like become 'a colleague' too."
    )
    lead_names: Literal["keep", "replace"] = Field(
        default="replace", description="Whether a lead's own name gives way to one of the pool."
    )
    name_pool: tuple[str, ...] = Field(min_length=1, description="Names that stand in for leads'.")
    allowed: tuple[str, ...] = Field(
        default=(), description="The company's own addresses and numbers, which stay."
    )


class PrepareSettings(Strict):
    """How rows are checked, cleaned and split."""

    min_rows: int = Field(default=50, ge=3, description="Good rows below which nothing is written.")
    advised_rows: int = Field(default=1_000, ge=1, description="Good rows below which it warns.")
    validation_share: float = Field(default=0.1, gt=0, lt=0.5, description="Share of the leads.")
    test_share: float = Field(default=0.1, gt=0, lt=0.5, description="Share of the leads.")
    seed: int = Field(default=20, ge=0, description="Seed of the split.")
    near_duplicate_from: float = Field(
        default=0.85,
        gt=0,
        le=1,
        description="Share of word triples in common (Jaccard) from which two rows are one.",
    )
    drop_for_rules: tuple[Rule, ...] = Field(
        description="Message rules whose breach keeps a reply out; all breaches are reported."
    )
    company_name: str = Field(default="", description="Company of rows that name none.")
    scrub: ScrubPolicy = Field(description="Personal data.")


class LoraSettings(Strict):
    """The adapter's size and place."""

    rank: int = Field(default=8, ge=1, le=512, description="Rank of the update matrices.")
    alpha: int = Field(default=16, ge=1, description="Scale of the update: alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the update.")
    target_modules: tuple[str, ...] | Literal["all-linear"] = Field(
        default="all-linear", description="Names of the layers that are adapted."
    )
    saved_as: Literal["float32", "float16", "bfloat16"] = Field(
        default="float32", description="Number format of the finished adapter's file."
    )


class FinetuneSettings(Strict):
    """How an adapter is trained."""

    lora: LoraSettings = LoraSettings()
    learning_rate: float = Field(default=5e-4, gt=0, description="Highest learning rate.")
    warmup_share: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps.")
    weight_decay: float = Field(default=0.0, ge=0, description="Of AdamW.")
    num_epochs: int = Field(default=3, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(
        default=16, ge=1, description="Rows of an optimiser step, of all workers together."
    )
    rows_per_pass: int = Field(
        default=4, ge=1, description="Rows that a worker computes at once; the rest accumulates."
    )
    max_tokens: int = Field(
        default=2_048, ge=64, description="Rows with more tokens are left out, never cut."
    )
    evaluate_every: int = Field(default=10, ge=1, description="Steps between validations.")
    max_validation_rows: int = Field(
        default=200, ge=1, description="Validation rows that are looked at each time, the first."
    )
    patience: int = Field(
        default=3, ge=1, description="Validations without a lower loss after which it stops."
    )
    precision: Precision = Field(
        default="auto", description="Of the frozen base model; auto: bfloat16 where it is faster."
    )
    gradient_checkpointing: bool = Field(
        default=False, description="Compute activations twice instead of keeping them."
    )
    seed: int = Field(default=20, ge=0, description="Seed of weights and order.")
    max_worker_failures: int = Field(
        default=3, ge=0, description="Failed worker groups that are replaced before giving up."
    )
    fsdp: dict[str, Any] | None = Field(
        default=None, description="The transformers Trainer's fsdp_config; given, FSDP shards."
    )
    deepspeed: dict[str, Any] | None = Field(
        default=None, description="A DeepSpeed configuration; the package deepspeed must be there."
    )

    @model_validator(mode="after")
    def _one_sharding(self) -> "FinetuneSettings":
        if self.fsdp is not None and self.deepspeed is not None:
            message = "fsdp and deepspeed are both set; only one of them can shard the model"
            raise ValueError(message)
        return self


class EvaluateSettings(Strict):
    """How an adapter is measured."""

    max_rows: int = Field(default=200, ge=1, description="Test rows that are generated for.")
    max_new_tokens: int = Field(default=150, ge=16, le=512, description="Length of a reply.")
    num_resamples: int = Field(default=1_000, ge=100, description="Bootstrap resamples.")
    num_samples: int = Field(default=10, ge=0, description="Replies shown side by side.")
    seed: int = Field(default=20, ge=0, description="Seed of the bootstrap.")


class TrainingSettings(Strict):
    """The whole file."""

    prepare: PrepareSettings = Field(description="train prepare.")
    finetune: FinetuneSettings = Field(default=FinetuneSettings(), description="train finetune.")
    evaluate: EvaluateSettings = Field(default=EvaluateSettings(), description="train evaluate.")
