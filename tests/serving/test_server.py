"""`maskwright serve` as a process: how it starts, ends, and what it refuses."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import bodies
import numpy as np
import pytest
from engines_for_tests import saved_onnx

from maskwright.cli import main


class Process:
    """The command in a process of its own, on a free port."""

    def __init__(self, model, log, *arguments, port=0, environment=None):
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "maskwright", "serve", str(model), "--port", str(port), *arguments],
                stdout=file, stderr=file, env={**os.environ, **(environment or {})},
            )  # fmt: skip
        self.port = self._port()

    def _port(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = re.findall(r"http://localhost:(\d+)/", self.log.read_text(encoding="utf-8"))
            if found and self.process.poll() is None:
                return int(found[-1])
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text(encoding="utf-8"))
            time.sleep(0.05)
        raise AssertionError("the service did not start")

    def segment(self, body, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/v1/segment", body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("onnxruntime")
    return saved_onnx(tmp_path_factory.mktemp("model"))


def test_a_service_lives_and_ends(model, tmp_path):
    service = Process(model, tmp_path / "log")
    try:
        body = bodies.picture(96, 96)
        status, mask = service.segment(body)
        assert status == 200 and mask.startswith(b"\x89PNG")
        scan = bodies.nifti(np.random.default_rng(0).integers(-200, 300, (300, 64, 64)), dtype=np.int16)
        found = []
        asking = threading.Thread(target=lambda: found.append(service.segment(scan)))
        asking.start()
        time.sleep(0.4)
        assert service.end() == 0
        asking.join(30)
        assert found[0][0] == 200, "what was taken in is finished"
        said = service.log.read_text(encoding="utf-8")
        assert "the service has ended" in said and "Traceback" not in said
    finally:
        service.process.kill()


def test_killed_and_started_again_it_answers_as_before(model, tmp_path):
    first = Process(model, tmp_path / "log")
    body = bodies.picture(96, 96)
    answered = first.segment(body)
    first.end(signal.SIGKILL)
    second = Process(model, tmp_path / "log2", port=first.port)
    try:
        assert second.segment(body) == answered and answered[0] == 200
    finally:
        second.end(signal.SIGINT)


def test_a_token_from_the_environment(model, tmp_path):
    token = "a-secret-of-thirty-characters!"
    service = Process(model, tmp_path / "log", environment={"MASKWRIGHT_TOKEN": token})
    try:
        assert service.segment(bodies.picture())[0] == 401
        assert service.segment(bodies.picture(), {"Authorization": f"Bearer {token}"})[0] == 200
    finally:
        service.end()
    assert token not in service.log.read_text(encoding="utf-8")


def test_what_it_refuses_to_start_with(model, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MASKWRIGHT_TOKEN", raising=False)
    (tmp_path / "short").write_text("abc")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cases = [
            (["--host", "0.0.0.0"], "no token is set"),
            (["--token-file", str(tmp_path / "short")], "has 3 characters"),
            (["--token-file", str(tmp_path / "missing")], "cannot be read"),
            (["--port", str(taken.getsockname()[1])], "cannot be listened on"),
            (["--port", "99999"], "cannot be listened on"),
            (["--upload-timeout", "0"], "--upload-timeout"),
            (["--upload-timeout", "nan"], "Give a number above 0"),
            (["--timeout", "inf"], "--timeout"),
            (["--queue", "0"], "--queue"),
            (["--most-mb", "-1"], "--most-mb"),
            (["--host", "no.such.host.invalid", "--token-file", str(tmp_path / "short")], "has 3 characters"),
        ]
        for arguments, said in cases:
            assert main(["serve", str(model), *arguments]) == 2, arguments
            assert said in capsys.readouterr().err
    assert main(["serve", str(tmp_path / "nothing.onnx")]) == 2
    assert main(["serve", str(tmp_path)]) == 2
