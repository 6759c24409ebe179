import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.config import load
from maskwright.config.dialect import HANDLED, NO_EFFECT
from maskwright.config.reference import KNOWN, read_reference
from maskwright.errors import MaskwrightError

GENERATOR = "[model]\ngenerator = True\nimage_width = 64\n"


def read(text, **overrides):
    return read_reference(text, {key.replace("__", "."): value for key, value in overrides.items()})


def messages(problems, place):
    return [problem for problem in problems if problem.place == place]


def test_a_typo_in_a_list_gives_the_default_and_says_where():
    config, problems = read(GENERATOR + "[augmentor]\ndeformation = True\nangles = [90. 180, 270,]\n")
    assert config.augmentation.angles == [90, 180, 270]
    assert messages(problems, "[augmentor] angles")[0].line == 6


def test_the_seed_generation_has_other_default_angles():
    assert read(GENERATOR + "[augmentor]\ntransformer = True\n")[0].augmentation.angles == [60, 120, 180, 240, 300]


def test_a_commented_shrink_still_shrinks_as_there_and_is_told():
    config, problems = read(GENERATOR + "[augmentor]\n#shrinks = [0.8]\n")
    assert config.augmentation.shrinks == [0.8]
    assert "[0.8]" in messages(problems, "[augmentor] shrinks")[0].message


def test_both_generations_of_elastic_keys():
    old = read(GENERATOR + "[augmentor]\ntransformer = True\nalpah = 900\nsigmoid = 6\n")[0].augmentation
    new = read(GENERATOR + "[augmentor]\ndeformation = True\n[deformation]\nalpah = 900\nsigmoids = [6]\n")[
        0
    ].augmentation
    for found in (old, new):
        assert (found.elastic, found.elastic_alpha, found.elastic_sigmas) == (True, 900, [6])


def test_without_generator_nothing_is_augmented():
    config, problems = read("[model]\nimage_width = 64\n[augmentor]\nhflip = True\n[train]\nsteps_per_epoch = 3\n")
    assert config.augmentation.mode == "off" and not config.augmentation.debug
    assert config.train.steps_per_epoch is None
    assert messages(problems, "[augmentor]") and messages(problems, "[train] steps_per_epoch")


def test_unbinarized_masks_get_half_the_range_instead_of_non_zero():
    config, problems = read("[mask]\nbinarize = False\nthreshold = 60\n")
    assert config.mask.threshold is None
    assert messages(problems, "[mask] binarize")
    assert read("[mask]\nbinarize = True\nthreshold = 74\n")[0].mask.threshold == 74


def test_mask_colours_are_blue_green_red_there():
    colours = "[mask]\nmask_colors = [(0, 0, 0), (255, 0, 0)]\n"
    assert read(colours)[0].mask.colors == [(0, 0, 0), (0, 0, 255)]
    assert read(colours + 'color_order = "rgb"\n')[0].mask.colors == [(0, 0, 0), (255, 0, 0)]


def test_a_missing_key_means_what_it_means_there():
    config, _ = read("[model]\nloss = 'dice_loss'\n")
    assert (config.model.image_channels, config.model.normalization, config.train.clipvalue) == (3, False, 0.2)
    assert (config.train.optimizer, config.data.resize, config.predict.format) == ("Adam", "nearest", "jpg")
    assert config.train.learning_rate_reducer is False


def test_a_refused_value_becomes_the_default_with_its_line():
    config, problems = read("[train]\nepochs = -3\nbatch_size = 'two'\n")
    assert (config.train.epochs, config.train.batch_size) == (50, 4)
    assert [p.line for place in ("epochs", "batch_size") for p in messages(problems, f"[train] {place}")] == [2, 3]


def test_unknown_keys_are_told_with_the_nearest_name():
    _, problems = read("[model]\ninput_normalization = False\n")
    assert "input_normalize" in messages(problems, "[model] input_normalization")[0].message


def test_every_key_of_the_inventory_is_known():
    inventory = {
        "model": "model datasetclass generator evaluation image_width image_height image_channels image_depth num_classes "
        "input_normalize base_filters num_layers base_kernels dilation diation dropout_rate dropout_seed_fixing "
        "normalization activation final_activation learning_rate clipvalue optimizer loss metrics show_summary "
        "efficientnet filter_num_begin depth stack_num_down stack_num_up patch_size num_heads window_size num_mlp "
        "shift_window filters max_filter base_ksize filter_num embed_dim num_transformer mlp_activation batch_norm pool "
        "backbone weights freeze_backbone freeze_batch_norm",
        "dataset": "datasetclass resize_interpolation image_normalize input_normalize image_format mask_format rgb_mask "
        "color_order debug sharpening",
        "image": "color_converter gamma sharpening",
        "mask": "binarize threshold algorithm blur blur_size mask_colors color_order grayscaling mask_channels classes "
        "sharpening normalized_threshold",
        "train": "epochs batch_size steps_per_epoch validation_steps patience metrics model_dir eval_dir image_datapath "
        "mask_datapath create_backup learning_rate_reducer reducer_factor reducer_patience save_weights_only "
        "best_model_file seedreset_callback dataset_splitter epoch_change_infer epoch_change_infer_dir "
        "epoch_change_tiledinfer epoch_change_tiledinfer_dir num_infer_images show_history",
        "eval": "image_datapath mask_datapath batch_size",
        "test": "image_datapath mask_datapath",
        "infer": "images_dir output_dir merged_dir algorithm threshold blur ksize mask_colorize colorized_dir "
        "colorized_output_format",
        "tiledinfer": "images_dir output_dir merged_dir overlapping split_size background bitwise_blending binarize "
        "threshold algorithm",
        "segmentation": "colorize black white blursize",
        "generator": "debug augmentation generated_images_dir generated_masks_dir verbose dcms_dir labels_dir output_dir "
        "image_width image_height image_channel",
        "augmentor": "hflip vflip rotation angles shrinks shears transformer deformation alpah sigmoid distortion "
        "sharpening brightening barrdistortion pincdistortion crop crop_margin",
        "deformation": "alpah sigmoid sigmoids",
        "distortion": "gaussian_filter_rsigma gaussian_filter_sigma distortions",
        "sharpening": "k",
        "brightening": "alpha beta",
        "barrdistortion": "radius amount centers",
        "pincdistortion": "radius amount centers",
        "inspect": "model_graph summary",
    }
    names = [f"{section}.{key}" for section, keys in inventory.items() for key in keys.split()]
    assert [name for name in names if name not in KNOWN] == []
    assert not HANDLED & set(NO_EFFECT)


def test_overrides_by_the_references_names_and_by_ours(tmp_path):
    path = tmp_path / "train_eval_infer.config"
    path.write_text(GENERATOR, encoding="utf-8")
    loaded = load(
        path, ["train.image_datapath=here", "train.epochs=3", "data.patient_pattern=P(\\d+)", "model.loss=dice_loss"]
    )
    assert loaded.config.data.train.images.is_absolute() and loaded.config.data.train.images.name == "here"
    assert (loaded.config.train.epochs, loaded.config.train.loss) == (3, "dice_loss")
    assert loaded.config.data.patient_pattern == "P(\\d+)"
    with pytest.raises(MaskwrightError, match=r"train\.epochs"):
        load(path, ["train.epoch=3"])


def test_paths_are_relative_to_the_file(tmp_path):
    path = tmp_path / "project" / "train_eval_infer.config"
    path.parent.mkdir()
    path.write_text('[train]\nimage_datapath = "../data/images/"\nmodel_dir = "./models"\n', encoding="utf-8")
    config = load(path).config
    assert config.data.train.images == tmp_path / "data" / "images"
    assert config.train.model_dir == tmp_path / "project" / "models"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-400, 400), st.floats(-9, 9), st.text(max_size=6),
              st.sampled_from(["cv2.INTER_CUBIC", "Adam", "TensorflowUNet", "cv2.THRESH_OTSU", "test"])),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=5,
).map(repr)  # fmt: skip
LINES = st.dictionaries(st.sampled_from(sorted(KNOWN)), VALUES | st.text(max_size=12), max_size=25)


@settings(max_examples=300, deadline=None)
@given(LINES, st.booleans())
def test_no_value_whatever_breaks_it(lines, generator):
    text = "[model]\ngenerator = True\n" if generator else ""
    for name, value in lines.items():
        section, key = name.split(".", 1)
        text += f"[{section}]\n{key} = {value}\n"
    config, problems = read_reference(text, {})
    assert config.train.epochs >= 1
    assert all(str(problem) for problem in problems)


def test_names_of_another_number_of_classes_are_told_and_left_out(reference_project, tmp_path):
    """As in a published file; the reference reads them nowhere, so its projects go on."""
    path = tmp_path / "train_eval_infer.config"
    for names, kept in (('["Background", "a", "b"]', []), ('["a"]', ["a"])):
        text = reference_project("dataset").replace("[mask]", f"[mask]\nclasses = {names}")
        path.write_text(text, encoding="utf-8")
        loaded = load(path)
        assert loaded.config.mask.classes == kept
        assert any("has 3 names" in str(one.message) for one in loaded.problems) is (not kept)
