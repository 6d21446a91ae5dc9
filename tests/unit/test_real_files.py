"""Files that other programs made: a spreadsheet, Word, Google Docs."""

from pathlib import Path

import pytest

from config.ingestion import IngestionSettings
from ingestion.document import Block, Document, Paragraph, Table
from ingestion.readers import parse_document
from ingestion.rejects import Reject, RejectCode

FILES = Path(__file__).parents[1] / "data" / "parser_files"


def blocks(name: str) -> list[Block]:
    document = parse_document(name, (FILES / name).read_bytes(), IngestionSettings())
    assert isinstance(document, Document), document
    return [block for section in document.sections for block in section.blocks]


def test_a_spreadsheet_printed_as_pdf_is_one_table() -> None:
    (table,) = blocks("nvidia_table_test.pdf")
    assert isinstance(table, Table)
    assert table.header == ("Year", "Bill", "Amy", "James", "Ted", "Susan")
    assert table.rows[0] == ("2023", "919", "656", "539", "870", "970")


def test_the_boxes_that_word_draws_inside_cells_make_no_columns() -> None:
    animals, cars = [
        block for block in blocks("nvidia_multimodal_test.pdf") if isinstance(block, Table)
    ]
    assert animals.header == ("Animal", "Activity", "Place")
    assert animals.rows[1] == ("Lion", "Putting on sunscreen", "At the park")
    assert cars.header == ("Car", "Color1", "Color2", "Color3")


def test_white_boxes_behind_lines_of_text_are_no_table() -> None:
    found = blocks("hayhooks_recipe.pdf")
    assert not any(isinstance(block, Table) for block in found)
    texts = [block.text for block in found if isinstance(block, Paragraph)]
    assert any("Preheat the oven to 400 degrees fahrenheit. Rinse the" in text for text in texts)


def test_a_small_word_file_gives_its_text() -> None:
    assert [getattr(block, "text") for block in blocks("tkeir_converter_test.docx")] == [  # noqa: B009
        "This is a raw test"
    ]


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_every_file_passes_or_is_refused_for_its_format(path: Path) -> None:
    found = parse_document(path.name, path.read_bytes(), IngestionSettings())
    if path.name.startswith("LICENSE."):
        assert isinstance(found, Reject)
        assert found.code is RejectCode.UNKNOWN_FORMAT
    else:
        assert isinstance(found, Document)
        assert found.flags == ()
