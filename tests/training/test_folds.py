"""Cross-validation from the command line: train, out-of-fold scores, an ensemble."""

import csv
import json

import maskwright as mw
from maskwright.cli import main


def test_train_all_folds_score_out_of_fold_and_predict_with_all(config_file, tmp_path, capsys):
    base = ["--set", "data.folds=2", "--set", "train.epochs=1"]
    assert main(["train", str(config_file), "--run", str(tmp_path / "cv"), "--fold", "0", *base, "--quiet"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "cv"), "--json"]) == 0
    captured = capsys.readouterr()
    assert "1 of 2 folds are not trained yet" in captured.err
    assert (
        main(["train", str(config_file), "--run", str(tmp_path / "cv"), "--fold", "all", "--resume", *base, "--json"])
        == 0
    )
    assert len(json.loads(capsys.readouterr().out)["folds"]) == 2
    assert main(["evaluate", str(tmp_path / "cv"), "--json", "--quiet"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["folds"] == 2 and summary["split"] == "valid" and len(summary["leak"]) == 2
    with (tmp_path / "cv" / "per_patient.csv").open(encoding="utf-8") as file:
        patients = [row["patient"] for row in csv.DictReader(file)]
    config = mw.load_config(config_file).config
    from maskwright.data.splits import collect

    splits = collect(config.data)
    expected = {pair.patient for part in ("train", "valid") for pair in splits[part]}
    assert sorted(patients) == sorted(expected) and summary["patients"] == len(expected)
    assert main(["evaluate", str(tmp_path / "cv"), "--split", "test", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == len(splits["test"])
    for split, words in (("test", "test part"), ("valid", "2 folds, each on the patients that it did not train on")):
        assert main(["evaluate", str(tmp_path / "cv"), "--split", split, "--quiet"]) == 0
        assert main(["report", str(tmp_path / "cv"), "--quiet"]) == 0
        text = (tmp_path / "cv" / "report.html").read_text(encoding="utf-8")
        shown = {
            pair.patient for part in (["test"] if split == "test" else ["train", "valid"]) for pair in splits[part]
        }
        assert words in text and all(f'data-patient="{patient}"' in text for patient in shown)
    capsys.readouterr()
    images = [str(pair.image) for pair in splits["test"]]
    assert main(["predict", str(tmp_path / "cv"), *images, "--output", str(tmp_path / "out"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["masks"]) == len(images)


def test_a_fold_that_is_none(config_file, tmp_path, capsys):
    for fold, words in (("7", "is 7, and there are 5 folds, 0 to 4"), ("two", "is no fold: 'two'")):
        assert main(["train", str(config_file), "--run", str(tmp_path / "cv"), "--fold", fold]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "cv").exists()
