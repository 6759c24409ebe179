"""When the curves are drawn: not at every tiny epoch, and always in the end."""

import pytest

import maskwright as mw
from maskwright.errors import MaskwrightError
from maskwright.training import keeper


@pytest.fixture
def drawn(monkeypatch):
    """How many epochs each drawing had."""
    numbers, draw = [], keeper.draw_curves

    def counted(run, config, rows):
        numbers.append(len(rows))
        draw(run, config, rows)

    monkeypatch.setattr(keeper, "draw_curves", counted)
    return numbers


def train(config_file, quiet, **more):
    return mw.train(
        config_file, overrides=["train.epochs=3"], run_dir=config_file.parent / "run", reporter=quiet, **more
    )


def test_short_epochs_are_drawn_together_and_what_was_cut_off_when_it_goes_on(config_file, drawn, quiet):
    run = train(config_file, quiet)
    assert drawn == [3] and (run.path / "train_losses.png").exists() and (run.path / "train_metrics.png").exists()
    (run.path / "train_losses.png").unlink()  # as if it had been killed before they were drawn
    train(config_file, quiet, resume=True)
    assert drawn == [3, 3] and (run.path / "train_losses.png").exists()


def test_long_ones_each(config_file, drawn, quiet, monkeypatch):
    monkeypatch.setattr(keeper, "_REDRAWN", 0.0)
    train(config_file, quiet)
    assert drawn == [1, 2, 3]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MaskwrightError("no room")])
def test_a_training_that_is_stopped_is_drawn(config_file, drawn, quiet, monkeypatch, error):
    save, saved = keeper.save_checkpoint, []

    def stopped(*given):
        saved.append(save(*given))
        if len(saved) == 2:
            raise error

    monkeypatch.setattr(keeper, "save_checkpoint", stopped)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else MaskwrightError):
        train(config_file, quiet)
    assert drawn == [2]


def test_an_error_of_drawing_does_not_hide_what_stopped_it(config_file, quiet, monkeypatch):
    def fails(*given):
        raise OSError("disk")

    def stopped(*given):
        raise MaskwrightError("no room")

    monkeypatch.setattr(keeper, "draw_curves", fails)
    monkeypatch.setattr(keeper, "save_checkpoint", stopped)
    with pytest.raises(MaskwrightError, match="no room"):
        train(config_file, quiet)
