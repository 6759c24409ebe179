"""Reading DICOM segmentations as label maps: by their own geometry, or slice by slice on their scan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding
from maskwright.volumes.decoders import pixels
from maskwright.volumes.dicom_geometry import Plane, plane_of, stack
from maskwright.volumes.orient import reorient
from maskwright.volumes.volume import Source, Volume, check_affine

_NUMBER = re.compile(r"label (\d+)")  # in a segment's description: its number in the label map
_OPPOSITE = dict(zip("LRPAIS", "RLAPSI", strict=True))
_APART = 0.1  # of a voxel: how far a frame may lie beside its slice
_GROUPS = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")


def read_segmentation(path: Path, scan: Volume | None = None) -> Volume:
    """A DICOM segmentation as a label map; `source.details["names"]` has the names of its labels.

    Labels have the numbers that Maskwright wrote, else those of the segments. Segmentations without empty slices, or
    whose slices are sheared by a gantry tilt, are read too: the former need their scan.

    Args:
        scan: the series that it was made for; each frame is then put on the slice at its place.

    Raises:
        MaskwrightError: damaged, without geometry, with segments that overlap, or sparse and without its scan.
    """
    import highdicom

    with decoding(path, "cannot be read as a segmentation"):
        found = highdicom.seg.segread(path)
        table, names = _labels(found)
        frames = pixels(found)
        planes = _planes(found, path)
        segments = [_segment(groups) for groups in found.PerFrameFunctionalGroupsSequence]
        kind = str(found.SegmentationType)
        frames = frames[None] if frames.ndim == 2 else frames
        if not len(frames) == len(planes) == len(segments):
            raise ValueError("frames without a place")
        highest = max((int(frames.max()) if one is None else one for one in segments), default=0)
        if highest >= len(table) or min((one for one in segments if one is not None), default=0) < 0:
            raise ValueError("a segment that is not described")
    if kind == "FRACTIONAL":
        raise MaskwrightError(
            "holds shares of voxels (FRACTIONAL), and a label map holds whole ones",
            where=path,
            fix="Export it as BINARY.",
        )
    if scan is not None and scan.source.kind == "dicom" and frames.shape[1:] == scan.array.shape[1:3]:
        places, grid = _on_slices(planes, scan, path), (scan.array.shape[:3], scan.affine)
    else:
        places, grid = _own_places(planes, frames.shape[1:], path)
    array = np.zeros(grid[0], np.uint16)
    for frame, place, segment in zip(frames, places, segments, strict=True):
        values = table[frame] if segment is None else np.where(frame > 0, table[segment], 0).astype(np.uint16)
        here = values > 0
        if (array[place][here] != 0).any():
            raise MaskwrightError("has segments that overlap", where=path, fix="A label map holds one label a voxel.")
        array[place][here] = values[here]
    read = Volume(array, check_affine(grid[1], path), "SEG", Source("dicom-seg", path, {"names": names}))
    through, rows, columns = read.affine[:3, :3].T
    if scan is None and np.cross(columns, rows) @ through < 0:  # a series of slices is read the other way round
        letters = read.grid.orientation
        read = reorient(read, _OPPOSITE[letters[0]] + letters[1:])
    return read


def _labels(found: Any) -> tuple[np.ndarray, dict[int, str]]:
    """The label of each segment number, and the labels' names."""
    table, names = np.zeros(int(max(found.segment_numbers)) + 1, np.uint16), {}
    for number in found.segment_numbers:
        segment = found.get_segment_description(number)
        noted = _NUMBER.fullmatch(str(segment.get("SegmentDescription", "")))
        table[number] = int(noted[1]) if noted else number
        names[int(table[number])] = str(segment.segment_label)
    return table, names


def _segment(groups: Any) -> int | None:
    """The segment of a frame; None where its pixels are segment numbers themselves (PS3.3 A.51, LABELMAP)."""
    if "SegmentIdentificationSequence" not in groups:
        return None
    return int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def _planes(found: Any, path: Path) -> list[Plane]:
    shared = found.SharedFunctionalGroupsSequence[0]
    planes = []
    for number, groups in enumerate(found.PerFrameFunctionalGroupsSequence):
        merged: dict[str, Any] = {}
        for source in (shared, groups):
            for name in _GROUPS:
                if name in source:
                    merged |= {element.keyword: element.value for element in source[name][0]}
        planes.append(plane_of(merged, f"{path}, frame {number + 1}"))
    return planes


def _on_slices(planes: list[Plane], scan: Volume, path: Path) -> list[int]:
    """The slice of a scan that each frame lies on."""
    to_ras = np.diag([-1.0, -1.0, 1.0])
    corners = np.stack([scan.affine @ [index, 0, 0, 1] for index in range(scan.array.shape[0])])[:, :3]
    limit = _APART * min(scan.grid.spacing)
    found = []
    for plane in planes:
        apart = np.linalg.norm(corners - to_ras @ plane.position, axis=1)
        axes = np.stack([to_ras @ plane.rows * plane.spacing[0], to_ras @ plane.columns * plane.spacing[1]], axis=1)
        if apart.min() > limit or np.abs(axes - scan.affine[:3, 1:3]).max() > limit / max(scan.array.shape[1:3]) + 1e-3:
            raise MaskwrightError(
                f"does not lie on its scan {scan.name}: {plane.name} is {apart.min():.2f} mm beside the nearest slice",
                where=path,
                fix="Name the series that it was made for.",
            )
        found.append(int(apart.argmin()))
    return found


def _own_places(
    planes: list[Plane], size: tuple[int, ...], path: Path
) -> tuple[list[int], tuple[tuple[int, int, int], np.ndarray]]:
    """The place of each frame in the stack that they make by themselves, and its shape and affine."""
    heights = np.array([plane.height for plane in planes])
    near = 0.01 * min(planes[0].spacing)
    starts = np.flatnonzero(np.diff(np.sort(heights), prepend=-np.inf) > near)
    distinct = np.sort(heights)[starts]
    numbers = [int(np.abs(distinct - height).argmin()) for height in heights]
    firsts = [planes[numbers.index(place)] for place in range(len(distinct))]
    try:
        found = stack(firsts, path)
    except MaskwrightError as error:
        raise MaskwrightError(
            f"leaves out slices, or has one only, so that it makes no volume by itself ({error.what})",
            where=path,
            fix="Give its scan too (measure --image), or export it with its empty slices.",
        ) from None
    rank = {place: position for position, place in enumerate(found.order)}
    return [rank[number] for number in numbers], ((len(distinct), int(size[0]), int(size[1])), found.affine)
