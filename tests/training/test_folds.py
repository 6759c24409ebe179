"""Cross-validation from the command line: train, out-of-fold scores, an ensemble."""

import csv
import json

import maskwright as mw
from maskwright.cli import main


def test_train_all_folds_score_out_of_fold_and_predict_with_all(config_file, tmp_path, capsys):
    base = ["--set", "data.folds=2", "--set", "train.epochs=1", "--set", "model.num_layers=1"]
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
    told = {}
    for split, asked in (("test", ["--split", "test"]), ("valid", [])):
        assert main(["evaluate", str(tmp_path / "cv"), *asked, "--json", "--quiet"]) == 0
        told[split] = json.loads(capsys.readouterr().out)
        assert main(["report", str(tmp_path / "cv"), "--quiet"]) == 0
        told[split]["report"] = (tmp_path / "cv" / "report.html").read_text(encoding="utf-8")
        capsys.readouterr()
    summary = told["valid"]
    assert summary["folds"] == 2 and summary["split"] == "valid" and len(summary["leak"]) == 2
    with (tmp_path / "cv" / "per_patient.csv").open(encoding="utf-8") as file:
        patients = [row["patient"] for row in csv.DictReader(file)]
    config = mw.load_config(config_file).config
    from maskwright.data.splits import collect

    splits = collect(config.data)
    expected = {pair.patient for part in ("train", "valid") for pair in splits[part]}
    assert sorted(patients) == sorted(expected) and summary["patients"] == len(expected)
    assert told["test"]["images"] == len(splits["test"])
    for split, shown, words in (
        ("test", {pair.patient for pair in splits["test"]}, "test part"),
        ("valid", expected, "2 folds, each on the patients that it did not train on"),
    ):
        text = told[split]["report"]
        assert words in text and all(f'data-patient="{patient}"' in text for patient in shown)
    images = [str(pair.image) for pair in splits["test"]]
    assert main(["predict", str(tmp_path / "cv"), *images, "--output", str(tmp_path / "out"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["masks"]) == len(images)


def test_a_fold_that_is_none(config_file, tmp_path, capsys):
    for fold, words in (("7", "is 7, and there are 5 folds, 0 to 4"), ("two", "is no fold: 'two'")):
        assert main(["train", str(config_file), "--run", str(tmp_path / "cv"), "--fold", fold]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "cv").exists()
