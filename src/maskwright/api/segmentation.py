"""What a model found in one picture or scan, as a Python program uses it: arrays, a table, pictures, files."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.inference.in_memory import Labelled, structure_names
from maskwright.inference.overlay import overlay
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient
from maskwright.volumes.volume import SCREEN

if TYPE_CHECKING:
    from PIL.Image import Image

    from maskwright.api.taken import Taken
    from maskwright.models.metadata import Metadata

_SHOWN = ("label", "name", "pixels", "share", "area_mm2", "voxels", "volume_ml", "components")  # in a notebook
_WIDEST = 640  # px there


class Segmentation:
    """What a model found in one picture or scan; `Model.predict` makes it.

    In a notebook it shows itself: the overlay, and a table.
    """

    def __init__(self, found: Labelled, taken: Taken, metadata: Metadata, outline: tuple[int, int, int]) -> None:
        self._found, self._taken, self._metadata, self._outline = found, taken, metadata, outline

    @property
    def mask(self) -> np.ndarray:
        """Class numbers, uint8, 0 background: of the picture's or scan's own size and order of axes."""
        labels = self._found.labels
        array = labels.array if isinstance(labels, Volume) else labels
        return self._in_order(array)

    @property
    def probabilities(self) -> np.ndarray:
        """float32, as `mask` with the network's channels as a last axis: one of one structure, else each class's.

        Raises:
            MaskwrightError: of a scan, where they were not asked for.
        """
        if self._found.probabilities is None:
            raise MaskwrightError(
                "were not kept: those of a scan take much memory",
                where="probabilities",
                fix="Ask for them: model.predict(scan, probabilities=True).",
            )
        return self._in_order(self._found.probabilities)

    @property
    def classes(self) -> dict[int, str]:
        """Names of the numbers in the mask."""
        return dict(self._found.names)

    @property
    def volume(self) -> Volume:
        """The label map of a scan, with its place in the patient.

        Raises:
            MaskwrightError: of a picture.
        """
        if not isinstance(self._found.labels, Volume):
            raise MaskwrightError("is of a picture, which is no volume", where="the segmentation", fix="Take .mask.")
        return self._found.labels

    def overlay(self, place: int | None = None) -> Image:
        """The picture under its mask, as a PIL picture in colour.

        Args:
            place: of a scan the slice that is shown, counted from the feet; that with most of the mask where None.
        """
        from PIL import Image

        image, label = self._shown(place)
        return Image.fromarray(overlay(image, label, self._outline))

    def measures(self) -> list[dict[str, Any]]:
        """A row a structure, also of those that were not found, ready for `pandas.DataFrame`.

        Of a picture: `label`, `name`, `pixels`, `share` of the picture, and `area_mm2` where the size of its pixels is
        known. Of a scan: what `maskwright measure` finds, `volume_ml` and `surface_mm2` among it.
        """
        from maskwright.volumes.tables import columns

        picture = not isinstance(self._found.labels, Volume)
        nothing: dict[str, Any] = {"pixels": 0, "share": 0.0} if picture else {"voxels": 0, "volume_ml": 0.0}
        regions = bool(self._metadata.label_rule.regions)
        rows = []
        for key, name in structure_names(self._metadata).items():
            facts = self._found.structures.get(key, nothing)
            row = {"label": key if regions else int(key), "name": name, **columns(facts)}
            if picture and self._taken.spacing:
                row["area_mm2"] = facts["pixels"] * self._taken.spacing[0] * self._taken.spacing[1]
            rows.append(row)
        return rows

    def like_input(self) -> Any:
        """The mask as what the model was given: an image of nibabel (NIfTI, in mm) or SimpleITK, else an array."""
        original = self._taken.original
        if self._taken.transposed:
            import nibabel

            from maskwright.volumes.nifti import nifti_bytes

            return nibabel.Nifti1Image.from_bytes(nifti_bytes(self.volume, packed=False))
        if original is not None:
            import SimpleITK as sitk

            mask = sitk.GetImageFromArray(self.mask)
            mask.CopyInformation(original)
            return mask
        return self.mask

    def save(self, path: str | Path) -> Path:
        """Write the mask: of a picture as PNG of class numbers (0 and 255 of one structure), of a scan as NIfTI.

        Raises:
            MaskwrightError: another ending, something in the way, or the file cannot be written.
        """
        from maskwright.config.schema import PredictSection
        from maskwright.inference.masks import mask_bytes
        from maskwright.storage import write_bytes
        from maskwright.volumes.nifti import nifti_bytes

        path, labels = Path(path), self._found.labels
        endings: Sequence[str] = (".nii.gz", ".nii") if isinstance(labels, Volume) else (".png",)
        if not path.name.lower().endswith(tuple(endings)):
            raise MaskwrightError("is no name for it", where=path, fix=f"End it with {' or '.join(endings)}.")
        if path.exists():
            raise MaskwrightError("is there already", where=path, fix="Choose another name, or move it away.")
        if isinstance(labels, Volume):
            data = nifti_bytes(labels, packed=path.name.lower().endswith(".gz"))
        else:
            data = mask_bytes(labels, PredictSection(), self._metadata.label_rule.classes)
        write_bytes(path, data)
        return path

    def _in_order(self, array: np.ndarray) -> np.ndarray:
        if not self._taken.transposed:
            return array
        return np.ascontiguousarray(array.transpose(2, 1, 0, *range(3, array.ndim)))

    def _shown(self, place: int | None) -> tuple[np.ndarray, np.ndarray]:
        image, labels = self._found.image, self._found.labels
        if not (isinstance(image, Volume) and isinstance(labels, Volume)):
            assert isinstance(image, np.ndarray) and isinstance(labels, np.ndarray)
            return image, labels
        from maskwright.volumes.window import limits, to_grey

        scan, label = reorient(image, SCREEN).array, reorient(labels, SCREEN).array
        best = int((label > 0).sum(axis=(1, 2)).argmax()) if label.any() else len(label) // 2
        place = best if place is None else place
        if not -len(label) <= place < len(label):
            raise MaskwrightError(
                f"there is no slice {place}", where="overlay", fix=f"The scan has {len(label)}, from 0 on."
            )
        first = scan[..., 0] if scan.ndim == 4 else scan
        window = self._metadata.input_rule.window or "percentiles"
        return to_grey(first[place], *limits(window, first)), label[place]

    def __repr__(self) -> str:
        found = ", ".join(f"{row['name']} {_amount(row)}" for row in self.measures())
        return f"<Segmentation of {self._taken.where}: {found}>"

    def _repr_html_(self) -> str:
        from maskwright.shown import as_image, as_table

        rows = self.measures()
        shown = [name for name in _SHOWN if any(name in row for row in rows)]
        note = html.escape(str(self._taken.where))
        return f"<div>{as_image(self.overlay(), note, _WIDEST)}{as_table(rows, shown)}</div>"


def _amount(row: dict[str, Any]) -> str:
    return f"{row['volume_ml']:.3g} ml" if "volume_ml" in row else f"{row['share']:.1%}"
