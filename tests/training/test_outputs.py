from maskwright.config import Configuration
from maskwright.training.outputs import curves, losses_csv, metrics_csv, plot_names

ROWS = [
    {"epoch": 1.0, "loss": 0.5, "val_loss": 0.61234, "dice_coef": 0.25, "val_dice_coef": 0.2},
    {"epoch": 2.0, "loss": 0.4, "val_loss": 0.5, "dice_coef": 0.5, "val_dice_coef": 0.3},
]


def test_the_references_files():
    assert losses_csv(ROWS) == "epoch, loss, val_loss\n0, 0.5000, 0.6123\n1, 0.4000, 0.5000\n"
    names = ("dice_coef", "val_dice_coef")
    assert metrics_csv(ROWS, names) == "epoch,dice_coef,val_dice_coef,\n0, 0.2500, 0.2000\n1, 0.5000, 0.3000\n"
    assert metrics_csv(ROWS, ("accuracy", "val_accuracy")).endswith("1, 0.0000, 0.0000\n")


def test_what_is_plotted():
    train = Configuration().train
    assert plot_names(Configuration()) == ("dice_coef", "val_dice_coef")
    chosen = Configuration(train=train.model_copy(update={"plot_metrics": ["loss", "val_loss"]}))
    assert plot_names(chosen) == ("loss", "val_loss")
    assert curves("train_losses", ("loss", "val_loss"), ROWS)[:4] == b"\x89PNG"
    assert curves("train_losses", ("none", "val_none"), ROWS)[:4] == b"\x89PNG"
