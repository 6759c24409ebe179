"""Commands that are killed at random moments and called again: the same files, and what was done is not done again."""

import os
import shutil

import pytest
from kills import Killer, contents, halves, write_balls

from conftest import CONFIG, write_dataset
from maskwright.inference.journal import NAME as JOURNAL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork servers of POSIX"),
]
OFTEN = int(os.environ.get("KILLS", "3"))
TIMES = ("environment.json", "history.csv", "train_losses.png", "train_metrics.png", "last.npz")  # say when or how fast


def go_through(killer, words, made, keeps):
    """Kill a command again and again, then let it end.

    Args:
        words: of the command, given a folder. made: its folder. keeps: the files of it that are whole once they are
            there: none of them is written twice.
    """
    seconds = killer.run(words(made.with_name("whole")))
    known, done, ended = {}, 0, False
    while done < OFTEN and not ended:
        ended = not killer.interrupt(words(made), seconds)
        done += not ended
        assert not halves(made)
        if ended and not done:  # done before it was killed: once more from the beginning, and sooner
            shutil.rmtree(made)
            seconds, ended = 0.6 * seconds, False
            continue
        now = {path: path.stat().st_mtime_ns for path in keeps(made)}
        assert known.items() <= now.items()
        known = now
    if not ended:
        killer.run(words(made))
    assert known.items() <= {path: path.stat().st_mtime_ns for path in keeps(made)}.items()
    return done


def finished(folder):
    """Masks that the journal of a prediction says are done; all of them once it is over."""
    journal = folder / JOURNAL
    if (folder / "predictions.json").exists() and not journal.exists():
        return list(folder.glob("P*.*"))
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    whole = [line for line in lines if '"done"' in line and line.endswith("}")]
    return [path for path in folder.glob("P*.*") if any(f'"{path.name.split(".")[0]}"' in line for line in whole)]


@pytest.mark.parametrize("kind", ["pictures", "scans"])
def test_predict(kind, trained_once, tmp_path):
    if kind == "pictures":
        for copy in range(5):
            for path in (trained_once.parent / "dataset" / "images").iterdir():
                (tmp_path / "images").mkdir(exist_ok=True)
                shutil.copy(path, tmp_path / "images" / f"{path.stem}-{copy}.png")
    else:
        write_balls(tmp_path, 12)
    source = tmp_path / ("images" if kind == "pictures" else "scans")
    killer = Killer(seed=OFTEN)

    def words(folder):
        more = [] if kind == "pictures" else ["--set", "predict.window=abdomen"]
        return ["predict", str(trained_once), str(source), "--output", str(folder), *more]

    done = go_through(killer, words, tmp_path / "killed", finished)
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert done and killed == whole and len(whole) > 12 and JOURNAL not in whole


def test_prepare(tmp_path):
    write_balls(tmp_path, 12, (16, 64, 64))
    killer = Killer(seed=OFTEN)

    def words(folder):
        return ["prepare", str(tmp_path / "scans"), "--labels", str(tmp_path / "labels"), "--output", str(folder),
                "--set", "prepare.structures.ball=[1]", "--set", "prepare.workers=2"]  # fmt: skip

    done = go_through(killer, words, tmp_path / "killed", lambda folder: sorted(folder.glob("geometry/*.json")))
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert done and killed.keys() == whole.keys()
    assert {name for name in whole if whole[name] != killed[name]} <= {"config.toml"}  # which names its folder


def test_a_run_for_each_setting(tmp_path):
    write_dataset(tmp_path / "dataset")
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    killer = Killer(seed=OFTEN)

    def words(folder):
        return ["train", str(tmp_path / "config.toml"), "--run", str(folder), "--set", "model.num_layers=1",
                "--each", "train.seed=0,1,2"]  # fmt: skip

    def trained(folder):
        """The models of runs that were evaluated, which comes after their last epoch."""
        return [one.with_name("model.keras") for one in folder.glob("*/evaluation.json")]

    done = go_through(killer, words, tmp_path / "killed", trained)
    scores = [
        {name: data for name, data in contents(tmp_path / folder, TIMES).items() if name.endswith("per_image.csv")}
        for folder in ("whole", "killed")
    ]
    assert done and len(scores[0]) == 3 and scores[0] == scores[1]
