"""What is chosen follows from what lies there; the rules are in docs/explanation/planning.md."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwright.advice.advise import advise
from maskwright.advice.choices import Machine, choose
from maskwright.advice.facts import Facts, look_at
from maskwright.advice.layouts import Layout, find_layout
from maskwright.advice.length import length
from maskwright.advice.patients import Candidate
from maskwright.advice.settled import settled
from maskwright.advice.structures import Structures
from maskwright.advice.text import as_toml
from maskwright.config.toml import read_toml
from maskwright.data.records import Record
from maskwright.errors import MaskwrightError

HERE = Machine(2, 24.0, True)


def record(height=256, width=256, channels=1, depth=1, spacing=(), pixels=(90, 10)):
    return Record("a", "p", height, width, "uint8", 0, 255, list(pixels), "", "", channels=channels, depth=depth,
                  spacing=spacing)  # fmt: skip


def facts(records, *, width=20.0, classes=1, scans=False, turned=1.0, **more):
    layout = Layout({"all": (Path("i"), Path("m"))}, scans)
    structures = Structures({} if scans else {1: [width]}, turned)
    return Facts(layout, {"all": records}, [], None, classes, "", structures, **more)


def keys(found, machine=HERE):
    return {one.key: one.value for one in choose(found, machine)}


@pytest.mark.parametrize(
    ("sizes", "width", "fit", "scale", "edges"),
    [
        ([(512, 512)], 14.0, "pad", 2.0, (256, 256)),  # the pancreas
        ([(584, 565)], 4.0, "patch", 1.0, (256, 256)),  # vessels
        ([(512, 512)], 8.0, "pad", 1.0, (512, 512)),  # membranes
        ([(360, 480)], 3.0, "pad", 1.0, (384, 480)),  # streets
        ([(256, 256), (1040, 1388)], 10.0, "patch", 1.0, (256, 256)),  # nuclei
        ([(100, 120)], 40.0, "pad", 1.0, (128, 128)),  # small ones stay as they are
        ([(4000, 4000)], 400.0, "patch", 4.0, (256, 256)),
    ],
)
def test_the_scale_goes_by_the_thinnest_class_and_small_pictures_are_seen_whole(sizes, width, fit, scale, edges):
    found = keys(facts([record(*size) for size in sizes] * 160, width=width))
    assert found["data.fit"] == fit and found.get("data.pixel_size", 1.0) == scale
    assert (found["model.image_height"], found["model.image_width"]) == edges


@pytest.mark.parametrize(("count", "width", "scale"), [(20, 4.0, 0.5), (300, 4.0, 1.0), (20, 5.5, 1.0), (20, 0.0, 1.0)])
def test_structures_of_a_few_pixels_are_enlarged_where_there_is_time(count, width, scale):
    """As vessels of the retina are, of which there are twenty pictures."""
    found = {one.key: one for one in choose(facts([record(584, 565)] * count, width=width), HERE)}
    assert (found["data.pixel_size"].value if scale != 1 else found.get("data.pixel_size", 1.0)) == scale
    if scale == 0.5:
        assert "enlarged" in found["data.pixel_size"].why and found["data.fit"].value == "patch"


@pytest.mark.parametrize(
    ("said", "fit", "scale", "edges"),
    [
        ({}, "pad", 1.0, (512, 512)),
        ({"data.pixel_size": 0.5}, "patch", 0.5, (256, 256)),
        ({"data.pixel_size": 4.0}, "pad", 4.0, (128, 128)),
        ({"data.fit": "patch"}, "patch", 1.0, (256, 256)),
        ({"data.fit": "pad", "data.pixel_size": 0.5}, "pad", 0.5, (1024, 1024)),
        ({"model.image_height": 128, "model.image_width": 128}, "patch", 1.0, (128, 128)),
        ({"model.image_height": 640, "model.image_width": 640}, "pad", 1.0, (640, 640)),
    ],
)
def test_what_is_said_of_scale_fit_and_size_decides_the_others(said, fit, scale, edges):
    """Membranes; else a configuration would be written that refuses its own pictures."""
    one = facts([record(512, 512)] * 30, width=8.0)
    found = {choice.key: choice.value for choice in choose(one, HERE, said=said)}
    assert found["data.fit"] == fit and found.get("data.pixel_size", 1.0) == scale
    assert (found["model.image_height"], found["model.image_width"]) == edges


def test_resized_pictures_have_no_scale():
    found = {choice.key for choice in choose(facts([record(512, 512)], width=30.0), HERE, said={"data.fit": "resize"})}
    assert "data.pixel_size" not in found


def test_pretrained_weights_are_used_where_they_are_and_named_where_not():
    one = facts([record()])
    assert keys(one)["model.weights"] == "imagenet"
    without = choose(one, replace(HERE, pretrained=False))
    told = next(choice for choice in without if choice.key == "model.name")
    assert told.value == "unet" and "maskwright[pretrained]" in told.why
    assert "model.weights" not in {choice.key for choice in without}


def test_grey_pictures_of_patients_are_not_mirrored():
    patients = Candidate("P", 9, 90)
    grey = facts([record(channels=3)], grey=True)
    assert keys(grey)["model.image_channels"] == 1 and "augmentation.hflip" not in keys(grey)
    assert keys(replace(grey, patients=patients))["augmentation.hflip"] is False
    coloured = facts([record(channels=3), record(channels=1)])
    assert keys(replace(coloured, patients=patients))["model.image_channels"] == 3


def test_pictures_without_an_up_are_turned_over():
    assert keys(facts([record()], turned=0.1))["augmentation.vflip"] is True
    assert keys(facts([record()], turned=0.1))["augmentation.quarter_turns"] is True
    assert "augmentation.vflip" not in keys(facts([record()], turned=0.6))
    grey = facts([record()], turned=0.1, grey=True)
    assert "augmentation.vflip" not in keys(replace(grey, patients=Candidate("P", 9, 90)))


def test_what_is_chosen_for_volumes_is_a_configuration(tmp_path):
    one = facts([record(50, 36, depth=35, spacing=(1.0, 1.0, 1.0))], scans=True, classes=3)
    chosen = [*(found := choose(one, HERE)), *length(one, found, None, None)]
    config = read_toml(as_toml(chosen, tmp_path), tmp_path / "c.toml", {})
    assert config.model.options == {"deep_supervision": True} and config.model.image_depth == 40


def test_volumes_are_seen_in_patches_that_two_cores_can_learn_from():
    small = keys(facts([record(50, 36, depth=35, spacing=(1.0, 1.0, 1.0))], scans=True, classes=3))
    assert [small[f"model.image_{edge}"] for edge in ("depth", "height", "width")] == [40, 56, 40]
    large = keys(facts([record(512, 512, depth=120, spacing=(2.5, 0.8, 0.8))], scans=True))
    edges = np.array([large[f"model.image_{edge}"] for edge in ("depth", "height", "width")])
    assert np.prod(edges) < 160_000 and large["data.spacing"] == [2.5, 0.8, 0.8]
    assert (edges * (2.5, 0.8, 0.8)).max() / (edges * (2.5, 0.8, 0.8)).min() < 2  # about as long in mm


@dataclass(frozen=True)
class Pace:
    start: float = 20.0
    step: float = 0.5
    prediction: float = 0.2


@pytest.mark.parametrize("minutes", [2.0, 15.0, 30.0, 600.0])
@pytest.mark.parametrize("count", [10, 300, 20_000])
def test_a_training_within_a_budget_fits_into_it(minutes, count):
    one = facts([record() for _ in range(count)])
    chosen = choose(one, HERE)
    found = {choice.key: choice.value for choice in length(one, chosen, minutes, Pace())}
    batch = next(choice.value for choice in chosen if choice.key == "train.batch_size")
    steps = found.get("train.steps_per_epoch", int(np.ceil(0.7 * count / batch)))
    judged = np.ceil(2 * 0.15 * count / batch) * 0.2
    assert found["train.minutes"] == minutes
    assert found["train.epochs"] == 1 or found["train.epochs"] * (0.5 * steps + judged) + 20 <= minutes * 60
    if count == 10:
        assert found["train.epochs"] >= 30
    if found["train.epochs"] > 8:  # most of the time goes into learning
        assert judged <= 0.21 * (0.5 * steps + judged)


def test_a_slow_validation_does_not_eat_the_time():
    """The vessels: four pictures of 1130 x 1168 px are many windows, and 16 are learnt from."""
    parts = {"train": [record(584, 565)] * 16, "valid": [record(584, 565)] * 4}
    one = replace(facts([], width=4.0), records=parts)
    chosen = choose(one, HERE, 1e9)
    assert {choice.key: choice.value for choice in chosen}["data.pixel_size"] == 0.5
    found = {choice.key: choice.value for choice in length(one, chosen, 15.0, Pace(step=1.3, prediction=0.35))}
    judged = 0.35 * (4 * (25 + 64)) / 8
    assert found["train.epochs"] >= 8
    assert 0.75 <= found["train.epochs"] * found["train.steps_per_epoch"] * 1.3 / (15 * 60 * 0.85 - 20) <= 1
    assert judged * found["train.epochs"] <= 0.21 * 15 * 60


@pytest.mark.parametrize(("minutes", "scale"), [(300.0, 1.5), (30.0, 2.0), (1.0, 2.0)])
def test_a_short_time_is_spent_on_a_coarser_scale(minutes, scale):
    """The pancreas: 12 px are 8 at 1.5, and 6 at 2, which is less than what is wished for."""
    asked, one = [], facts([record(512, 512) for _ in range(600)], width=12.0)

    def timed(config):
        asked.append(config.model.image_height)
        return Pace(step=4e-6 * config.train.batch_size * config.model.image_height**2)

    found = {choice.key: choice for choice in advise(one, HERE, ["train.seed=3"], minutes, timed)}
    assert found["data.pixel_size"].value == scale and found["train.seed"].value == 3
    assert asked == ([352] if scale == 1.5 else [352, 256])
    if scale == 2.0:
        assert "looks at each picture" in found["data.pixel_size"].why
    assert found["train.minutes"].value == minutes


def test_without_a_limit_of_time_nothing_is_timed():
    one = facts([record()])
    assert advise(one, HERE, [], None, lambda config: pytest.fail("timed")) == [
        *choose(one, HERE), *length(one, choose(one, HERE), None, None)
    ]  # fmt: skip


def test_without_a_budget_small_sets_are_seen_more_often():
    found = {}
    for count in (10, 300, 20_000):
        one = facts([record() for _ in range(count)])
        (epochs,) = length(one, choose(one, HERE), None, None)
        found[count] = epochs.value
    assert found[10] > found[300] > found[20_000] >= 20


def write(folder, name, image, mask):
    for kind, array in (("images", image), ("masks", mask)):
        (folder / kind).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / kind / f"{name}.png"), array)


def test_classes_void_width_and_colour_are_read_off_the_files(tmp_path, quiet):
    rng = np.random.default_rng(0)
    for number in range(6):
        mask = np.zeros((60, 80), np.uint8)
        mask[10:16], mask[40:50, 10:70], mask[:, :4] = 1, 2, 255
        grey = rng.integers(0, 255, (60, 80, 1)).astype(np.uint8)
        write(tmp_path, f"P{number}-{number}", grey.repeat(3, axis=2), mask)
    found = look_at(find_layout(tmp_path), [], quiet)
    assert found.classes == 3 and "255 is left out" in found.why and found.grey
    assert found.structures.widths[1][0] == pytest.approx(6, rel=0.2)
    assert found.structures.widths[2][0] == pytest.approx(9, rel=0.25)
    assert found.structures.thin() == pytest.approx(6, rel=0.2)


def test_a_test_part_chooses_no_scale(tmp_path, quiet):
    """Its truth is what is scored."""
    for part, width in (("train", 12), ("test", 2)):
        (tmp_path / part).mkdir()
        for number in range(3):
            mask = np.zeros((40, 40), np.uint8)
            mask[10 : 10 + width] = 255
            write(tmp_path / part, f"{part}{number}", mask, mask)
    assert look_at(find_layout(tmp_path), [], quiet).structures.thin() > 8


def test_masks_that_can_mean_several_things_are_refused_until_somebody_says(tmp_path, quiet):
    for number in range(4):
        mask = np.zeros((20, 20), np.uint8)
        mask[5:9], mask[12:15] = 15, 255
        write(tmp_path, f"a{number}", mask, mask)
    layout = find_layout(tmp_path)
    with pytest.raises(MaskwrightError, match=r"(?s)\[mask\].*15.*mask\."):
        look_at(layout, [], quiet)
    assert look_at(layout, ["mask.levels=[0, 15]", "mask.ignore=255"], quiet).classes == 1


def test_another_network_takes_nothing_that_was_chosen_for_the_first():
    scan = facts([record(96, 96, depth=20, spacing=(3.0, 1.0, 1.0))], scans=True, classes=3)
    options = {one.key: one.value for one in choose(scan, HERE)}["model.options"]
    assert "strides" in options
    found = {one.key: one.value for one in settled(choose(scan, HERE), ["model.name=unet"])}
    assert found["model.name"] == "unet" and "model.options" not in found
    found = {one.key: one.value for one in settled(choose(scan, HERE), ["model.num_layers=2"])}
    assert found["model.options"] == {"deep_supervision": True}


def test_channels_of_scans_and_names_of_their_data_set(tmp_path):
    layout = Layout({"all": (tmp_path / "imagesTr", tmp_path / "labelsTr")}, scans=True)
    for folder in layout.parts["all"]:
        folder.mkdir()
    labels = {"background": 0, "left": 1, "right": 2}
    plain = {"labels": labels, "channel_names": {"0": "T1", "1": "T2"}, "numTraining": 1}
    (tmp_path / "dataset.json").write_text(json.dumps(plain), encoding="utf-8")
    one = replace(
        facts([record(96, 96, channels=2, depth=20, spacing=(1.0, 1.0, 1.0))], scans=True, classes=3), layout=layout
    )
    found = keys(one)
    assert found["mask.classes"] == list(labels) and found["model.image_channels"] == 2
