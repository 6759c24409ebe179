"""The service over HTTP: the same masks as `maskwright predict`, limits, tokens, and silence about patients."""

import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import bodies
import cv2
import nibabel
import numpy as np
import pytest
from PIL import Image
from scans import SERIES_AFFINE, write_series
from service import RULE, Bright, running

from maskwright.config.schema import PredictSection
from maskwright.data.preprocess import InputRule
from maskwright.inference.slices import predict_image
from maskwright.inference.volumes import predict_scan
from maskwright.serving.answers import from_run_lengths
from maskwright.volumes.read import read_labels, read_volume


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    pytest.importorskip("pydicom")
    folder = tmp_path_factory.mktemp("series")
    array = np.full((4, 40, 48), -500, np.int16)
    array[1:3, 10:20, 5:30] = 200
    write_series(folder, array)
    return folder


def test_a_picture_comes_back_as_predict_would_write_it(service, tmp_path):
    for ending in (".png", ".jpg", ".bmp", ".tif"):
        body = bodies.picture(70, 90, ending=ending)
        status, found = service.segment(body)
        assert status == 200
        path = tmp_path / f"a{ending}"
        path.write_bytes(body)
        expected = predict_image(Bright(), path, PredictSection())
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(found))), 255 * expected) and 0 < expected.mean() < 1


def test_json_tells_the_same(service):
    body = bodies.picture(70, 90)
    mask = np.asarray(Image.open(io.BytesIO(service.segment(body)[1]))) > 0
    status, found = service.segment(body, "?format=json")
    (one,) = found["structures"]
    assert status == 200 and found["kind"] == "picture" and found["size"] == [70, 90]
    assert np.array_equal(from_run_lengths(one["rle"], found["size"]), mask)
    assert one["name"] == "organ 1" and one["pixels"] == mask.sum() and one["share"] == pytest.approx(mask.mean())
    assert "rle" not in service.segment(body, "?format=json&include=")[1]["structures"][0]


def test_a_nifti_file_comes_back_on_its_own_voxels(service, tmp_path):
    array = np.full((5, 40, 30), -500, np.int16)
    array[2:4, 10:20, 5:15] = 200
    for packed in (True, False):
        body = bodies.nifti(array, packed=packed)
        status, found = service.segment(body)
        assert status == 200
        (tmp_path / "m.nii.gz").write_bytes(found)
        path = tmp_path / f"s.nii{'.gz' if packed else ''}"
        path.write_bytes(body)
        scan = read_volume(path)
        labels = read_labels(tmp_path / "m.nii.gz", scan)
        assert np.array_equal(labels.array, predict_scan(Bright(), scan, PredictSection()).labels.array)
        assert np.array_equal(labels.array, (array > 0).astype(np.uint8)[:, ::1])
        assert np.allclose(nibabel.load(tmp_path / "m.nii.gz").affine, nibabel.load(path).affine)
        told = service.segment(body, "?format=json")[1]
        assert told["structures"][0]["volume_ml"] == pytest.approx((array > 0).sum() * 1.5 / 1000)
        assert np.array_equal(from_run_lengths(told["structures"][0]["rle"], told["size"]), labels.array > 0)


def test_a_series_comes_back_as_a_segmentation(service, series, tmp_path):
    pytest.importorskip("highdicom")
    body = bodies.folder_zipped(series)
    status, found = service.segment(body)
    assert status == 200
    (tmp_path / "m.dcm").write_bytes(found)
    scan = read_volume(series)
    labels = read_labels(tmp_path / "m.dcm", scan)
    assert labels.array.sum() == 2 * 10 * 25 and np.array_equal(labels.array > 0, scan.array > 0)
    status, told = service.segment(body, "?format=json&include=nifti,seg,scan")
    assert sorted(told["files"]) == ["mask.dcm", "mask.nii.gz", "scan.nii.gz"]
    assert np.allclose(told["affine"], SERIES_AFFINE)
    status, found = service.segment(body, "?format=nifti")
    (tmp_path / "m.nii.gz").write_bytes(found)
    assert status == 200 and np.array_equal(read_labels(tmp_path / "m.nii.gz", scan).array, labels.array)


def test_nothing_found_is_no_error(service, tmp_path):
    pytest.importorskip("highdicom")
    write_series(tmp_path, np.full((3, 32, 32), -900, np.int16))
    status, _, body = service.ask("/v1/segment", bodies.folder_zipped(tmp_path))
    assert (status, body) == (204, b"")
    told = service.segment(bodies.folder_zipped(tmp_path), "?format=json&include=rle,seg")[1]
    assert told["structures"][0]["volume_ml"] == 0 and told["files"] == {"mask.dcm": None}


def test_several_series_are_chosen_from(service, series, tmp_path):
    write_series(tmp_path, np.full((3, 32, 32), 100, np.int16), series="1.9.9")
    entries = {
        f"{folder.name}-{path.name}": path.read_bytes() for folder in (series, tmp_path) for path in folder.iterdir()
    }
    status, found = service.segment(bodies.zipped(entries))
    assert status == 422 and "1.9.9" in found["error"]["what"] and "/tmp" not in json.dumps(found)
    assert service.segment(bodies.zipped(entries), "?format=json&series=1.9.9")[1]["size"] == [3, 32, 32]


@pytest.mark.parametrize(("body", "query", "status"), [
    (b"", "", 400), (b"hallo", "", 415), (bodies.picture(4, 4), "", 422), (bodies.picture(), "?format=seg", 422),
    (bodies.picture(), "?format=nifti", 422), (bodies.picture(), "?format=exe", 422),
    (bodies.picture(), "?format=json&include=passwd", 422), (bodies.picture()[:300], "", 422),
    (bodies.nifti(np.zeros((4, 32, 32), np.int16)), "?format=png", 422),
    (bodies.nifti(np.zeros((4, 32, 32), np.int16)), "?format=seg", 422),
    (bodies.nifti(np.full((4, 32, 32), np.nan), dtype=np.float32), "", 422),
    (bodies.huge_png(65535, 65535), "", 413), (bodies.huge_png(65535, 8), "", 413),
])  # fmt: skip
def test_what_cannot_be_done_says_why(service, body, query, status):
    found = service.segment(body, query, method="POST")
    assert found[0] == status and found[1]["error"]["what"] and "/tmp" not in json.dumps(found[1])


def test_limits():
    with running(megabytes=0.05, unpacked_megabytes=0.5, pixels=5000, voxels=20_000, slices=10) as service:
        assert service.segment(bodies.picture(80, 60))[0] == 200
        assert service.segment(bodies.picture(80, 70))[0] == 413
        assert service.segment(bodies.nifti(np.zeros((9, 32, 32)), dtype=np.int16))[0] == 200
        assert service.segment(bodies.nifti(np.zeros((11, 32, 32)), dtype=np.int16))[0] == 413
        assert service.segment(bodies.nifti(np.zeros((9, 64, 64)), dtype=np.int16))[0] == 413
        assert service.segment(bodies.bomb_nifti(2))[0] == 413
        assert service.segment(bodies.bomb_zip(2))[0] == 413
        assert service.segment(np.random.default_rng(0).bytes(60_000))[0] == 413  # by its declared length
        pieces = (bytes([137, 80, 78, 71, 13, 10, 26, 10]) + bytes(10_000) for _ in range(20))
        assert service.segment(pieces)[0] == 413  # by what came


def test_volumes_that_would_grow_are_refused():
    """A scan of few, huge voxels would be resampled to very many."""
    rule = InputRule(32, 32, 1, depth=16, spacing=(1.0, 1.0, 1.0), dtype="float32")
    with running(Bright(rule, 2), voxels=100_000) as service:
        array = np.zeros((4, 16, 16), np.int16)
        assert service.segment(bodies.nifti(array))[0] == 200
        status, found = service.segment(bodies.nifti(array, spacing=(40.0, 20.0, 20.0)))
        assert status == 413 and "as the network sees it" in found["error"]["what"]
        assert service.segment(bodies.picture())[0] == 422


def test_requests_are_run_together():
    engine = Bright(seconds=0.05)
    with running(engine) as service:
        pictures = [bodies.picture(48, 48, seed) for seed in range(24)]
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(service.segment, pictures))
        assert [status for status, _ in found] == [200] * 24
        alone = [service.segment(one)[1] for one in pictures[:4]]
        assert [body for _, body in found[:4]] == alone
        assert max(engine.sizes) > 1
        text = service.ask("/metrics")[2].decode()
        assert 'maskwright_requests_total{route="/v1/segment",status="200"} 28.0' in text
        assert 'maskwright_uploads_total{kind="picture"} 28.0' in text and "maskwright_batch_inputs_bucket" in text
        assert "process_resident_memory_bytes" in text


def test_a_full_house_says_when_to_come_again():
    with running(Bright(seconds=0.3), waiting=3) as service, ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda seed: service.ask("/v1/segment", bodies.picture(48, 48, seed)), range(12)))
        counts = {status: [one[0] for one in found].count(status) for status in (200, 503)}
        assert counts[200] >= 3 and counts[200] + counts[503] == 12 and counts[503] > 0
        assert all(int(headers["Retry-After"]) >= 1 for status, headers, _ in found if status == 503)
        assert service.segment(bodies.picture())[0] == 200 and service.gate.inside == 0


def test_time_is_limited():
    with running(Bright(seconds=0.4), seconds=1.0) as service:
        status, found = service.segment(bodies.nifti(np.zeros((200, 16, 16)), dtype=np.int16))
        assert status == 504 and "within 1 s" in found["error"]["what"]
        assert service.segment(bodies.picture())[0] == 200


def test_a_body_that_does_not_come(service):
    with running(pause_seconds=0.5) as slow:
        with socket.create_connection(("127.0.0.1", slow.port), 10) as client:
            client.sendall(b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n\x89PNG")
            assert b" 408 " in client.recv(1000)
        with socket.create_connection(("127.0.0.1", slow.port), 10) as client:
            client.sendall(b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n\x89PNG")
        deadline = time.monotonic() + 5
        while slow.gate.inside and time.monotonic() < deadline:
            time.sleep(0.02)
        assert slow.gate.inside == 0


def test_a_client_that_leaves_stops_its_scan():
    engine = Bright(seconds=0.1)
    with running(engine, options=PredictSection(batch_size=1)) as service:
        body = bodies.nifti(np.zeros((200, 16, 16)), dtype=np.int16)
        head = f"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", service.port), 10) as client:
            client.sendall(head + body)
            while len(engine.sizes) < 3:
                time.sleep(0.02)
        deadline = time.monotonic() + 8
        while service.gate.inside and time.monotonic() < deadline:
            time.sleep(0.05)
        assert service.gate.inside == 0 and len(engine.sizes) < 100


def test_what_was_taken_in_is_finished():
    engine = Bright(seconds=0.5)
    with running(engine) as service, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(service.segment, bodies.picture(48, 48, seed)) for seed in range(4)]
        while service.gate.inside < 4:
            time.sleep(0.01)
        service.close()
        assert [one.result(10)[0] for one in asked] == [200] * 4
        with pytest.raises(OSError):
            service.segment(bodies.picture())


def test_an_ensemble_is_served():
    with running([Bright(), Bright()], options=PredictSection(mirror=True)) as service:
        assert service.ask("/v1/model")[0] == 200 and json.loads(service.ask("/v1/model")[2])["members"] == 2
        assert service.segment(bodies.picture(40, 40))[0] == 200
        told = service.segment(bodies.nifti(np.full((2, 32, 32), 200), dtype=np.int16), "?format=json")[1]
        assert told["structures"][0]["voxels"] == 2 * 32 * 32


def test_several_classes_and_neighbours():
    rule = InputRule(32, 32, 1, window="abdomen", neighbours=1, slice_pattern=r"(\d+)")
    with running(Bright(rule, 3)) as service:
        status, found = service.segment(bodies.picture(), "?format=json&include=rle,png,image")
        assert status == 200 and [one["name"] for one in found["structures"]] == ["organ 1", "organ 2"]
        assert sorted(found["files"]) == ["image.png", "mask.png"]
        assert len({one["color"] for one in found["labels"]}) == 2


def test_the_description_is_complete(service):
    told = json.loads(service.ask("/v1/model")[2])
    assert told["takes"] == ["picture", "nifti", "dicom"] and told["window"] == [-160, 240]
    assert told["classes"] == ["background", "organ 1"] and told["limits"]["waiting"] == 64
    assert told["input"]["height"] == RULE.height
    described = json.loads(service.ask("/openapi.json")[2])
    assert set(described["paths"]) == {"/v1/segment", "/v1/model", "/healthz"}
    responses = described["paths"]["/v1/segment"]["post"]["responses"]
    assert {"200", "204", "413", "415", "422", "503", "504"} <= set(responses)


def test_a_picture_turned_by_its_camera(service):
    """What the viewer shows under the mask is the picture as the mask lies on it."""
    import base64

    array = np.zeros((40, 80), np.uint8)
    array[:, :20] = 255
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(array).save(buffer, "JPEG", exif=exif, quality=95)
    told = service.segment(buffer.getvalue(), "?format=json&include=image,png")[1]
    assert told["size"] == [80, 40]
    image, mask = (
        cv2.imdecode(np.frombuffer(base64.b64decode(told["files"][name]), np.uint8), 0)
        for name in ("image.png", "mask.png")
    )
    assert image.shape == mask.shape == (80, 40) and (image[:18] > 200).all() and (mask[:15] > 0).all()


def test_threads_do_not_pile_up(service):
    service.segment(bodies.picture())
    before = threading.active_count()
    for seed in range(10):
        service.segment(bodies.picture(seed=seed))
    assert threading.active_count() <= before + 2
