"""What the demonstration can show: for each kind of work phantoms, and a configuration that learns them in minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskwright.phantoms import abdomen, cells, organs

CONFIG_NAME = "demo.toml"


# Writes so many cases into a folder, by a seed, and calls a step after each.
Writer = Callable[[Path, int, int, Callable[[], None]], None]


@dataclass(frozen=True)
class Task:
    """A kind of work: what it is, its phantoms, and their configuration with EPOCHS in the place of a number."""

    what: str
    write: Writer
    config: str
    cases: int
    epochs: int
    volumes: bool = False
    dropped: str = "images"  # folder of what a viewer can be shown


_ABDOMEN = f"""# The demonstration: a small U-Net on phantoms. docs/reference/configuration.md explains every key.
[data]
images = "dataset/images"
masks = "dataset/masks"
patient_pattern = '{abdomen.PATTERN}'
# Level and width (HU) of the window that the slices were cut through: so the model takes whole scans too.
window = "{sum(abdomen.WINDOW) / 2:g}/{abdomen.WINDOW[1] - abdomen.WINDOW[0]:g}"
valid_fraction = 0.12
test_fraction = 0.2

[mask]
classes = ["background", "pancreas"]

[model]
name = "unet"
image_width = 128
image_height = 128
image_channels = 1
base_filters = 16
num_layers = 4

[augmentation]
mode = "random"
probability = 0.3
hflip = false
elastic_alpha = 600.0

[train]
epochs = EPOCHS
batch_size = 8
learning_rate = 0.002
loss = "bce_dice_loss"
metrics = ["dice_coef"]
patience = 0
reducer_patience = 4
"""

_CELLS = f"""# The demonstration on stained tissue. docs/reference/configuration.md explains every key.
[data]
images = "dataset/images"
masks = "dataset/masks"
patient_pattern = '{cells.PATTERN}'   # pictures of one slide are never in training and in the test
valid_fraction = 0.15
test_fraction = 0.25
fit = "pad"   # as they are, neither enlarged nor reduced

[mask]
classes = CLASSES

[model]
name = "unet"
image_width = 192
image_height = 192
image_channels = 3
num_classes = CHANNELS
base_filters = 12
num_layers = 4

[augmentation]
probability = 0.3
vflip = true
quarter_turns = true

[train]
epochs = EPOCHS
batch_size = 4
learning_rate = 0.002
loss = "dice_ce_loss"
patience = 0
learning_rate_schedule = "cosine"
"""

_ORGANS = """# The demonstration on volumes: a small nnU-Net. docs/reference/configuration.md explains every key.
[data]
images = "dataset/scans"
masks = "dataset/labels"
valid_fraction = 0.15
test_fraction = 0.2

[mask]
classes = ["background", "left", "right"]

[model]
name = "nnunet"
num_classes = 3
# Slices, rows and columns of a patch.
image_depth = 16
image_height = 48
image_width = 48
base_filters = 8
num_layers = 3

[augmentation]
probability = 0.3
hflip = false

[train]
epochs = EPOCHS
batch_size = 2
learning_rate = 0.003
loss = "dice_ce_loss"
patience = 0
learning_rate_schedule = "cosine"
"""


def _cells(names: tuple[str, ...], channels: int) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return _CELLS.replace("CLASSES", f"[{listed}]").replace("CHANNELS", str(channels))


TASKS = {
    "abdomen": Task(
        "slices of abdomens and the scans they are of: the pancreas",
        abdomen.write_phantoms, _ABDOMEN, cases=26, epochs=20, dropped="volumes",
    ),
    "pictures": Task(
        "pictures of stained tissue: nuclei, of which many touch",
        cells.write_cells, _cells(("background", "nucleus"), 1), cases=16, epochs=12,
    ),
    "classes": Task(
        "the same with classes: large and small nuclei, glands",
        partial(cells.write_cells, classes=True), _cells(cells.CLASSES, len(cells.CLASSES)), cases=16, epochs=14,
    ),
    "volumes": Task(
        "volumes with two organs that touch",
        organs.write_organs, _ORGANS, cases=20, epochs=12, volumes=True, dropped="scans",
    ),
}  # fmt: skip
