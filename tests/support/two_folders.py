"""Two folders of masks, and what `score` says of them."""

import json

import cv2
import numpy as np
from scans import SERIES_AFFINE

from maskwright.cli import main
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti

CLASSES = np.add.outer(np.arange(24) // 8, np.zeros(30, int)).astype(np.uint8)  # three bands: 0, 1, 2


def coded(labels, codes):
    return np.array(codes)[labels]


def write(folder, *masks, suffix="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(masks):
        path = folder / f"P{number}.{suffix}"
        if suffix == "nii.gz":
            write_nifti(Volume(mask.astype(np.uint16), SERIES_AFFINE), path)
        else:
            assert cv2.imwrite(str(path), mask if mask.dtype == np.uint16 else mask.astype(np.uint8))
    return folder


def score(capsys, found, true, *more):
    code = main(["score", str(found), str(true), "--json", "--quiet", *map(str, more)])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def dice(found, true, known):
    both = np.count_nonzero(found & known) + np.count_nonzero(true & known)
    return 2 * np.count_nonzero(found & true & known) / both if both else None
