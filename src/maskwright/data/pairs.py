"""Images and the masks that have their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwright.data.cases import find_cases
from maskwright.data.images import SUFFIXES
from maskwright.errors import MaskwrightError
from maskwright.volumes.read import SUFFIXES as SCANS
from maskwright.volumes.read import stem

# Endings that data sets put after the image's name; the plain name comes first.
_MASK_ENDINGS = ("", "_mask", "-mask", "_seg", "_label", "_gt")


@dataclass(frozen=True)
class Pair:
    """An image file, its mask file and its patient; `name` is the image's name without ending.

    `others` are the files of further channels, in their order.
    """

    name: str
    image: Path
    mask: Path
    patient: str = ""
    others: tuple[Path, ...] = ()

    @property
    def images(self) -> tuple[Path, ...]:
        """The files of all channels."""
        return (self.image, *self.others)


def list_images(folder: Path, *, scans: bool = False) -> list[Path]:
    """Picture files of a folder (not of its sub-folders), or its scans, sorted by name; hidden files are left out.

    Raises:
        MaskwrightError: no such folder, or no picture (no scan) in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MaskwrightError("there is no such folder", where=folder, fix=_nearest(folder))
    endings = SCANS if scans else SUFFIXES
    found = [path for path in folder.iterdir() if path.name.lower().endswith(endings) and not path.name.startswith(".")]
    if not found:
        what = "scans" if scans else "images"
        raise MaskwrightError(f"holds no {what}", where=folder, fix=f"Accepted endings: {' '.join(endings)}.")
    return sorted(found, key=lambda path: path.name)


def _nearest(folder: Path) -> str:
    parent = folder.absolute()
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    return f"The nearest folder that exists is {parent}. Set the right one in the configuration or with --set."


def match_pairs(images: Path, masks: Path, *, scans: bool = False) -> tuple[list[Pair], list[Path]]:
    """Match images and masks (or scans and label maps) by name, never by position.

    Returns:
        Pairs in name order, and masks that no image asks for.

    Raises:
        MaskwrightError: a missing or empty folder, two files of one name, or images without a mask (all are listed).
    """
    image_files = by_stem(list_images(images, scans=scans))
    mask_files = by_stem(list_images(masks, scans=scans))
    pairs, missing, used = [], [], set()
    for name, path in image_files.items():
        mask = next((mask_files[name + end] for end in _MASK_ENDINGS if name + end in mask_files), None)
        if mask is None:
            missing.append(path.name)
        else:
            used.add(mask)
            pairs.append(Pair(name, path, mask))
    if missing:
        raise MaskwrightError(
            f"{len(missing)} of {len(image_files)} images have no mask of their name in {masks}: {shorten(missing)}",
            where=images,
            fix="Add the masks, or move those images away.",
        )
    return pairs, [path for path in mask_files.values() if path not in used]


def match_cases(
    images: Path, masks: Path, patterns: Sequence[str], mask_pattern: str | None, *, scans: bool = True
) -> list[Pair]:
    """Cases of several files, and the mask (or label map) of each: by its pattern, or by the case's name.

    Raises:
        MaskwrightError: as `find_cases`; or cases without a mask.
    """
    cases = find_cases(images, patterns)
    if mask_pattern:
        found = {name: files[0] for name, files in find_cases(masks, [mask_pattern]).items()}
    else:
        files = by_stem(list_images(masks, scans=scans))
        found = {name: files[name + end] for name in cases for end in reversed(_MASK_ENDINGS) if name + end in files}
    missing = [name for name in cases if name not in found]
    if missing:
        raise MaskwrightError(
            f"{len(missing)} of {len(cases)} cases have no {'label map' if scans else 'mask'} in {masks}: "
            f"{shorten(missing)}",
            where=images,
            fix="Add them, set data.mask_pattern, or move those cases away.",
        )
    return [Pair(name, first, found[name], others=tuple(others)) for name, (first, *others) in cases.items()]


def by_stem(paths: list[Path]) -> dict[str, Path]:
    """Paths by their names without ending.

    Raises:
        MaskwrightError: two files differ in nothing but their ending.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = stem(path)
        if name in found:
            raise MaskwrightError(
                f"{found[name].name} and {path.name} have the same name",
                where=path.parent,
                fix="Keep one of them.",
            )
        found[name] = path
    return found


def shorten(items: Sequence[object], limit: int = 5) -> str:
    """The first few items and how many more there are."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(map(str, items[:limit])) + more
