import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

import maskwright as mw
from maskwright.data.images import read_image
from maskwright.errors import MaskwrightError
from maskwright.models.saving import change_metadata


@pytest.fixture
def run(trained_run):
    return trained_run


def test_masks_overlays_and_probabilities(run, dataset, quiet, tmp_path):
    found = mw.predict(
        run, dataset / "images", output=tmp_path / "out", overrides=["predict.probabilities=true"], reporter=quiet
    )
    assert len(found.masks) == 24 and not found.failed
    for path in found.masks:
        assert set(np.unique(read_image(path))) <= {0, 255}
    levels = read_image(tmp_path / "out" / "probabilities" / "P00-0.png")
    assert levels.dtype == np.uint16
    assert np.array_equal(levels >= 32767.5, read_image(tmp_path / "out" / "P00-0.png") == 255)
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 24
    assert json.loads((tmp_path / "out" / "predictions.json").read_text(encoding="utf-8"))["failed"] == []


def test_any_size_and_kind_comes_back_at_its_own_size(run, quiet, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "mixed"
    folder.mkdir()
    sizes = {"a.jpg": (50, 33), "b.PNG": (7, 200), "c.tif": (64, 64), "d.bmp": (31, 32)}
    for name, size in sizes.items():
        Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(folder / name)
    cv2.imwrite(str(folder / "e.png"), rng.integers(0, 4095, (40, 60)).astype(np.uint16))
    cv2.imwrite(str(folder / "f.tif"), rng.random((40, 60)).astype(np.float32))
    Image.fromarray(rng.integers(0, 255, (20, 30, 4), np.uint8)).save(folder / "g.png")
    sizes |= {"e.png": (40, 60), "f.tif": (40, 60), "g.png": (20, 30)}
    for tiled in (False, True):
        found = mw.predict(run, folder, output=tmp_path / f"out{tiled}", tiled=tiled, reporter=quiet)
        assert {path.stem: read_image(path).shape for path in found.masks} == {
            n.split(".")[0]: s for n, s in sizes.items()
        }


def test_the_depth_of_a_file_makes_no_difference(run, dataset, quiet, tmp_path):
    (tmp_path / "deep").mkdir()
    for path in (dataset / "images").iterdir():
        cv2.imwrite(str(tmp_path / "deep" / path.name), read_image(path).astype(np.uint16) * 257)
    for name, folder in (("a", dataset / "images"), ("b", tmp_path / "deep")):
        mw.predict(run, folder, output=tmp_path / name, reporter=quiet)
    found = [[read_image(path) for path in sorted((tmp_path / name).glob("*.png"))] for name in "ab"]
    assert any(mask.any() for mask in found[0])
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_what_is_written_stays_in_the_folders_that_were_given(run, dataset, quiet, tmp_path):
    wanted = ["probabilities=true", "class_colors=true", f"class_colors_dir={tmp_path / 'hues'}", "colorize=true"]
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    mw.predict(
        run, dataset / "images", output=tmp_path / "out", overrides=[f"predict.{one}" for one in wanted], reporter=quiet
    )
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    folders = {"out": 25, "out/overlays": 24, "out/probabilities": 24, "hues": 24}
    assert {path.parent for path in new} == {tmp_path / name for name in folders}
    assert {name: sum(path.parent == tmp_path / name for path in new) for name in folders} == folders


def test_the_readable_ones_are_predicted_and_the_others_told(run, dataset, quiet, tmp_path):
    (dataset / "images" / "P00-0.png").write_bytes(b"no picture")
    found = mw.predict(run, dataset / "images", output=tmp_path / "out", reporter=quiet)
    assert len(found.masks) == 23 and [name.endswith("P00-0.png") for name in found.failed] == [True]
    with pytest.raises(MaskwrightError, match="none of 1 images"):
        mw.predict(run, dataset / "images" / "P00-0.png", output=tmp_path / "other", reporter=quiet)


def test_batches_and_single_images_agree(run, dataset, quiet, tmp_path):
    for size in (1, 5):
        mw.predict(
            run,
            dataset / "images",
            output=tmp_path / str(size),
            overrides=[f"predict.batch_size={size}"],
            reporter=quiet,
        )
    for path in (tmp_path / "1").glob("*.png"):
        assert np.array_equal(read_image(path), read_image(tmp_path / "5" / path.name))


def test_a_model_file_alone_is_enough(run, dataset, quiet, tmp_path):
    mw.predict(run, dataset / "images", output=tmp_path / "a", reporter=quiet)
    mw.predict(
        run.model_file,
        dataset / "images",
        output=tmp_path / "b",
        overrides=["predict.precision=float32"],
        reporter=quiet,
    )
    for path in (tmp_path / "a").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_what_is_there_is_kept_and_what_is_not_ours_is_left_alone(run, dataset, quiet, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "P00-0.png").write_bytes(b"mine")
    with pytest.raises(MaskwrightError, match="did not write it"):
        mw.predict(run, dataset / "images", output=out, reporter=quiet)
    assert (out / "P00-0.png").read_bytes() == b"mine"
    mw.predict(run, dataset / "images", output=tmp_path / "ours", reporter=quiet)
    mw.predict(run, dataset / "images", output=tmp_path / "ours", reporter=quiet)
    assert len(list(tmp_path.glob("ours_*/P00-0.png"))) == 1


def test_evaluation_agrees_with_scoring_the_predictions(run, dataset, quiet, tmp_path, capsys):
    from maskwright.cli import main

    summary = mw.evaluate(run, split="test", reporter=quiet).summary
    assert summary["per_image"]["dice"]["mean"] > 0.3 and not summary["warnings"]
    names = [line.split(",")[0] for line in (run.path / "per_image.csv").read_text(encoding="utf-8").splitlines()[1:]]
    mw.predict(run, [dataset / "images" / f"{name}.png" for name in names], output=tmp_path / "out", reporter=quiet)
    truth = tmp_path / "truth"
    truth.mkdir()
    for name in names:
        (truth / f"{name}.png").write_bytes((dataset / "masks" / f"{name}.png").read_bytes())
    assert main(["score", str(tmp_path / "out"), str(truth), "--patient-pattern", r"P(\d+)", "--json", "--quiet"]) == 0
    scored = json.loads(capsys.readouterr().out)
    for group in ("per_image", "per_patient"):
        for key in ("mean", "std", "median", "min", "max", "n"):
            assert scored[group]["dice"][key] == pytest.approx(summary[group]["dice"][key])


def test_a_copy_of_a_training_image_in_the_test_set_is_told(run, config_file, dataset, quiet, tmp_path):
    trained = json.loads((run.path / "training_images.json").read_text(encoding="utf-8"))[0]["name"]
    for kind in ("images", "masks"):
        (tmp_path / "t" / kind).mkdir(parents=True)
        for name, target in ((trained, "P90-0"), ("P07-0", "P91-0")):
            picture = Image.open(dataset / kind / f"{name}.png")
            picture.save(tmp_path / "t" / kind / f"{target}.{'jpg' if kind == 'images' else 'png'}", quality=95)
    text = config_file.read_text(encoding="utf-8").replace('images = "dataset/images"\nmasks = "dataset/masks"\n', "")
    config_file.write_text(text, encoding="utf-8")
    folders = [f"data.test.{kind}={tmp_path / 't' / kind}" for kind in ("images", "masks")]
    warnings = mw.evaluate(config_file, run_dir=run.path, overrides=folders, reporter=quiet).warnings
    assert any(f"P90-0 = {trained}" in warning for warning in warnings)


@pytest.mark.parametrize("key", ["predict.class_colors_dir", "output", "predict.images_dir as output_dir"])
def test_originals_are_never_written_over_whoever_names_the_place(run, dataset, quiet, tmp_path, key):
    """By an option, by a key, and by the keys of a stranger's run folder."""
    images = tmp_path / "mine"
    shutil.copytree(dataset / "images", images)
    before = {path.name: path.read_bytes() for path in images.iterdir()}
    ways = {
        "predict.class_colors_dir": {"output": tmp_path / "out", "overrides": [f"predict.class_colors_dir={images}"]},
        "output": {"output": images},
        "predict.images_dir as output_dir": {"overrides": [f"predict.output_dir={images}"]},
    }[key]
    ways["overrides"] = [*ways.get("overrides", []), "predict.class_colors=true"]
    with pytest.raises(MaskwrightError, match=r"among the files|is, holds or lies in|holds .* already"):
        mw.predict(run, images, reporter=quiet, **ways)
    assert {path.name: path.read_bytes() for path in images.iterdir()} == before


def test_what_lies_in_a_folder_of_overlays_already_is_left_alone(run, dataset, quiet, tmp_path):
    mine = tmp_path / "out" / "overlays" / "P00-0.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(MaskwrightError, match=r"holds P00-0\.png already"):
        mw.predict(run, dataset / "images", output=tmp_path / "out", reporter=quiet)
    assert mine.read_bytes() == b"mine"


def test_a_model_file_names_no_place(run, dataset, quiet, tmp_path):
    alone = shutil.copyfile(run.model_file, tmp_path / "alone.keras")
    change_metadata(
        alone, predict={"threshold": 0.4, "class_colors": True, "class_colors_dir": str(tmp_path / "elsewhere")}
    )
    mw.predict(alone, dataset / "images", output=tmp_path / "out", reporter=quiet)
    assert not (tmp_path / "elsewhere").exists()
