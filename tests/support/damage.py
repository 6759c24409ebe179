"""Damaged DICOM: what a disc, a line or an attacker makes of a good series."""

from hypothesis import strategies as st

FOREIGN = ("pydicom", "highdicom", "gdcm", "zipfile", "force=", "dcmread", "Traceback", "NoneType", "object has no",
           "unpack requires", "Bad CRC", "not supported", "Unknown Value Representation")  # fmt: skip


def edits(length):
    """Ways to damage a file of that many bytes."""
    places = st.integers(0, length - 1)
    return st.one_of(
        st.tuples(st.just("flip"), st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=5)),
        st.tuples(st.just("cut"), places),
        st.tuples(st.just("remove"), st.tuples(places, st.integers(1, 12))),
        st.tuples(st.just("insert"), st.tuples(places, st.binary(min_size=1, max_size=8))),
    )


def damaged(body, edit):
    """The bytes after an edit."""
    way, what = edit
    body = bytearray(body)
    if way == "flip":
        for place, value in what:
            body[place] = value
    elif way == "cut":
        del body[what:]
    elif way == "remove":
        del body[what[0] : what[0] + what[1]]
    else:
        body[what[0] : what[0]] = what[1]
    return bytes(body)
