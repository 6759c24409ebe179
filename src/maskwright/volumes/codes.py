"""SNOMED CT codes of structures by their names, for DICOM segmentations (PS3.16)."""

from __future__ import annotations

import re
from typing import NamedTuple


class Code(NamedTuple):
    """A code value of a scheme, and what it means."""

    value: str
    scheme: str
    meaning: str


BODY = Code("123037004", "SCT", "Anatomical Structure")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
_LESION = Code("52988006", "SCT", "Lesion")
_ABNORMAL_WORDS = {
    "tumor",
    "tumour",
    "lesion",
    "cancer",
    "carcinoma",
    "metastasis",
    "cyst",
    "edema",
    "necrosis",
    "nodule",
}
# Names that DICOM's list of keywords does not have in this form.
_OTHER = {
    "anterior hippocampus": Code("5366008", "SCT", "Hippocampus"),
    "posterior hippocampus": Code("5366008", "SCT", "Hippocampus"),
    "hippocampus": Code("5366008", "SCT", "Hippocampus"),
    "gall bladder": Code("28231008", "SCT", "Gallbladder"),
}


def structure(name: str) -> tuple[Code, Code]:
    """Category and type of a structure named in plain words; a name without a code of its own is a body structure."""
    from pydicom.sr.codedict import codes

    words = re.findall(r"[a-z]+", name.lower())
    if _ABNORMAL_WORDS & set(words):
        return ABNORMAL, _LESION
    plain = " ".join(word for word in words if word not in {"left", "right"})
    if plain in _OTHER:
        return BODY, _OTHER[plain]
    for keyword in dict.fromkeys(("".join(word.title() for word in chosen)) for chosen in (words, plain.split())):
        found = getattr(codes.SCT, keyword, None) if keyword else None
        if found is not None:
            return BODY, Code(found.value, found.scheme_designator, found.meaning)
    return BODY, BODY
