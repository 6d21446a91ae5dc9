"""What vLLM would serve wrongly is refused before it is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from followup.backends.engines.vllm_lora import check_servable
from followup.errors import PartUnavailableError

PLAIN = {"r": 8, "lora_alpha": 16, "bias": "none", "rank_pattern": {}, "modules_to_save": None}


def adapter(folder: Path, **changes: Any) -> Path:
    (folder / "adapter_config.json").write_text(json.dumps({**PLAIN, **changes}))
    return folder


def test_a_plain_adapter_is_served(tmp_path: Path) -> None:
    check_servable("acme@0123456789ab", adapter(tmp_path, use_rslora=True), 8)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rank_pattern": {"q_proj": 2}}, "'rank_pattern', which vLLM does not read"),
        ({"alpha_pattern": {"q_proj": 2}}, "'alpha_pattern'"),
        ({"modules_to_save": ["norm"]}, "'modules_to_save'"),
        ({"use_dora": True}, "'use_dora'"),
        ({"bias": "all"}, "has biases"),
        ({"r": 16}, "rank 16; vLLM was started for 8. Raise max_rank"),
    ],
)
def test_what_vllm_does_not_read_is_refused_and_named(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(PartUnavailableError, match=said):
        check_servable("acme@0123456789ab", adapter(tmp_path, **changes), 8)
