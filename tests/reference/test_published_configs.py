"""The 44 configurations that the reference's author published, with their mistakes in them."""

import configparser
import json
import re
import tomllib

import pytest

from maskwright.cli import main
from maskwright.config import Configuration, load, write_toml
from maskwright.config.paths import relative


@pytest.fixture
def files(shared_data):
    found = sorted((shared_data / "configs").glob("*.config"))
    assert len(found) == 44
    return found


def test_all_load_and_say_what_is_wrong(files, capsys):
    assert main(["config", "check", *map(str, files), "--json"]) == 0
    for item in json.loads(capsys.readouterr().out)["files"]:
        assert item["loads"]
        text = (files[0].parent / item["file"]).read_text(encoding="utf-8").splitlines()
        for problem in item["problems"]:
            key = problem["place"].split("] ")[-1]
            if problem["line"]:
                assert re.match(rf"\s*{re.escape(key)}\s*[=:]", text[problem["line"] - 1], re.IGNORECASE), problem


def test_doubled_keys_that_the_reference_chokes_on_are_read(files):
    """The standard library's parser, which the reference uses, is the judge of which files have them."""
    refused = []
    for path in files:
        loaded = load(path)
        assert loaded.config.model.image_width in (256, 384, 512)
        try:
            configparser.ConfigParser().read(path, encoding="utf-8")
        except configparser.DuplicateOptionError as error:
            refused.append(path)
            told = [problem.line for problem in loaded.problems if "given again" in problem.message]
            assert error.lineno in told
    assert len(refused) >= 2


def test_each_becomes_toml_with_the_same_content(files, tmp_path):
    for path in files:
        config = load(path).config
        (tmp_path / "same.toml").write_text(write_toml(relative(config, path.parent)), encoding="utf-8")
        target = tmp_path / "project" / "same.toml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(write_toml(config), encoding="utf-8")
        assert load(target).config == config
        Configuration.model_validate(tomllib.loads((tmp_path / "same.toml").read_text(encoding="utf-8")))


def test_the_seeds_configuration_means_what_it_says(shared_data):
    config = load(shared_data / "configs" / "seed__Augmented-Pancreas__train_eval_infer.config").config
    model, train, augmentation = config.model, config.train, config.augmentation
    assert (model.num_layers, model.base_kernels, model.dilation, model.dropout_rate) == (7, (5, 5), (2, 2), 0.08)
    assert (train.steps_per_epoch, train.validation_steps, train.clipvalue) == (200, 100, 0.5)
    assert (train.loss, train.metrics, train.optimizer) == ("bce_iou_loss", ["binary_accuracy"], "Adam")
    assert (augmentation.mode, augmentation.hflip, augmentation.vflip) == ("enumerate", False, False)
    assert (augmentation.angles, augmentation.shears, augmentation.shrinks) == ([5, 10], [0.2], [0.8])
    assert (augmentation.elastic, augmentation.elastic_alpha, augmentation.elastic_sigmas) == (True, 1300, [8])
    assert (config.mask.threshold, config.mask.smooth, config.mask.smooth_size) == (74, True, (5, 5))
    assert augmentation.debug and config.predict.format == "jpg"
