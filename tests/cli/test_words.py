"""What a newcomer types first: nothing, a word that is nearly right, and `--version`."""

import pytest

from maskwright.cli import main
from maskwright.cli._main import command_names


def test_alone_it_shows_the_commands_that_matter(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    first = [line.split()[1] for line in out.splitlines() if line.startswith("  maskwright ")]
    assert first == ["init", "train", "report", "predict", "demo"]
    assert all(name in out for name in command_names())


@pytest.mark.parametrize(("typed", "meant"), [("trian", "train"), ("evalute", "evaluate"), ("predcit", "predict")])
def test_a_mistyped_command_names_the_nearest(typed, meant, capsys):
    assert main([typed, "config.toml"]) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_a_word_that_is_near_to_nothing_lists_all(capsys):
    assert main(["xyzzy"]) == 2
    err = capsys.readouterr().err
    assert all(name in err for name in command_names())


@pytest.mark.parametrize(
    ("words", "said"),
    [(["train", "c.toml", "--resme"], "--resme (did you mean --resume?)"), (["predict", "a", "b", "--ouput=x"], "--output?"),
     (["stats", "a", "b", "--xyzzy"], "there is no b, --xyzzy")],
)  # fmt: skip
def test_a_mistyped_option_names_the_nearest(words, said, capsys):
    with pytest.raises(SystemExit) as error:
        main(words)
    err = capsys.readouterr().err
    assert error.value.code == 2 and said in err and f"maskwright {words[0]} --help" in err


def test_the_version_names_the_backends(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    out = capsys.readouterr().out
    assert out.startswith("maskwright ") and "Keras 3" in out and "TensorFlow 2" in out
