import json

import pytest

from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.study import combinations, slug


def test_combinations():
    found = combinations(["model.name=unet,segformer", "train.seed=0,1", "model.base_kernels=[3, 3],(5,5)"])
    assert len(found) == 8 and found[1] == {"model.name": "unet", "train.seed": "0", "model.base_kernels": "(5,5)"}
    assert slug(found[1]) == "name=unet,seed=0,base_kernels=_5,5_"
    for bad in ("name=unet", "model.name", "model.name=unet,"):
        with pytest.raises(MaskwrightError, match="is not of the form"):
            combinations([bad])


@pytest.mark.slow
def test_a_run_for_each_goes_on_where_it_was_stopped_and_seeds_are_one_row(config_file, tmp_path, capsys):
    words = ["train", str(config_file), "--run", str(tmp_path / "study"), "--set", "train.epochs=1", "--set", "model.num_layers=1",
             "--each", "model.base_filters=4,8", "--each", "train.seed=0,1", "--json"]  # fmt: skip
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["settings"] for run in found["runs"]][1] == {"model.base_filters": "4", "train.seed": "1"}
    assert [row["run"] for row in found["table"]] == ["base_filters=4", "base_filters=8"]
    assert found["table"][1]["versus_first"]["n"] == found["table"][0]["n"] > 0
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "study").glob("*/model.keras")}
    assert len(times) == 4
    assert main(words[:-1]) == 0
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "study").glob("*/model.keras")}
    assert "base_filters=8" in capsys.readouterr().out
    assert main(["train", str(config_file), "--each", "model.base_filter=1,2"]) == 2
    assert main(["train", str(config_file), "--each", "model.base_filters=4", "--fold", "0"]) == 2
