"""Pictures that are too large to lie in memory, as pieces of them that do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from maskwright.data.images import read_header
from maskwright.data.pairs import Pair
from maskwright.data.slides import LARGE, open_slide, pieces
from maskwright.data.tiff import UnreadableImage
from maskwright.errors import MaskwrightError

EDGE = 4096  # px of the largest piece along either side


def in_pieces(pairs: Iterable[Pair], intensity: str = "unit") -> list[Pair]:
    """Pairs, and in place of each whose picture is read by windows the pieces that cover it.

    A piece has its picture's patient and a name of its own, so that all that counts patients takes them together.

    Args:
        intensity: as in the configuration's [data].

    Raises:
        MaskwrightError: a mask of another size than its picture's, or one that cannot be read by windows; or levels are
            to be normalised by each picture as a whole.
    """
    found = []
    for pair in pairs:
        try:
            slide = open_slide(pair.image)
        except (OSError, UnreadableImage):
            slide = None  # told where it is read
        if slide is None:
            found.append(pair)
            continue
        if intensity == "zscore":
            raise MaskwrightError(
                f"cannot be normalised as a whole: it is {slide.width} x {slide.height} px",
                where=pair.image,
                fix='Set data.intensity = "unit".',
            )
        size = slide.height, slide.width
        _require_mask(pair, size)
        for window in pieces(*size, EDGE):
            found.append(replace(pair, name=f"{pair.name}_r{window[0]:06}_c{window[1]:06}", window=window))
    return found


def _require_mask(pair: Pair, size: tuple[int, int]) -> None:
    header = read_header(pair.mask)
    if (header.height, header.width) != size:
        raise MaskwrightError(
            f"is {header.width} x {header.height} px, and its image {pair.image} is {size[1]} x {size[0]}",
            where=pair.mask,
            fix="Image and mask must have the same size.",
        )
    if open_slide(pair.mask) is None:
        raise MaskwrightError(
            f"is {header.width} x {header.height} px, and only TIFFs of more than {LARGE:,} are read by windows",
            where=pair.mask,
            fix="Save the mask as a TIFF with tiles, uncompressed or with deflate.",
        )
