"""Reading picture files: any common format and depth, strictly, and never more than was asked for.

Pillow decodes what has 8 bits a channel, because it refuses truncated files; OpenCV decodes 16-bit and float ones,
which Pillow would reduce.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from maskwright.errors import MaskwrightError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
LOSSY_SUFFIXES = (".jpg", ".jpeg")
# A picture of more pixels than this is taken for a decompression bomb: 16384 x 16384.
MAX_PIXELS = 1 << 28

_DEEP_MODES = {"I;16", "I;16B", "I;16L", "I", "F"}


class UnreadableImage(MaskwrightError):
    """A file that is no picture, or only part of one."""


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) from the file's header, without decoding it.

    Raises:
        UnreadableImage: no file, empty, no picture, or one that declares more than `MAX_PIXELS`.
    """
    with _open(path) as picture:
        width, height = picture.size
        turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (width, height) if turned else (height, width)


def read_image(path: Path, *, palette: bool = False) -> np.ndarray:
    """Decode a picture.

    Args:
        path: jpg, png, bmp, tif or tiff.
        palette: keep the numbers of a palette picture (class numbers of a mask) instead of its colours.

    Returns:
        `(H, W)` grey or `(H, W, 3)` red, green, blue; uint8, uint16 or float32. An alpha channel is dropped, and the
        rotation that a camera noted is applied.

    Raises:
        UnreadableImage: no file, empty, truncated, no picture, several pages, or declared too large.
    """
    with _open(path) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise UnreadableImage(
                f"holds {picture.n_frames} pages, not one picture", where=path, fix="Save its pages as single files."
            )
        try:
            if _is_deep(picture, path):
                picture.load()
                return _read_deep(path)
            if picture.mode == "P" and not palette:
                picture = picture.convert("RGB")
            elif picture.mode not in {"L", "RGB", "P"}:
                picture = picture.convert("L" if picture.mode in {"1", "LA"} else "RGB")
            picture = ImageOps.exif_transpose(picture)
            return np.asarray(picture)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise UnreadableImage(
                f"is damaged or cut short ({error})", where=path, fix="Copy it again from its source, or remove it."
            ) from None


def _open(path: Path) -> Image.Image:
    try:
        if path.stat().st_size == 0:
            raise UnreadableImage("is an empty file", where=path, fix="Copy it again from its source, or remove it.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the limit below is ours
            picture = Image.open(path)
    except FileNotFoundError:
        raise UnreadableImage("there is no such file", where=path) from None
    except Image.DecompressionBombError as error:
        raise _too_large(path, str(error)) from None
    except UnidentifiedImageError:
        return _open_by_opencv(path)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableImage(f"cannot be read ({error})", where=path) from None
    if picture.width * picture.height > MAX_PIXELS:
        size = f"{picture.width} x {picture.height} pixels"
        picture.close()
        raise _too_large(path, size)
    return picture


def _too_large(path: Path, what: str) -> UnreadableImage:
    return UnreadableImage(
        f"declares too large a picture ({what}; at most {MAX_PIXELS:,} pixels are read)",
        where=path,
        fix="Cut it into smaller pictures.",
    )


def _is_deep(picture: Image.Image, path: Path) -> bool:
    if picture.mode in _DEEP_MODES:
        return True
    if picture.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24] == 16  # the bit depth in the IHDR chunk (PNG specification, 11.2.2)
    return False


def _open_by_opencv(path: Path) -> Image.Image:
    """TIFFs with three 16-bit or float channels, which Pillow does not know."""
    if path.suffix.lower() not in {".tif", ".tiff"}:
        raise UnreadableImage(
            "is no picture that can be read",
            where=path,
            fix=f"Accepted: {' '.join(SUFFIXES)}; is its name's ending right?",
        )
    return _DeepTiff(_read_deep(path))


class _DeepTiff(Image.Image):
    """A decoded deep TIFF where the caller expects a Pillow picture; only its size and mode are asked for."""

    def __init__(self, array: np.ndarray) -> None:
        super().__init__()
        self._size = (array.shape[1], array.shape[0])
        self._mode = "F"

    def load(self) -> None:  # type: ignore[override]
        """Already decoded by OpenCV."""


def _read_deep(path: Path) -> np.ndarray:
    # imdecode instead of imread: OpenCV cannot open names outside the code page on Windows.
    try:
        array = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableImage(f"cannot be decoded ({error.err})", where=path) from None
    if array is None:
        raise UnreadableImage(
            "is damaged, or no picture that can be read", where=path, fix=f"Accepted: {' '.join(SUFFIXES)}."
        )
    if array.ndim == 3:
        array = array[..., 0] if array.shape[2] == 2 else array[..., 2::-1]
    if array.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(array)
    if not np.isfinite(array).all():
        raise UnreadableImage(
            "holds values that are not finite (NaN or infinity)",
            where=path,
            fix="Replace them, for example by the background's level.",
        )
    return np.ascontiguousarray(array, dtype=np.float32)
