"""`dataset.json` of nnU-Net and of the Medical Segmentation Decathlon: what it says of a data set, read as it stands.

nnU-Net's second version writes `{"labels": {"background": 0, "tumour": 1}}`, where a list of numbers is a region and
`ignore` counts for nothing; its first version and the Decathlon write `{"labels": {"0": "background"}}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.untrusted.text import read_json

NAME = "dataset.json"
_FIX = "Correct it, or set mask.classes and model.num_classes (prepare: prepare.structures) yourself."
_LARGEST = 1 << 26  # bytes; it lists every case at most
_MOST = 254


@dataclass(frozen=True)
class Dataset:
    """What the file says.

    Attributes:
        path: the file. labels: name and number of each class, in the order of the numbers, background first; empty
            where there are regions. regions: numbers of each. ignore: the number that counts for nothing.
        channels: names of the files of a case. ending: of images and label maps. training: how many cases there are.
    """

    path: Path
    labels: dict[str, int]
    regions: dict[str, list[int]]
    ignore: int | None
    channels: list[str]
    ending: str
    training: int | None

    @property
    def images(self) -> Path:
        """The folder of the training images."""
        return self.path.parent / "imagesTr"

    @property
    def truth(self) -> Path:
        """The folder of their label maps."""
        return self.path.parent / "labelsTr"

    @property
    def split_channels(self) -> list[str]:
        """Patterns of the files of a case, where each channel has its own; else nothing."""
        if len(self.channels) < 2 or not any(self.images.glob(f"*_0001{self.ending}")):
            return []
        return [f"*_{number:04d}{self.ending}" for number in range(len(self.channels))]

    def mask_keys(self) -> dict[str, Any]:
        """[mask] and `model.num_classes` for it."""
        ignore = {} if self.ignore is None else {"ignore": self.ignore}
        if self.regions:
            return {"regions": self.regions, **ignore, "num_classes": len(self.regions)}
        numbers = [*self.labels.values()]
        levels = {} if numbers == list(range(len(numbers))) else {"levels": numbers}
        count = len(numbers) if len(numbers) > 2 else 1
        return {"classes": [*self.labels], **levels, **ignore, "num_classes": count}

    def count_note(self) -> str | None:
        """What is said where the folder holds another number of cases."""
        found = {
            path.name.removesuffix(self.ending).removesuffix("_0000")
            for path in self.images.glob(f"*{self.ending}")
            if not path.name.startswith(".") and not self._further(path)
        }
        if self.training is None or not self.images.is_dir() or len(found) == self.training:
            return None
        return f"{self.path} speaks of {self.training} training cases, and {self.images} holds {len(found)}"

    def _further(self, path: Path) -> bool:
        """Whether a file is a channel after the first."""
        tail = path.name.removesuffix(self.ending)[-5:]
        return len(self.channels) > 1 and tail[:1] == "_" and tail[1:].isdigit() and tail != "_0000"


def find_dataset(folder: Path | None) -> Dataset | None:
    """The data set that a folder is, or that one of its folders of images or labels belongs to; None for any other.

    Raises:
        MaskwrightError: a file that is damaged, or labels that are no labels.
    """
    if folder is None or not folder.is_dir():
        return None
    folder = folder.resolve()
    path = next((place / NAME for place in (folder, folder.parent) if (place / NAME).is_file()), None)
    if path is None:
        return None
    plain = read_json(path, object, limit=_LARGEST, what="is no JSON that can be read", fix=_FIX)
    if not isinstance(plain, dict) or not isinstance(plain.get("labels"), dict):
        return None  # another program's
    if not {"channel_names", "modality", "numTraining"} & plain.keys():
        return None
    labels, regions, ignore = _labels(plain["labels"], path)
    channels = plain.get("channel_names", plain.get("modality"))
    training = plain.get("numTraining")
    return Dataset(
        path=path,
        labels=labels,
        regions=regions,
        ignore=ignore,
        channels=[str(name) for name in channels.values()] if isinstance(channels, dict) else [],
        ending=str(plain.get("file_ending", ".nii.gz")),
        training=training if isinstance(training, int) else None,
    )


def _labels(plain: dict[Any, Any], path: Path) -> tuple[dict[str, int], dict[str, list[int]], int | None]:
    """Numbers of the classes by name, regions, and the number that counts for nothing."""
    if plain and all(isinstance(value, str) for value in plain.values()):
        plain = {name: _number(key, path) for key, name in plain.items()}
    found = {
        str(name): [_number(one, path) for one in value] if isinstance(value, list) else [_number(value, path)]
        for name, value in plain.items()
    }
    if empty := [name for name, numbers in found.items() if not numbers]:
        raise MaskwrightError(f"has a label without a number: {empty[0]!r}"[:200], where=path, fix=_FIX)
    ignore = found.pop("ignore", [None])[0]
    several = any(len(numbers) > 1 for numbers in found.values())
    if several:
        regions = {name: numbers for name, numbers in found.items() if numbers != [0]}
        return {}, regions, ignore
    labels = dict(sorted(((name, numbers[0]) for name, numbers in found.items()), key=lambda item: item[1]))
    if not labels or min(labels.values()) != 0 or len(set(labels.values())) != len(labels) or len(labels) > _MOST:
        raise MaskwrightError(f"has labels that are none: {plain}"[:300], where=path, fix=_FIX)
    if len(labels) < 2:
        raise MaskwrightError("names no label but the background", where=path, fix=_FIX)
    return labels, {}, ignore


def _number(value: Any, path: Path) -> int:
    try:
        number = int(value)
        if 0 <= number <= 65535 and str(number) == str(value):
            return number
    except (TypeError, ValueError):
        pass
    raise MaskwrightError(f"has a label that is no number from 0 to 65535: {value!r}"[:200], where=path, fix=_FIX)
