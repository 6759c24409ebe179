"""Pictures that are predicted window by window; `LARGE` is small here, so that every picture is one."""

import json

import cv2
import numpy as np
import pytest
import tifffile

import maskwright as mw
from conftest import CONFIG, draw_pair
from maskwright.cli import main
from maskwright.data import large as pieces_of
from maskwright.data import slides
from maskwright.data.images import read_image
from maskwright.errors import MaskwrightError
from maskwright.inference import large


@pytest.fixture
def small(monkeypatch):
    """From here on every TIFF of more than 3,000 px is large."""
    monkeypatch.setattr(slides, "LARGE", 3000)
    monkeypatch.setattr(pieces_of, "EDGE", 64)
    monkeypatch.setattr(large, "TILE", 32)
    monkeypatch.setattr(large, "_BAND", 999)
    monkeypatch.setattr(large, "_ACROSS", 50)
    slides._opened.cache_clear()
    yield
    slides._opened.cache_clear()


def write_slides(folder, count, size=(150, 117)):
    rng = np.random.default_rng(4)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        cells = [[draw_pair(rng) for _ in range(4)] for _ in range(5)]
        for part, place in (("images", 0), ("masks", 1)):
            array = np.vstack([np.hstack([cell[place] for cell in row]) for row in cells])[: size[0], : size[1]]
            tifffile.imwrite(folder / part / f"S{number}.tif", array, tile=(32, 32), photometric="minisblack",
                             compression="zlib", resolution=(20_000, 20_000), resolutionunit="CENTIMETER")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory, quiet):
    """Large pictures, and a network for patches of them that has learnt something."""
    folder = tmp_path_factory.mktemp("slides")
    write_slides(folder / "dataset", 6)
    text = CONFIG.replace(r"patient_pattern = 'P(\d+)'", 'fit = "patch"\npixel_size = 1.5')
    (folder / "config.toml").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slides, "LARGE", 3000)
        patch.setattr(pieces_of, "EDGE", 64)
        slides._opened.cache_clear()
        sets = ["train.epochs=6", "train.learning_rate=0.01", "train.steps_per_epoch=12"]
        run = mw.train(folder / "config.toml", overrides=sets, run_dir=folder / "run", reporter=quiet)
        slides._opened.cache_clear()
    return run


def test_training_reads_pieces_and_keeps_a_picture_in_one_part(study):
    plain = json.loads((study.path / "plan.json").read_text(encoding="utf-8"))
    assert {case["case"] for case in plain["cases"]} == {f"S{number}" for number in range(6)}
    for case in plain["cases"]:
        seen = np.zeros((150, 117), int)
        for file in case["files"]:
            top, left, height, width = file["window"]
            assert max(height, width) <= 64
            seen[top : top + height, left : left + width] += 1
        assert (seen == 1).all()
    assert study.plan().patients("train") and not set(study.plan().patients("train")) & set(
        study.plan().patients("valid")
    )


def test_the_same_mask_as_of_the_whole_in_tiles(study, small, tmp_path, quiet, monkeypatch):
    images = study.path.parent / "dataset" / "images"
    done = mw.predict(study.path, images, output=tmp_path / "by windows", reporter=quiet)
    assert [path.name for path in done.masks] == [f"S{number}.tif" for number in range(6)]
    monkeypatch.setattr(slides, "LARGE", 1 << 26)
    slides._opened.cache_clear()
    whole = mw.predict(study.path, images, output=tmp_path / "whole", reporter=quiet)
    shares = []
    for one, other in zip(done.masks, whole.masks, strict=True):
        found, expected = read_image(one), read_image(other)
        assert found.shape == expected.shape and set(np.unique(found)) == {0, 255}
        shares.append(np.mean(found != expected))
    assert max(shares) < 0.002
    with tifffile.TiffFile(done.masks[0]) as file:
        page = file.pages[0]
        assert page.is_tiled and page.tilewidth == 32 and page.tags["XResolution"].value == (20_000, 1)
    preview = cv2.imread(str(done.overlays / "S0.jpg"))
    assert preview.shape == (150, 117, 3) and preview.std() > 5


def test_it_finds_what_is_there(study, small, tmp_path, quiet):
    dataset = study.path.parent / "dataset"
    done = mw.predict(study.path, dataset / "images" / "S0.tif", output=tmp_path / "out", reporter=quiet)
    found, truth = read_image(done.masks[0]) > 0, read_image(dataset / "masks" / "S0.tif") > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8


def test_evaluation_resuming_and_what_was_done_is_not_done_again(study, small, tmp_path, quiet, monkeypatch):
    scores = mw.evaluate(study.path, reporter=quiet)
    assert scores.summary["per_patient"]["dice"]["n"] == len(study.plan().patients("test"))
    images = study.path.parent / "dataset" / "images"
    begun, every = [], large.slabs

    def counted(engine, picture, *more):
        begun.append(picture.paths[0].name)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return every(engine, picture, *more)

    monkeypatch.setattr("maskwright.inference.large.slabs", counted)
    with pytest.raises(KeyboardInterrupt):
        mw.predict(study.path, images, output=tmp_path / "out", reporter=quiet)
    done = mw.predict(study.path, images, output=tmp_path / "out", reporter=quiet)
    assert begun == ["S0.tif", "S1.tif", "S2.tif", "S2.tif", "S3.tif", "S4.tif", "S5.tif"] and len(done.masks) == 6


def test_a_damaged_one_is_named_and_the_others_are_done(study, small, tmp_path, quiet):
    write_slides(tmp_path / "some", 2)
    broken = tmp_path / "some" / "images" / "S0.tif"
    with tifffile.TiffFile(broken) as file:
        place = file.pages[0].dataoffsets[3]
    data = bytearray(broken.read_bytes())
    data[place : place + 20] = bytes(20)
    broken.write_bytes(data)
    done = mw.predict(study.path, tmp_path / "some" / "images", output=tmp_path / "out", reporter=quiet)
    assert [path.name for path in done.masks] == ["S1.tif"] and done.failed == [str(broken)]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tif")) == ["S1.tif"]


def test_one_that_cannot_be_read_by_windows_is_named_too(study, small, tmp_path, quiet, monkeypatch):
    write_slides(tmp_path / "some", 2)
    path = tmp_path / "some" / "images" / "S0.tif"
    tifffile.imwrite(path, read_image(path), rowsperstrip=150, compression="zlib", photometric="minisblack")
    monkeypatch.setattr(slides, "_SEGMENT", 5000)
    monkeypatch.setattr(slides, "MAX_PIXELS", 5000)
    done = mw.predict(study.path, tmp_path / "some" / "images", output=tmp_path / "out", reporter=quiet)
    assert [one.name for one in done.masks] == ["S1.tif"] and done.failed == [str(path)]


@pytest.mark.parametrize("change", ["size", "png", "zscore"])
def test_what_cannot_be_cut_into_pieces_says_why(change, small, tmp_path, quiet):
    dataset = write_slides(tmp_path / "dataset", 4)
    (tmp_path / "config.toml").write_text(
        CONFIG.replace(r"patient_pattern = 'P(\d+)'", 'fit = "patch"'), encoding="utf-8"
    )
    mask = dataset / "masks" / "S2.tif"
    array = read_image(mask)
    if change == "size":
        tifffile.imwrite(mask, array[:-1], tile=(32, 32), photometric="minisblack")
    elif change == "png":
        mask.unlink()
        cv2.imwrite(str(mask.with_suffix(".png")), array)
    sets = ["data.intensity=zscore"] if change == "zscore" else []
    words = {"size": "117 x 149 px", "png": "Save the mask as a TIFF", "zscore": 'data.intensity = "unit"'}[change]
    with pytest.raises(MaskwrightError, match=words):
        mw.train(tmp_path / "config.toml", overrides=sets, run_dir=tmp_path / "run", reporter=quiet)


@pytest.mark.parametrize("key", ["probabilities=true", "blur=true", "postprocess.largest=true"])
def test_what_needs_the_whole_is_refused_before_anything_is_written(study, small, tmp_path, quiet, key):
    with pytest.raises(MaskwrightError, match="as a whole"):
        mw.predict(study.path, study.path.parent / "dataset" / "images", output=tmp_path / "out", reporter=quiet,
                   overrides=[f"predict.{key}"])  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("edge", [149, 150, 151, 300, 299])
@pytest.mark.parametrize("size", [100, 99, 150, 75])
def test_a_part_is_read_where_it_lies_in_the_whole(edge, size):
    for low, high in ((0, size), (3, 40), (size - 30, size), (17, 18)):
        (begin, end), (first, last) = large._aligned(low, high, size, edge)
        assert 0 <= begin <= low and high <= end <= size and 0 <= first < last <= edge
        assert abs(begin * edge / size - first) <= 0.5 and abs(end * edge / size - last) <= 0.5


def test_scores_of_folders_of_large_masks(study, small, tmp_path, quiet, monkeypatch, capsys):
    """Over all pieces of a slide together they are those of the slide."""
    dataset = study.path.parent / "dataset"
    done = mw.predict(study.path, dataset / "images", output=tmp_path / "out", reporter=quiet)
    by_pieces = scored(done.output, dataset / "masks", capsys)
    monkeypatch.setattr(slides, "LARGE", 1 << 26)
    slides._opened.cache_clear()
    whole = scored(done.output, dataset / "masks", capsys)
    assert by_pieces == pytest.approx(whole, abs=1e-9) and whole > 0.8


def scored(predictions, truth, capsys):
    assert main(["score", str(predictions), str(truth), "--json", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)["per_patient"]["dice"]["mean"]


def test_a_plan_is_chosen_for_large_pictures(study, small, tmp_path, quiet):
    target = tmp_path / "config.toml"
    assert main(["init", str(study.path.parent / "dataset"), "--output", str(target), "--quiet"]) == 0
    text = target.read_text(encoding="utf-8")
    assert 'fit = "patch"' in text and "_r0" not in text
