"""Finding images and masks in a folder, however it is laid out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwright.data.pairs import list_images, match_pairs
from maskwright.errors import MaskwrightError

# Names of folders in lower case, the usual ones first.
IMAGES = ("images", "image", "imgs", "img", "imagestr", "pictures", "photos", "scans", "volumes", "slices",
          "jpegimages", "input", "inputs", "data", "x", "raw")  # fmt: skip
MASKS = ("masks", "mask", "labels", "label", "labelstr", "annotations", "annotation", "gt", "ground_truth",
         "groundtruth", "ground truth", "truth", "segmentations", "segmentation", "seg", "segmentationclass", "manual",
         "1st_manual", "targets", "target", "output", "y")  # fmt: skip
PARTS = {"train": ("train", "training"), "valid": ("valid", "val", "validation", "dev"), "test": ("test", "testing")}
_FIX = (
    "Put images into images/ and masks into masks/ (both in train/, valid/ and test/ where the parts are given), name "
    "masks as their images (with _mask at the end where both lie in one folder), or write data.images and data.masks "
    "yourself."
)

Folders = tuple[Path, Path]  # of images, and of masks


@dataclass(frozen=True)
class Layout:
    """Where a data set lies.

    Attributes:
        parts: `all`, or `train` and perhaps `valid` and `test`; of each the folders of images and of masks.
        scans: whether they hold scans and label maps instead of pictures.
    """

    parts: dict[str, Folders]
    scans: bool

    def keys(self) -> dict[str, Path]:
        """The keys of a configuration that say so."""
        found: dict[str, Path] = {}
        for part, (images, masks) in self.parts.items():
            section = "data" if part == "all" else f"data.{part}"
            found |= {f"{section}.images": images, f"{section}.masks": masks}
        return found


def find_layout(folder: Path) -> Layout:
    """Where images and masks lie in a folder, or in the only folder that is in it.

    Raises:
        MaskwrightError: no such folder, or nothing in it that looks like images and masks; what it holds is said.
    """
    if not folder.is_dir():
        raise MaskwrightError("is no folder", where=folder, fix="Name the folder that holds images and masks.")
    for place in _places(folder):
        for parts in (_whole(place), _parts(place), _nested(place), _beside(place)):
            if parts:
                return Layout(parts, _holds_scans(next(iter(parts.values()))[0]))
    inside = sorted(path.name + ("/" if path.is_dir() else "") for path in folder.iterdir())
    told = ", ".join(inside[:12]) + (f" and {len(inside) - 12} more" if len(inside) > 12 else "") or "nothing"
    raise MaskwrightError(f"holds {told}, and no images with masks that are known", where=folder, fix=_FIX)


def _places(folder: Path) -> Iterator[Path]:
    yield folder
    inner = list(_folders(folder).values())
    if len(inner) == 1:
        yield inner[0]


def _folders(folder: Path) -> dict[str, Path]:
    return {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."}


def _pair_in(folder: Path) -> Folders | None:
    inside = _folders(folder)
    images = next((inside[name] for name in IMAGES if name in inside), None)
    masks = next((inside[name] for name in MASKS if name in inside), None)
    return (images, masks) if images and masks else None


def _whole(folder: Path) -> dict[str, Folders]:
    found = _pair_in(folder)
    if not found or any(name in _folders(found[0]) for names in PARTS.values() for name in names):
        return {}
    return {"all": found}


def _parts(folder: Path) -> dict[str, Folders]:
    """`train/images`, `train/masks` and so on."""
    inside = _folders(folder)
    found: dict[str, Folders] = {}
    for part, names in PARTS.items():
        for name in names:
            if name in inside and part not in found and (pair := _pair_in(inside[name]) or _mixed(inside[name])):
                found[part] = pair
    return found if "train" in found else {}


def _nested(folder: Path) -> dict[str, Folders]:
    """`images/train`, `masks/train` and so on."""
    pair = _pair_in(folder)
    if not pair:
        return {}
    images, masks = (_folders(one) for one in pair)
    found = {}
    for part, names in PARTS.items():
        if name := next((name for name in names if name in images and name in masks), None):
            found[part] = images[name], masks[name]
    return found if "train" in found else {}


def _beside(folder: Path) -> dict[str, Folders]:
    """`x.png` and `x_mask.png` in one folder."""
    found = _mixed(folder)
    return {"all": found} if found else {}


def _mixed(folder: Path) -> Folders | None:
    for scans in (False, True):
        try:
            pairs, _ = match_pairs(folder, folder, scans=scans)
        except MaskwrightError:
            continue
        if pairs and all(pair.image != pair.mask for pair in pairs):
            return folder, folder
    return None


def _holds_scans(images: Path) -> bool:
    try:
        return not list_images(images)
    except MaskwrightError:
        return bool(list_images(images, scans=True))
