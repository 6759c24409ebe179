"""Who is answered, and what is never told: tokens, other sites, paths, patients, full disks."""

import errno
import gzip
import importlib.util
import json
import logging
import os
from pathlib import Path

import bodies
import numpy as np
import pytest
from scans import write_series
from service import Bright, running


def test_a_token_is_asked_for():
    token = "0123456789abcdef0123"
    with running(token=token) as service:
        assert service.segment(bodies.picture())[0] == 200
        for given in ({"Authorization": "Bearer wrong"}, {"Authorization": token}, {"Authorization": "Bearer é"}):
            given = {name: value.encode("utf-8").decode("latin-1") for name, value in given.items()}
            for path in ("/v1/segment", "/v1/model", "/metrics"):
                assert service.ask(path, bodies.picture() if "segment" in path else None, given)[0] == 401
        for path in ("/", "/healthz", "/docs", "/openapi.json", "/static/app.js"):
            assert service.ask(path, headers={"Authorization": ""})[0] == 200
        assert service.ask("//v1/model", headers={"Authorization": ""})[0] in (401, 404)


def test_pages_of_other_sites_are_refused(service):
    assert service.ask("/v1/model", headers={"Host": "evil.example"})[0] == 421
    assert service.ask("/v1/segment", bodies.picture(), {"Origin": "http://evil.example"})[0] == 403
    assert service.ask("/v1/segment", bodies.picture(), {"Origin": "null"})[0] == 403
    assert service.ask("/v1/segment", bodies.picture(), {"Origin": service.url})[0] == 200
    _, headers, _ = service.ask("/")
    assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fapi.py", "/../etc/passwd"]
)
def test_no_path_leads_out(service, path):
    status, _, body = service.ask(path)
    assert status == 404 and b"import" not in body and b"root:" not in body


def test_pages_are_sent_once(service):
    status, headers, body = service.ask("/static/app.js")
    assert status == 200 and headers["Content-Type"].startswith("text/javascript")
    assert service.ask("/static/app.js", headers={"If-None-Match": headers["ETag"]})[::2] == (304, b"")
    packed = service.ask("/static/app.js", headers={"Accept-Encoding": "gzip"})
    assert packed[1]["Content-Encoding"] == "gzip" and gzip.decompress(packed[2]) == body


def test_patients_are_never_written_down(service, tmp_path, caplog, capfd):
    pytest.importorskip("pydicom")

    def secret(header, index):
        header.PatientName, header.PatientID = "Geheim^Gerda", "SECRET-77"
        header.SeriesDescription = "Geheim study"
        header.PatientBirthDate = "not a date, SECRET"
        if index == 1:
            header.ImagePositionPatient = ["0", "0", "99999"]

    write_series(tmp_path, np.full((3, 32, 32), 100, np.int16), change=secret)
    body = bodies.zipped({f"Geheim_Gerda_{path.name}": path.read_bytes() for path in sorted(tmp_path.iterdir())})
    with caplog.at_level(logging.DEBUG):
        statuses = [service.segment(body)[0], service.segment(body[: len(body) // 2])[0],
                    service.ask("/v1/segment?name=Geheim&series=SECRET", body)[0], service.ask("/Geheim/SECRET")[0],
                    service.ask("/v1/segment", bodies.picture(), {"X-Patient": "Geheim"})[0]]  # fmt: skip
    assert statuses[1:] == [422, 422, 404, 200]
    written = caplog.text + "".join(capfd.readouterr()) + service.ask("/metrics")[2].decode()
    assert "Geheim" not in written and "SECRET" not in written and "Gerda" not in written


def test_mistakes_of_ours_are_answered_and_tell_nothing(caplog):
    class Fails(Bright):
        def probabilities(self, inputs, batch_size=None):
            raise ValueError("Geheim")

    with running(Fails()) as service, caplog.at_level(logging.INFO, "maskwright.serve"):
        logging.getLogger("maskwright.serve").propagate = True
        status, found = service.segment(bodies.picture())
        assert status == 500 and "mistake" in found["error"]["what"] and "Geheim" not in json.dumps(found)
        assert service.ask("/healthz")[0] == 200
    assert "ValueError in test_security.py" in caplog.text and "Geheim" not in caplog.text


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with running() as service:
        service.segment(bodies.picture())
        service.segment(b"PK\x03\x04nonsense")
        service.segment(gzip.compress(b"nonsense"))
        (home,) = tmp_path.iterdir()
        assert list(home.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_addresses_that_are_none(service):
    for host in ("[", "[::1", "::", "", "a" * 300):
        assert 400 <= service.ask("/v1/model", headers={"Host": host})[0] < 500, host
    for origin in ("http://[", "x", "http://", "//"):
        assert service.ask("/v1/segment", bodies.picture(), {"Origin": origin})[0] == 403, origin


def test_a_full_disk_is_no_mistake_of_ours(service, monkeypatch):
    real = Path.open

    def full(self, mode="r", *arguments, **more):
        if self.name.startswith("upload"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, mode, *arguments, **more)

    monkeypatch.setattr(Path, "open", full)
    status, found = service.segment(bodies.picture())
    assert status == 507 and "No space left" in found["error"]["what"] and service.gate.inside == 0
    monkeypatch.undo()
    assert service.segment(bodies.picture())[0] == 200


def test_without_the_extra_for_scans_it_says_so(service, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "pydicom" else find(name, *more)
    )
    status, found = service.segment(bodies.zipped({"a.dcm": b"x"}))
    assert status == 422 and "pydicom" in found["error"]["what"] and "[scans]" in found["error"]["fix"]
