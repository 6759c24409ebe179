"""What is known of each pair once it was read: size, depth, levels, class shares, content, and a thumbnail."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.images import read_header, read_images
from maskwright.data.mask_files import read_label, read_mask
from maskwright.data.pairs import Pair, shorten
from maskwright.data.slides import Window
from maskwright.data.thumbnails import thumbnail, volume_thumbnail
from maskwright.errors import MaskwrightError, together
from maskwright.labels.rule import LabelRule
from maskwright.untrusted.arrays import read_npy

_THREADS = 4
_PART = 1 << 22  # bytes of a file that are in memory while it is hashed


@dataclass(frozen=True)
class Record:
    """One pair, read.

    Attributes:
        height, width: of the image, in px. dtype: of its levels. low, high: smallest and largest level.
        class_pixels: pixels of each class (or region) in the label, without ignored ones.
        image_hash, mask_hash: of the files' bytes.
        channels: of a picture or scan. depth, spacing: of a scan: slices, and mm along slices, rows and columns.
        thumbnail: `(128, 128)` uint8 of a picture, `(4, 64, 64)` of a scan, for finding near-identical ones.
    """

    name: str
    patient: str
    height: int
    width: int
    dtype: str
    low: float
    high: float
    class_pixels: list[int]
    image_hash: str
    mask_hash: str
    thumbnail: np.ndarray = field(repr=False, compare=False, default_factory=lambda: np.zeros((0, 0), np.uint8))
    channels: int = 1
    depth: int = 1
    spacing: tuple[float, ...] = ()

    def wrong(self) -> str | None:
        """What no record of a real pair has, in words; for one that came out of a file."""
        sizes = {"height": self.height, "width": self.width, "channels": self.channels, "depth": self.depth}
        if least := [name for name, size in sizes.items() if size < 1]:
            return f"{least[0]} of {self.name} is {sizes[least[0]]}"
        if min(self.class_pixels, default=-1) < 0 or not self.low <= self.high:
            return f"{self.name} has pixels {self.class_pixels[:5]} of its classes, levels {self.low} to {self.high}"
        if len(self.spacing) not in (0, 3) or not all(step > 0 for step in self.spacing):
            return f"spacing of {self.name} is {self.spacing}"
        return None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the thumbnail."""
        return {key: value for key, value in asdict(self).items() if key != "thumbnail"}


def read_thumbnails(path: Path, count: int, fix: str) -> np.ndarray:
    """The thumbnails of so many records, as they lie in one file.

    Raises:
        MaskwrightError: the file is damaged, or holds another number of them.
    """
    pictures = read_npy(path, fix=fix, what="is a damaged file of thumbnails")
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4) or len(pictures) != count:
        what = f"is a damaged file of thumbnails: {pictures.dtype} of the shape {pictures.shape}, for {count} pairs"
        raise MaskwrightError(what, where=path, fix=fix)
    return pictures


def file_hash(*paths: Path, window: Window | None = None) -> str:
    """BLAKE2b of a file's bytes, or of the bytes of several, 128 bits; with a window of that part of them."""
    if window is not None:  # of files that have hundreds of them
        each = [_hash_of((path,), path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
        return hashlib.blake2b(f"{each} {window}".encode(), digest_size=16).hexdigest()
    return _digest(paths)


@functools.lru_cache(maxsize=256)
def _hash_of(paths: tuple[Path, ...], changed: int, size: int) -> str:
    return _digest(paths)


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    return digest.hexdigest()


def read_pair(pair: Pair, rule: LabelRule) -> tuple[np.ndarray, np.ndarray]:
    """Decode a pair: the image as it is in the file, and its label of the same size.

    Raises:
        MaskwrightError: a file cannot be read, the sizes differ, or the mask holds values that no class describes.
    """
    image = read_images(pair.images, pair.window)
    label = read_label(pair.mask, rule, pair.window)
    if image.shape[:2] != label.shape:
        raise _sizes_differ(pair, image.shape, label.shape)
    return image, label


def examine(
    pairs: Sequence[Pair],
    rule: LabelRule,
    *,
    step: Callable[[], None] | None = None,
) -> list[Record]:
    """Read every pair once, several at a time.

    Raises:
        MaskwrightError: with the whole list of files that cannot be used.
    """

    def one(pair: Pair) -> Record | MaskwrightError:
        try:
            image, label = read_pair(pair, rule)
            return describe_pair(pair, image, label, rule)
        except MaskwrightError as error:
            return error
        finally:
            if step is not None:
                step()

    with ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(one, pairs))
    errors = [result for result in results if isinstance(result, MaskwrightError)]
    if errors:
        raise together(errors, f"{len(pairs)} pairs")
    return [result for result in results if isinstance(result, Record)]


def depths(pairs: Sequence[Pair]) -> set[str]:
    """The depths of the images (`uint8`, …), from their headers.

    Raises:
        MaskwrightError: at the first file whose header cannot be read.
    """
    return {read_header(path).dtype for pair in pairs for path in pair.images}


def common_dtype(depths: set[str]) -> str:
    """The depth that holds all pictures of a data set.

    Raises:
        MaskwrightError: integers and floats are mixed, so that no common scale exists.
    """
    if "float32" in depths and len(depths) > 1:
        raise MaskwrightError(
            f"pictures of {' and '.join(sorted(depths))} are mixed",
            where="[data]",
            fix="Save all as floats or all as integers.",
        )
    return "float32" if "float32" in depths else "uint16" if "uint16" in depths else "uint8"


def complete(error: MaskwrightError, pairs: Sequence[Pair]) -> MaskwrightError:
    """`error` with everything else that is wrong with the files of `pairs`, so that all can be mended at once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        found = [one for several in pool.map(_trouble, pairs) for one in several]
    return together(found, f"{len(pairs)} pairs") if found else error


def _trouble(pair: Pair) -> list[MaskwrightError]:
    shapes, errors = [], []
    for read in (lambda: read_images(pair.images, pair.window), lambda: read_mask(pair.mask, pair.window).array):
        try:
            shapes.append(read().shape[:2])
        except MaskwrightError as error:
            errors.append(error)
    if not errors and shapes[0] != shapes[1]:
        errors.append(_sizes_differ(pair, shapes[0], shapes[1]))
    return errors


def _sizes_differ(pair: Pair, image: tuple[int, ...], mask: tuple[int, ...]) -> MaskwrightError:
    rotation = read_header(pair.image).orientation
    noted = f" after the rotation that its camera noted (orientation {rotation})" if rotation != 1 else ""
    return MaskwrightError(
        f"is {mask[1]} x {mask[0]} px, and its image {pair.image} is {image[1]} x {image[0]}{noted}",
        where=pair.mask,
        fix="Turn the mask as the image is shown." if noted else "Image and mask must have the same size.",
    )


def describe_pair(pair: Pair, image: np.ndarray, label: np.ndarray, rule: LabelRule) -> Record:
    """The record of a decoded pair."""
    return Record(
        name=pair.name,
        patient=pair.patient,
        height=image.shape[0],
        width=image.shape[1],
        channels=1 if image.ndim == 2 else image.shape[2],
        dtype=str(image.dtype),
        low=float(image.min()),
        high=float(image.max()),
        class_pixels=rule.pixels(label),
        image_hash=file_hash(*pair.images, window=pair.window),
        mask_hash=file_hash(pair.mask, window=pair.window),
        thumbnail=thumbnail(image),
    )


def describe_volume(
    pair: Pair, scan: np.ndarray, label: np.ndarray, rule: LabelRule, spacing: tuple[float, ...] = ()
) -> Record:
    """The record of a scan `(D, H, W[, C])` and its label `(D, H, W)`; height and width are of its slices."""
    return Record(
        name=pair.name,
        patient=pair.patient,
        height=scan.shape[1],
        width=scan.shape[2],
        dtype="float32",
        low=float(scan.min()),
        high=float(scan.max()),
        class_pixels=rule.pixels(label),
        image_hash=file_hash(*pair.images),
        mask_hash=file_hash(pair.mask),
        channels=1 if scan.ndim == 3 else scan.shape[3],
        depth=scan.shape[0],
        spacing=tuple(float(step) for step in spacing),
        thumbnail=volume_thumbnail(scan),
    )


def require_every_class(records: Iterable[Record], names: Sequence[str], nowhere: frozenset[int] = frozenset()) -> None:
    """Refuse to train on a class that no training mask has.

    Args:
        nowhere: numbers of classes that no mask of any part has, which a user was told.

    Raises:
        MaskwrightError: naming the classes.
    """
    totals = np.sum([record.class_pixels for record in records], axis=0)
    absent = [names[number] for number, total in enumerate(totals) if total == 0 and number not in nowhere]
    if absent:
        raise MaskwrightError(
            f"{shorten(absent)} occurs in no training mask",
            where="[data.train] masks",
            fix="Check mask.format, mask.threshold, mask.levels or mask.colors, or model.num_classes.",
        )
