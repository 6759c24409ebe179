import pytest

from maskwright.config import Configuration, load, write_toml
from maskwright.config.paths import fields, relative
from maskwright.config.toml import read_toml
from maskwright.errors import MaskwrightError


def check(text):
    return read_toml(text, "file.toml", {})


def test_an_unknown_key_names_the_nearest_one():
    with pytest.raises(MaskwrightError, match=r"\[train\] epoch: is no key. Did you mean 'epochs'\?"):
        check("[train]\nepoch = 3\n")


def test_an_unknown_section_names_the_sections():
    with pytest.raises(MaskwrightError, match="Did you mean 'train'"):
        check("[trian]\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[train]\nepochs = 0", ["[train] epochs", "greater than or equal to 1", "read 0"]),
        ("[train]\nepochs = 'x'", ["[train] epochs", "read 'x'"]),
        ("[train]\noptimizer = 'LAMB'", ["[train] optimizer", "'Adam', 'AdamW' or 'SGD'"]),
        ("[model]\nbase_kernels = [4, 4]", ["[model] base_kernels", "odd"]),
        ("[model]\nbase_kernels = [3, 5]", ["equal"]),
        ("[data]\npatient_pattern = '('", ["no regular expression"]),
        ("[data]\npatient_pattern = 'abc'", ["one group"]),
        ("[train\n", ["no valid TOML", "line 1"]),
    ],
)
def test_a_bad_value_says_where_what_and_what_is_accepted(text, words):
    with pytest.raises(MaskwrightError) as error:
        check(text)
    for word in ["file.toml", *words]:
        assert word in str(error.value)


def test_every_problem_is_told_at_once():
    with pytest.raises(MaskwrightError, match="2 keys are not accepted"):
        check("[train]\nepochs = 0\nbatch_size = 0\n")


@pytest.mark.parametrize("everything", [True, False])
def test_written_toml_reads_back(everything):
    config = check("[data]\nimages = 'a'\n[mask]\ncolors = [[0, 0, 0], [1, 2, 3]]\n[train]\nclipvalue = 0.5\n")
    assert check(write_toml(config, everything=everything, comments=["hello", ""])) == config


def test_defaults_are_left_out():
    assert write_toml(Configuration()) == ""


def test_every_key_is_documented_with_a_valid_example():
    for path, field in fields(Configuration):
        extra = field.json_schema_extra or {}
        assert field.description and field.description[-1] == ".", path
        assert "example" in extra or field.default is not None, path


def test_overrides_win_and_relative_paths_round_trip(config_file):
    config = load(config_file, ["train.epochs=7", "data.images=elsewhere"]).config
    assert config.train.epochs == 7
    assert config.data.images.is_absolute()
    back = relative(config, config_file.parent)
    assert str(back.data.masks).replace("\\", "/") == "dataset/masks"


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(MaskwrightError, match="no such configuration"):
        load(tmp_path / "none.toml")
    with pytest.raises(MaskwrightError, match="is a folder"):
        load(tmp_path)


def test_text_that_is_no_text(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MaskwrightError, match="UTF-8"):
        load(tmp_path / "a.toml")
