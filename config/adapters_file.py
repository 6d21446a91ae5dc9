"""`adapters.yaml`: what an adapter must reach to be published, and how many are held."""

from pydantic import Field

from config.reading import Strict
from followup.adapter_gate import GateRules
from followup.backends.settings import AdapterOptions


class AdaptersFile(Strict):
    """`adapters.yaml`."""

    gate: GateRules = Field(description="What an adapter must reach.")
    serving: AdapterOptions = Field(description="How replicas hold adapters.")
