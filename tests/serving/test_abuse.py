"""Whatever comes is answered with 4xx, and the service lives on; `benchmarks/service.py` sends 2,000 of these."""

import itertools
import zlib

import bodies
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scans import write_series
from service import RULE, running

from maskwright.serving.intake import HEAD, Upload, kind_of, read_picture, read_scan
from maskwright.serving.limits import Limits, Refused


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    pytest.importorskip("pydicom")
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, np.random.default_rng(0).integers(-500, 500, (4, 32, 32)).astype(np.int16))
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_malformed_bodies(files):
    with running() as service:
        for name, body in itertools.islice(bodies.malformed(files), 150):
            status, found = service.segment(body, method="POST")
            assert 400 <= status < 500, name
            assert found["error"]["what"] and "/tmp" not in str(found), name
        assert service.segment(bodies.picture())[0] == 200 and service.gate.inside == 0


GOOD = {"png": bodies.picture(40, 40), "jpg": bodies.picture(40, 40, ending=".jpg"), "tif": bodies.picture(40, 40, ending=".tif"),
        "nifti": bodies.nifti(np.zeros((4, 16, 16)), packed=False, dtype=np.int16), "packed": bodies.nifti(np.zeros((4, 16, 16)), dtype=np.int16)}  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_of_a_file_is_read_or_refused(tmp_path, data):
    body = bytearray(GOOD[data.draw(st.sampled_from(sorted(GOOD)))])
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, min(len(body), 400) - 1))] = data.draw(st.integers(0, 255))
    body = bytes(body[: data.draw(st.integers(0, len(body)))]) if data.draw(st.booleans()) else bytes(body)
    limits = Limits(unpacked_megabytes=1, pixels=100_000, voxels=100_000)
    try:
        kind, ending = kind_of(body[:HEAD])
        path = tmp_path / limits.file_name(ending)
        path.write_bytes(body)
        upload = Upload(kind, path)
        found = read_scan(upload, limits, RULE).array if upload.is_scan else read_picture(upload, limits, 1)
        assert found.size <= 3 * 100_000
    except Refused as refused:
        assert 400 <= refused.status < 500 and str(tmp_path) not in refused.what


def test_a_bomb_is_noticed_while_it_is_small(tmp_path):
    path = tmp_path / "upload.nii.gz"
    path.write_bytes(bodies.bomb_nifti(400))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(Refused, match="longer than its header says"):
        read_scan(Upload("nifti", path), Limits(), RULE)
    assert (tmp_path / "upload.nii").stat().st_size < 4_000_000
    huge = bodies.with_shape(bodies.nifti(np.zeros((4, 16, 16)), packed=False, dtype=np.int16), (600, 600, 600))
    path.write_bytes(b"".join(_packed(huge, 400)))
    with pytest.raises(Refused) as refused:
        read_scan(Upload("nifti", path), Limits(unpacked_megabytes=50), RULE)
    assert refused.value.status == 413 and (tmp_path / "upload.nii").stat().st_size <= 50_000_000


def _packed(head, megabytes):
    packer = zlib.compressobj(9, wbits=31)
    yield packer.compress(head)
    for _ in range(megabytes):
        yield packer.compress(bytes(1_000_000))
    yield packer.flush()
