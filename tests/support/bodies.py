"""Bodies of requests: good ones, and what may come instead."""

import gzip
import io
import struct
import zipfile
import zlib

import cv2
import numpy as np
from PIL import Image


def picture(height=64, width=64, seed=0, ending=".png"):
    """A picture of smooth blobs."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 5), None, 0, 255, cv2.NORM_MINMAX)
    return cv2.imencode(ending, smooth)[1].tobytes()


def nifti(array, spacing=(1.5, 1.0, 1.0), packed=True, dtype=None):
    """A NIfTI file of `(D, H, W)` values."""
    import nibabel

    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    data = nibabel.Nifti1Image(np.asarray(array, dtype).transpose(2, 1, 0), affine).to_bytes()
    return gzip.compress(data, 1) if packed else data


def zipped(entries):
    """A zip archive of names and bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def folder_zipped(folder):
    """The files of a folder."""
    return zipped({path.name: path.read_bytes() for path in sorted(folder.iterdir())})


def huge_png(width, height):
    """A small PNG that declares a huge picture, its pixels being all zero."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(width * height + height, 1 << 20)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bomb_nifti(megabytes):
    """Zeros behind a NIfTI header, packed a thousand times smaller."""
    head = nifti(np.zeros((4, 16, 16), np.int16), packed=False)
    return gzip.compress(head + bytes(int(megabytes * 1e6)), 9)


def bomb_zip(megabytes, entries=4):
    """Zeros in a zip archive."""
    return zipped({f"{number}.dcm": bytes(int(megabytes * 1e6 / entries)) for number in range(entries)})


def with_shape(data, shape):
    """A NIfTI file (not packed) whose header declares other sizes."""
    changed = bytearray(data)
    struct.pack_into("<8h", changed, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    return bytes(changed)


def tiff_of(width, height):
    """A TIFF whose header declares any size."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(buffer, "TIFF")
    data = bytearray(buffer.getvalue())
    for tag, value in ((256, width), (257, height)):
        place = data.find(struct.pack("<H", tag) + b"\x04\x00\x01")
        if place < 0:
            place = data.find(struct.pack("<H", tag) + b"\x03\x00\x01")
        struct.pack_into("<HHII", data, place, tag, 4, 1, value)
    return bytes(data)


def malformed(series, seed=0):
    """Pairs of what it is and its bytes, without end; every one must be refused.

    Args:
        series: bytes of the files of a DICOM series.
    """
    rng = np.random.default_rng(seed)
    good = [picture(), picture(ending=".jpg"), nifti(rng.integers(-1000, 1000, (4, 32, 32)), dtype=np.int16),
            nifti(np.zeros((3, 16, 16)), packed=False, dtype=np.int16), zipped({f"{i}.dcm": one for i, one in enumerate(series)})]  # fmt: skip
    plain = nifti(np.zeros((4, 16, 16)), packed=False, dtype=np.int16)
    nan = nifti(np.full((4, 16, 16), np.nan), dtype=np.float32)
    infinite = nifti(np.full((4, 16, 16), np.inf), dtype=np.float32)
    names = ["../../../../etc/passwd", "/etc/cron.d/x", "..\\..\\windows\\x", "a/../../b", "\x00", "con", "x" * 4000]
    whole = [
        ("empty", b""), ("text", b"hallo"), ("json", b'{"a": 1}'), ("html", b"<html></html>"), ("elf", b"\x7fELF" + bytes(500)),
        ("pdf", b"%PDF-1.7"), ("form", b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../x"\r\n\r\nabc\r\n--x--'),
        ("one pixel", picture(1, 1)), ("one row", picture(1, 64)), ("65,535 wide", huge_png(65535, 8)),
        ("65,535 square", huge_png(65535, 65535)), ("2^31 wide", huge_png((1 << 31) - 1, (1 << 31) - 1)),
        ("no width", huge_png(0, 0)), ("wide TIFF", tiff_of(65535, 65535)), ("NaN", nan), ("infinite", infinite),
        ("one voxel", nifti(np.zeros((1, 1, 1)), dtype=np.int16)), ("NIfTI bomb", bomb_nifti(200)), ("zip bomb", bomb_zip(200)),
        ("many files", zipped({f"{i}.dcm": b"" for i in range(5000)})), ("negative size", with_shape(plain, (-4, 16, 16))),
        ("huge size", with_shape(plain, (32767, 32767, 32767))), ("no size", with_shape(plain, (0, 0, 0))),
        ("seven dimensions", with_shape(plain, (16, 16, 4, 9, 9, 9, 9))), ("zip of nothing", zipped({})),
        ("zip of text", zipped({"a.txt": b"hallo"})), ("zip of zips", zipped({"a.zip": zipped({"a.dcm": b"x"})})),
        ("one slice", zipped({"a.dcm": series[0][:2000]})), ("DICOM cut short", series[0][: len(series[0]) // 2]),
        ("DICOM of nothing", b"\0" * 128 + b"DICM"), ("deflated", deflated(series[0])),
        *[(f"traversal {name[:12]!r}", zipped({name: b"root::0:0"})) for name in names if name != "\x00"],
    ]  # fmt: skip
    yield from whole
    while True:
        body = good[rng.integers(len(good))]
        way = rng.integers(4)
        if way == 0:
            yield "truncated", body[: int(len(body) * rng.uniform(0.02, 0.9))]
        elif way == 1:
            changed = bytearray(body)
            changed[: rng.integers(1, 8)] = rng.bytes(8)[: rng.integers(1, 8)]
            yield "wrong head", b"\x00" + bytes(changed)
        elif way == 2:
            yield "noise", rng.bytes(int(rng.integers(1, 4000)))
        else:
            yield whole[rng.integers(len(whole))]


def deflated(data):
    """A DICOM file that says that it is packed as a whole."""
    old = b"1.2.840.10008.1.2.1\x00"
    place = data.find(old[:-1])
    return data[:place] + b"1.2.840.10008.1.2.1.99" + data[place + 20 :]
