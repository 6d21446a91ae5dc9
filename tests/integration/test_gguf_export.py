"""A GGUF file becomes a Hugging Face folder once, whole or not at all."""

import json
from pathlib import Path

import openvino_genai as genai
import pytest
from transformers import AutoTokenizer

from followup.backends import gguf_export
from followup.backends.gguf_export import export_gguf, model_folder
from followup.errors import SettingError
from tests.integration.models import MODEL_CACHE_DIR

GGUF_FILE = MODEL_CACHE_DIR / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q8_0.gguf"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not GGUF_FILE.is_file():
        pytest.fail(f"'{GGUF_FILE}' is missing. Run: lead-assistant models pull", pytrace=False)
    return export_gguf(GGUF_FILE, tmp_path_factory.mktemp("export") / "nested" / "model")


def test_the_folder_holds_a_whole_unquantised_model(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["dtype"] == "float32"
    assert "quantization_config" not in config
    generation = json.loads((folder / "generation_config.json").read_text())
    assert generation["eos_token_id"] == 2
    assert (folder / "model.safetensors").stat().st_size > 500_000_000
    assert "<|im_start|>" in AutoTokenizer.from_pretrained(folder).chat_template
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_an_exported_model_is_not_exported_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(gguf_export, "_export")
    assert export_gguf(GGUF_FILE, folder) == folder
    assert model_folder(folder) == folder


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("costs $299.99 a month, 15-20 hours", id="numbers"),
        pytest.param("    - 1.8 and   24", id="several spaces before a digit"),
        pytest.param("<|im_start|>user\nhi<|im_end|>\n", id="chat markers"),
        pytest.param("naïve café 😀 日本語\n\n\ttab", id="beyond ASCII"),
    ],
)
def test_the_tokenizer_gives_what_openvino_reads_from_the_file(folder: Path, text: str) -> None:
    exported = AutoTokenizer.from_pretrained(folder).encode(text, add_special_tokens=False)
    read = openvino_tokenizer().encode(text, add_special_tokens=False).input_ids.data[0]
    assert exported == read.tolist()


def openvino_tokenizer() -> genai.Tokenizer:
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = 1
    return genai.ContinuousBatchingPipeline(
        str(GGUF_FILE), scheduler, "CPU", {}, {}
    ).get_tokenizer()


def test_an_export_that_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(gguf_file: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gguf_export, "_export", full_disk)
    with pytest.raises(OSError, match="No space left"):
        export_gguf(GGUF_FILE, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_of_two_exports_at_once_the_first_to_finish_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second_export(gguf_file: Path, folder: Path) -> None:
        (folder / "config.json").write_text("second")
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "config.json").write_text("first")

    monkeypatch.setattr(gguf_export, "_export", second_export)
    assert (export_gguf(GGUF_FILE, tmp_path / "model") / "config.json").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_missing_file_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"base\.gguf' does not exist.*models pull"):
        model_folder(tmp_path / "base.gguf")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="neither a GGUF file nor a Hugging Face model folder"):
        model_folder(tmp_path)
