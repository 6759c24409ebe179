"""What is written after each epoch: history, the reference's CSV files, plots, TensorBoard."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.sheets import cell
from maskwright.storage import atomic, write_text
from maskwright.training.run import Run, write_history

Row = dict[str, float]


def plot_names(config: Configuration) -> tuple[str, str]:
    """The two log entries of train_metrics: as configured, else the first metric and its validation twin."""
    if config.train.plot_metrics:
        first, second = config.train.plot_metrics
        return first, second
    first = config.train.metrics[0].split("(")[0] if config.train.metrics else "loss"
    return first, f"val_{first}"


def write_epoch_files(run: Run, config: Configuration, rows: Sequence[Row]) -> None:
    """Write the tables that grow by an epoch, whole, from all rows: nothing is lost when an epoch is done again."""
    write_history(run, list(rows))
    folder = config.train.eval_dir
    if folder:
        write_text(folder / "train_losses.csv", losses_csv(rows))
        write_text(folder / "train_metrics.csv", metrics_csv(rows, plot_names(config)))


def draw_curves(run: Run, config: Configuration, rows: Sequence[Row]) -> None:
    """Draw train_losses.png and train_metrics.png, in the run folder and in `train.eval_dir`."""
    losses, metrics = ("loss", "val_loss"), plot_names(config)
    for stem, names in (("train_losses", losses), ("train_metrics", metrics)):
        picture = curves(stem, names, rows)
        for target in (run.path, config.train.eval_dir):
            if target:
                with atomic(target / f"{stem}.png") as temporary:
                    temporary.write_bytes(picture)


def losses_csv(rows: Sequence[Row]) -> str:
    """The reference's train_losses.csv: epochs from 0, 4 decimals."""
    lines = ["epoch, loss, val_loss"]
    lines += [f"{int(row['epoch']) - 1}, {row['loss']:.4f}, {row.get('val_loss', 0):.4f}" for row in rows]
    return "\n".join(lines) + "\n"


def metrics_csv(rows: Sequence[Row], names: tuple[str, str]) -> str:
    """The reference's train_metrics.csv; a metric that is not logged is 0, as there."""
    lines = [f"epoch,{cell(names[0])},{cell(names[1])},"]
    lines += [", ".join([str(int(row["epoch"]) - 1), *(f"{row.get(name, 0):.4f}" for name in names)]) for row in rows]
    return "\n".join(lines) + "\n"


def curves(title: str, names: tuple[str, str], rows: Sequence[Row]) -> bytes:
    """A PNG of two curves over the epochs, in the reference's style: 8x6 in, green and red dashed circles."""
    from io import BytesIO

    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 6))
    axes = figure.subplots()
    for name, colour in zip(names, ("g", "r"), strict=True):
        points = [(row["epoch"], row[name]) for row in rows if name in row]
        if points:
            axes.plot(*zip(*points, strict=True), f"{colour}o--", label=name)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True)
    if axes.has_data():
        axes.legend(loc="upper left")
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


class TensorBoard:
    """Scalars of each epoch in TensorBoard's format, through its own writer, so that any backend will do.

    Raises:
        MaskwrightError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise MaskwrightError(
                "the package tensorboard is not installed",
                where="[train] tensorboard",
                fix='pip install "maskwright[tensorboard]", or set it to false.',
            )
        self._folder = folder
        self._writer: Any = None

    def write(self, row: Row) -> None:
        """Write one epoch."""
        if self._writer is None:
            from tensorboard.summary import Writer

            self._writer = Writer(str(self._folder))
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, step=int(row["epoch"]))
        self._writer.flush()
