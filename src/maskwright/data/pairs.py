"""Images and the masks that have their names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwright.data.cases import find_cases
from maskwright.data.images import SUFFIXES
from maskwright.data.slides import FilePart, Window
from maskwright.errors import MaskwrightError
from maskwright.volumes.read import SUFFIXES as SCANS
from maskwright.volumes.read import stem
from maskwright.volumes.sources import scans_in

# Endings that data sets put after the image's name; the plain name comes first.
_MASK_ENDINGS = (
    "", "_mask", "-mask", "_masks", "_seg", "_label", "_labels", "_gt", "_segmentation", "_manual1", "_labelIds",
    "_gtFine_labelIds", "_gtFine_labelTrainIds",
)  # fmt: skip
# And after the image's own: Cityscapes, DRIVE, nnU-Net.
_IMAGE_ENDINGS = ("_leftImg8bit", "_training", "_test", "_image", "_img", "_0000")
# And after a scan's: the first channel of nnU-Net, and segmentations that `predict` writes.
_SCAN_ENDINGS = ("_0000", "_seg")


@dataclass(frozen=True)
class Pair:
    """An image file, its mask file and its patient; `name` is the image's name without ending.

    `others` are the files of further channels, in their order. `window` is the part of the files that it is, where they
    are too large to be read as a whole; the pair is then a piece of a picture, and has a name of its own.
    """

    name: str
    image: Path
    mask: Path
    patient: str = ""
    others: tuple[Path, ...] = ()
    window: Window | None = None

    @property
    def images(self) -> tuple[Path, ...]:
        """The files of all channels."""
        return (self.image, *self.others)

    @property
    def mask_part(self) -> FilePart:
        """The file of its mask, and which part of it."""
        return self.mask, self.window

    @property
    def called(self) -> tuple[str, ...]:
        """By what a list of files may name it: its patient, its name, and the picture's where it is a piece of one."""
        return (self.patient, self.name, *((stem(self.image),) if self.window else ()))


def list_images(folder: Path, *, scans: bool = False) -> list[Path]:
    """Picture files of a folder, or its scans, sorted by name; hidden files are left out.

    Pictures of its sub-folders are taken where it holds none itself.

    Raises:
        MaskwrightError: no such folder, or no picture (no scan) in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MaskwrightError("there is no such folder", where=folder, fix=_nearest(folder))
    endings = SCANS if scans else SUFFIXES
    found = scans_in(folder) if scans else _files(folder, endings)
    if not found and not scans:
        found = [path for inner in _inner(folder) for path in _files(inner, endings)]
    if not found:
        what = "scans" if scans else "images"
        raise MaskwrightError(f"holds no {what}", where=folder, fix=f"Accepted endings: {' '.join(endings)}.")
    return found if scans else sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    found = [path for path in folder.iterdir() if path.name.lower().endswith(endings) and path.is_file()]
    return [path for path in found if not path.name.startswith(".")]


def _inner(folder: Path) -> list[Path]:
    """All visible folders in a folder."""
    inner = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return [*inner, *(one for path in inner for one in _inner(path))]


def _nearest(folder: Path) -> str:
    parent = folder.absolute()
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    return f"The nearest folder that exists is {parent}. Set the right one in the configuration or with --set."


def match_pairs(
    images: Path, masks: Path, *, pattern: str | None = None, scans: bool = False
) -> tuple[list[Pair], list[Path]]:
    """Match images and masks (or scans and label maps) by name, never by position.

    Files of one name in another Unicode form have one name. Where one folder holds both, masks are told by their
    endings. Files of sub-folders belong together where their folders have the same names.

    Args:
        pattern: of the names of the masks; `*` stands for the image's name.

    Returns:
        Pairs in name order, and masks that no image asks for.

    Raises:
        MaskwrightError: a missing or empty folder, two files of one name, images without a mask (all are listed).
    """
    image_files, mask_files = (list_images(folder, scans=scans) for folder in (images, masks))
    together = images.resolve() == masks.resolve()
    names = {path: stem(path) for path in mask_files}
    if pattern:
        names = _by_pattern(mask_files, pattern)
        if together:
            image_files = [path for path in image_files if path not in names]
    elif together:
        image_files, their_masks = _told_apart(image_files)
        names = {path: names[path] for path in their_masks}
    named = _named(image_files, images)
    candidates = _by_place(names, masks)
    pairs, missing, used = [], [], set()
    for name, path in named.items():
        mask = _mask_of(
            path, images, candidates, ("",) if pattern else _MASK_ENDINGS, _SCAN_ENDINGS if scans else _IMAGE_ENDINGS
        )
        if mask is None:
            missing.append(path.name)
        elif mask in used:
            raise MaskwrightError(
                f"belongs to {path.name} and to another image",
                where=mask,
                fix="Rename one of them; where they are channels of one case, set data.channel_patterns.",
            )
        else:
            used.add(mask)
            pairs.append(Pair(name, path, mask))
    if missing:
        raise MaskwrightError(
            f"{len(missing)} of {len(named)} images have no mask of their name in {masks}: {shorten(missing)}",
            where=images,
            fix="Add the masks, set data.mask_pattern where they are named otherwise (as *_manual1.png), or move those "
            "images away.",
        )
    return sorted(pairs, key=lambda pair: pair.name), [path for path in names if path not in used]


def require_masks_apart(pairs: Sequence[Pair]) -> None:
    """Refuse images that are their own masks.

    Raises:
        MaskwrightError: naming them.
    """
    own = [pair.image for pair in pairs if pair.image.resolve() == pair.mask.resolve()]
    if own:
        raise MaskwrightError(
            f"{len(own)} images are their own masks: {shorten([path.name for path in own])}",
            where=own[0].parent,
            fix="Name the folder of the masks, or set data.mask_pattern where one folder holds both.",
        )


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _by_pattern(files: list[Path], pattern: str) -> dict[Path, str]:
    """What `*` stands for in the names of the files that are named so."""
    head, _, tail = (re.escape(part) for part in _nfc(pattern).partition("*"))
    expression = re.compile(head + "(.+)" + tail.replace(r"\*", ".*").replace(r"\?", "."))
    found = {path: expression.fullmatch(_nfc(path.name)) for path in files}
    return {path: match[1] for path, match in found.items() if match}


def _told_apart(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Images and masks of one folder: a mask has the name of another file and an ending."""
    names = {(path.parent, stem(path)) for path in files}
    masks = [
        path
        for path in files
        for end in _MASK_ENDINGS[1:]
        if stem(path).endswith(end)
        and any((path.parent, stem(path)[: -len(end)] + more) in names for more in ("", *_IMAGE_ENDINGS))
    ]
    taken = set(masks)
    return [path for path in files if path not in taken], list(dict.fromkeys(masks)) or files


def _named(files: list[Path], folder: Path) -> dict[str, Path]:
    """Files by name; those of sub-folders with their folders' names where two would have one."""
    if all(path.parent == folder for path in files):
        return by_stem(files)
    names = [stem(path) for path in files]
    if len(set(names)) == len(names):
        return dict(zip(names, files, strict=True))
    return {_nfc("_".join((*path.relative_to(folder).parent.parts, stem(path)))): path for path in files}


def _by_place(names: dict[Path, str], folder: Path) -> dict[tuple[str, str], Path]:
    """Masks by their sub-folder and name; and by name alone where there is one of it.

    Raises:
        MaskwrightError: two of one folder differ in nothing but their ending.
    """
    found: dict[tuple[str, str], Path] = {}
    for path, name in names.items():
        key = (_place(path, folder), name)
        if key in found:
            raise _same_name(found[key], path)
        found[key] = path
    alone = Counter(names.values())
    return {("", name): path for path, name in names.items() if alone[name] == 1} | found


def _place(path: Path, folder: Path) -> str:
    return "." if path == folder else _nfc(path.parent.relative_to(folder).as_posix())


def _mask_of(
    image: Path, folder: Path, masks: dict[tuple[str, str], Path], endings: Sequence[str], of_images: Sequence[str]
) -> Path | None:
    """The mask of an image: in the sub-folder of the same name, else the only one of its name."""
    bare = stem(image)
    names = [bare, *(bare[: -len(end)] for end in of_images if bare.endswith(end))]
    keys = [(place, name + end) for name in names for end in endings for place in (_place(image, folder), "")]
    return next((masks[key] for key in keys if key in masks), None)


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
            raise _same_name(found[name], path)
        found[name] = path
    return found


def _same_name(one: Path, other: Path) -> MaskwrightError:
    return MaskwrightError(
        f"{one.name} and {other.name} have the same name", where=other.parent, fix="Keep one of them."
    )


def shorten(items: Sequence[object], limit: int = 5) -> str:
    """The first few items and how many more there are."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(map(str, items[:limit])) + more
