"""What a user should know of the files of a data set: those that are not read, and pictures that a camera turned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from maskwright.data.images import SUFFIXES, UnreadableImage, read_header
from maskwright.data.pairs import Pair, shorten
from maskwright.volumes.read import SUFFIXES as SCANS

# What lies beside pictures and scans and is neither.
_BESIDE = (
    ".txt", ".csv", ".tsv", ".json", ".xml", ".md", ".toml", ".yaml", ".yml", ".html", ".pdf", ".log", ".py", ".ini",
    ".config", ".xlsx", ".docx", ".zip", ".tar", ".gz", ".db", ".md5", ".raw", ".zraw", ".bval", ".bvec",
)  # fmt: skip
_MIRRORED = {2, 4, 5, 7}
_TURNS = {3: " and turned by 180°", 4: " and turned by 180°"} | dict.fromkeys((5, 6, 7, 8), " and turned by 90°")


def remarks(data: Any, splits: dict[str, list[Pair]], *, scans: bool = False) -> Iterator[str]:
    """Sentences on the files of a data set.

    Args:
        data: the configuration's [data]. splits: the pairs that were found in its folders.
        scans: these are scans and label maps.
    """
    pairs = [pair for several in splits.values() for pair in several]
    used = {path for pair in pairs for path in (*pair.images, pair.mask)}
    sections = [data] if data.images is not None else [getattr(data, part) for part in splits]
    folders = [(section.images, section.masks) for section in sections if section.images is not None]
    for images, masks in dict.fromkeys(folders):
        yield from unread(images, scans=scans, without=masks)
        if masks is None or data.channel_patterns:
            continue
        if masks.resolve() != images.resolve():
            yield from unread(masks, scans=scans)
        endings = SCANS if scans else SUFFIXES
        spare = [path.name for path in _visible(masks) if path not in used and path.name.lower().endswith(endings)]
        if spare and masks.resolve() != images.resolve():
            yield f"{len(spare)} masks of {masks} belong to no image: {shorten(spare)}"
    if not scans:
        yield from turned(pairs)


def folders_of(data: Any) -> list[Path]:
    """The folders of images and masks that [data] names."""
    sections = [data, data.train, data.valid, data.test]
    return [folder for one in sections for folder in (one.images, one.masks) if folder is not None]


def unread(folder: Path, *, scans: bool = False, without: Path | None = None) -> Iterator[str]:
    """Files of a folder that are neither pictures (scans) that can be read nor what lies beside such.

    Args:
        without: a sub-folder that is read for itself.
    """
    read, others = (SCANS, SUFFIXES) if scans else (SUFFIXES, SCANS)
    names = [path.name for path in _visible(folder) if path.is_file() and not path.name.lower().endswith(read)]
    strange = [name for name in names if name.lower().endswith(others) or not name.lower().endswith(_BESIDE)]
    if strange:
        kinds = Counter(Path(name).suffix.lower() or "without ending" for name in strange)
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(5))
        yield f"{len(strange)} files of {folder} are not read ({counted}): {shorten(strange)}"
    if not scans:
        pictures = any(path.name.lower().endswith(SUFFIXES) for path in _visible(folder))
        inner = Counter(
            path.name
            for path in _visible(folder)
            if pictures and path.is_dir() and path != without
            for one in _visible(path)
            if one.name.lower().endswith(SUFFIXES)
        )
        if inner:
            named = ", ".join(f"{name} ({count})" for name, count in inner.most_common(5))
            yield f"pictures in sub-folders of {folder} are not read, because it holds some itself: {named}"


def turned(pairs: Sequence[Pair]) -> Iterator[str]:
    """Pictures that a camera turned and whose masks say nothing of it."""
    found: dict[int, list[str]] = {}
    for pair in pairs:
        try:
            image, mask = (read_header(path).orientation for path in (pair.image, pair.mask))
        except UnreadableImage:
            continue  # named where it is read
        if image != mask:
            found.setdefault(image if image != 1 else mask, []).append(pair.image.name)
    for orientation, names in sorted(found.items()):
        how = ("mirrored" if orientation in _MIRRORED else "") + _TURNS.get(orientation, "")
        yield (
            f"{len(names)} pictures are {how.removeprefix(' and ')} when they are read (orientation {orientation} in "
            f"the file), and their masks are not: {shorten(names, 3)}; each mask must lie on the picture as it is shown"
        )


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
