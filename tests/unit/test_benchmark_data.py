"""A benchmark says at once which data sets it lacks."""

from pathlib import Path

import pytest

from benchmarks.data import require_data


def test_the_folder_is_given_where_it_holds_what_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scifact").mkdir()
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert require_data("scifact") == tmp_path


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("", "BENCH_DATA is not set. ", id="not-set"),
        pytest.param(
            "/nowhere", "BENCH_DATA has value '/nowhere', which lacks b. ", id="elsewhere"
        ),
    ],
)
def test_without_the_data_the_program_ends_and_says_what_to_set(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_DATA", value)
    with pytest.raises(SystemExit) as ended:
        require_data("b")
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{said}Set it to the folder that holds b/.\n"
