"""The notebook of examples/, run in a kernel of its own from the first cell to the last."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


@pytest.mark.slow
def test_every_cell_runs_and_shows_what_it_says(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {
        index: "".join(
            "".join(one.get("data", {}).get("text/html", "")) + "".join(one.get("data", {}).get("text/plain", ""))
            for one in cell.get("outputs", [])
        )
        for index, cell in enumerate(book.cells)
        if cell.cell_type == "code"
    }
    said = "".join(
        one.get("text", "") for cell in book.cells for one in cell.get("outputs", []) if one.output_type == "stream"
    )
    assert "chosen:" in shown[4] and "train.loss = dice_ce_loss" in shown[4]
    assert shown[6].count("<img") >= 4, "curves while it learns, and those of the run"
    assert "Dice per patient" in shown[8]
    assert "<img" in shown[10] and "<table>" in shown[10] and "pixels" in shown[10]
    assert "(8, 96, 96, 1)" in shown[13] and "<Feed of" in shown[13]
    assert "WARNING" not in said and "oneDNN" not in said and "tf.function" not in said
