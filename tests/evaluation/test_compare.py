import json

import numpy as np
import pytest
from scipy import stats

from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.evaluation.compare import as_text, compare, paired, read_patients
from maskwright.evaluation.files import write_rows


def patients(seed, count=20, shift=0.0):
    values = np.random.default_rng(seed).uniform(0.5, 0.9, count)
    return {f"p{number:02d}": {"a": float(value + shift)} for number, value in enumerate(values)}


def test_differences_are_paired_and_agree_with_scipy():
    one, other = patients(0), patients(0, shift=0.02) | {"p00": {"a": 0.4}}
    found = paired(other, one)
    differences = [other[name]["a"] - one[name]["a"] for name in one]
    assert found["difference"] == pytest.approx(np.mean(differences)) and found["n"] == 20
    assert found["p"] == pytest.approx(stats.wilcoxon([other[n]["a"] for n in one], [one[n]["a"] for n in one]).pvalue)
    theirs = stats.bootstrap((np.array(differences),), np.mean, method="percentile", n_resamples=4000, rng=0)
    assert found["ci95"] == pytest.approx(list(theirs.confidence_interval), abs=0.004)


def test_only_shared_patients_count():
    rows = compare({"a": patients(0), "b": {name: value for name, value in patients(0).items() if name > "p04"}})
    assert rows[1]["versus_first"]["n"] == 15 and rows[1]["versus_first"]["difference"] == 0
    assert rows[1]["versus_first"]["p"] == 1 and rows[1]["n"] == 15 and "versus_first" not in rows[0]
    few = paired({"x": {"a": 0.5}}, {"x": {"a": 0.4}, "y": {"a": float("nan")}})
    assert few["n"] == 1 and few["ci95"] is None and paired({"x": {"a": 1.0}}, {"y": {"a": 1.0}})["difference"] is None
    assert "–" in as_text(compare({"a": {"x": {"a": 1.0}}, "b": {"y": {"a": 1.0}}}), "dice")


def test_nobody_wins_by_missing():
    finds = {f"p{n}": {"a": 1.0, "b": 6.0 + n} for n in range(6)}
    never = {patient: {"a": 1.0, "b": float("nan")} for patient in finds}
    rows = compare({"finds": finds, "never": never})
    against = rows[1]["versus_first"]
    assert (against["difference"], against["p"], against["n"]) == (0, 1, 6)
    assert (against["undefined"], against["undefined_first"]) == (6, 0)
    assert (rows[0]["undefined"], rows[1]["undefined"]) == (0, 6)
    assert "6 that only the first defines" in as_text(rows, "hausdorff95").splitlines()[2]


def test_warnings_of_runs_come_along(tmp_path, capsys):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        rows = [{"name": p, "patient": p, "class": "a", "dice": v["a"]} for p, v in patients(1).items()]
        write_rows(tmp_path / name / "per_patient.csv", rows)
    (tmp_path / "two" / "evaluation.json").write_text('{"warnings": ["epoch was chosen on 3 patients"]}')
    runs = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert main(["compare", *runs]) == 0
    assert f"warning: {runs[1]}: epoch was chosen on 3 patients" in capsys.readouterr().out
    assert main(["compare", *runs, "--json"]) == 0
    assert [row["warnings"] for row in json.loads(capsys.readouterr().out)["runs"]] == [
        [],
        ["epoch was chosen on 3 patients"],
    ]


def test_from_the_command_line(tmp_path, capsys):
    for name, shift in (("one", 0.0), ("two", 0.05)):
        (tmp_path / name).mkdir()
        rows = [
            {"name": p, "patient": p, "class": c, "dice": value["a"], "hausdorff": float("nan")}
            for p, value in patients(1, shift=shift).items()
            for c in ("a", "b")
        ]
        write_rows(tmp_path / name / "per_patient.csv", rows)
    runs = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert main(["compare", *runs, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["runs"][1]["versus_first"]
    assert found["difference"] == pytest.approx(0.05, abs=1e-6) and found["p"] < 0.001
    assert main(["compare", *runs]) == 0 and "+0.050 (+0.050 to +0.050)" in capsys.readouterr().out
    assert main(["compare", *runs, "--metric", "dicee"]) == 2 and "Did you mean 'dice'" in capsys.readouterr().err
    assert main(["compare", runs[0]]) == 2
    with pytest.raises(MaskwrightError, match=r"has no per_patient\.csv"):
        read_patients(tmp_path, "dice")
