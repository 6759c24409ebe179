"""`docs/reference/files.md`: what is read, how, and what is refused with which words; found out by making files and reading them.

python tests/support/files_page.py > docs/reference/files.md
"""

import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import files_made as made
import scans_made

from maskwright.config.loading import from_overrides
from maskwright.data.images import read_header, read_image
from maskwright.data.mask_meaning import decide
from maskwright.data.mask_values import look
from maskwright.data.pairs import match_pairs
from maskwright.errors import MaskwrightError
from maskwright.volumes.read import read_labels, read_volume
from maskwright.volumes.sources import scans_in

HEAD = """# Files in

What Maskwright reads, how, and what it refuses with which words. This page is made by `make docs`, which makes a file of
each kind and reads it; a test compares. Files go by what is in them: a JPEG called `.png` is a JPEG.
"""


def described(path):
    """How a picture is read, in words."""
    array, header = read_image(path), read_header(path)
    shape = " x ".join(map(str, (array.shape[1], array.shape[0])))
    channels = 1 if array.ndim == 2 else array.shape[2]
    lossy = ", compressed with losses" if header.lossy else ""
    turned = f", turned (orientation {header.orientation})" if header.orientation != 1 else ""
    return f"{shape} px, {channels} x {array.dtype}, {array.min():g} to {array.max():g}{turned}{lossy}"


def of_scan(path):
    """How a scan is read, in words."""
    scan = read_volume(path)
    size = " x ".join(map(str, scan.grid.shape))
    spacing = " x ".join(f"{value:.3g}" for value in scan.grid.spacing)
    told = "".join(f"; {note}" for note in scan.source.notes)
    return f"{size} voxels, {spacing} mm, {scan.array.dtype}, {scan.array.min():g} to {scan.array.max():g}{told}"


def of_labels(path):
    """How a label map is read, in words."""
    labels = read_labels(path)
    return f"{' x '.join(map(str, labels.grid.shape))} voxels, numbers {', '.join(map(str, np.unique(labels.array)))}"


def of_masks(folder, count=1, *overrides):
    """What masks mean, in words."""
    section = from_overrides(list(overrides)).mask
    names = ["background", *(f"class {number}" for number in range(1, max(count, 2)))]
    found = decide(section, count, names, look({"train": sorted(folder.iterdir())}))
    return found.why + "".join(f"; {note}" for note in found.notes)


def of_pairs(folder):
    """Which mask belongs to which image, in words."""
    images, masks = folder / "images", folder / "masks"
    pairs, spare = match_pairs(images if images.is_dir() else folder, masks if masks.is_dir() else folder)
    told = ", ".join(f"{pair.image.relative_to(folder)} with {pair.mask.relative_to(folder)}" for pair in pairs)
    return told + (f"; left over: {', '.join(path.name for path in spare)}" if spare else "")


def of_folder(folder):
    """Which scans a folder holds, in words."""
    return ", ".join("the folder itself" if path == folder else path.name for path in scans_in(folder))


def row(root, name, make, tell):
    """A line of a table: what the file is, and how it is read or with which words it is refused."""
    folder = root / "here"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = make(folder)
    try:
        text = tell(folder if path is None else path)
    except MaskwrightError as error:
        text = f"**refused:** {error.what}" + (f" *{error.fix}*" if error.fix else "")
    plain = text.replace(f"{folder}/", "").replace(str(folder), "the folder").replace("|", "\\|").replace("\n", " ")
    return f"| {name} | {' '.join(plain.split())} |"


def page():
    """The whole page."""
    parts = [HEAD]
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for title, text, rows, tell in (
            ("Pictures", "Images, and masks before it is decided what their values mean.", made.PICTURES, described),
            ("What masks mean", made.MEANING, made.masks(of_masks), None),
            ("Names", "Images and masks belong together by their names, never by their order.", made.NAMES, of_pairs),
            ("Scans", "", scans_made.SCANS, of_scan),
            ("Label maps", "", scans_made.LABELS, of_labels),
            (
                "Folders of scans",
                "What `prepare`, `predict`, `measure` and `score` take.",
                scans_made.FOLDERS,
                of_folder,
            ),
        ):
            parts.append(f"## {title}\n" + (f"\n{text}\n" if text else ""))
            lines = []
            for name, make, *own in rows:
                lines.append(row(root, name, make, own[0] if own else tell))
            parts.append("\n".join(["| file | how it is read |", "|---|---|", *lines]) + "\n")
    parts.append(made.TAIL)
    return "\n".join(parts)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.stdout.write(page())
