"""The service under load, under abuse, and killed: a script that ends by itself, on this machine's own loopback.

    python benchmarks/service.py [RUN] [--clients 50] [--seconds 120] [--bodies 2000]

RUN is a run folder or a model file; without one, a U-Net of 1.9 M parameters with random weights, which takes pictures
and scans. Clients send pictures of 512x512 px one after the other, every twentieth a scan of 20 slices. Exit code 1: a
request failed, a malformed body was not answered with 4xx, memory grew, or an answer changed after a restart.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
import bodies

_GROWTH = 1.1  # of memory between the first quarter of the load and its end


class Service:
    """`maskwright serve` in a process of its own."""

    def __init__(self, model: Path, log: Path, port: int = 0) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "maskwright", "serve", str(model), "--port", str(port), "--quiet"],
                stderr=file, stdout=file,
            )  # fmt: skip
        self.port = port

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if ask(self.port, "/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
            if self.process.poll() is not None:
                break
        raise SystemExit(f"the service did not start:\n{self.log.read_text(encoding='utf-8')}")

    def memory(self) -> float:
        """Resident, in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        return int(found[1]) / 1000 if found else float("nan")


def ask(port: int, path: str, body: bytes | None = None, timeout: float = 120) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent; the answer is there
            connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def good_bodies() -> list[bytes]:
    rng = np.random.default_rng(0)
    pictures = [bodies.picture(512, 512, seed, ".jpg") for seed in range(19)]
    scan = bodies.nifti(rng.integers(-200, 300, (20, 256, 256)), dtype=np.int16)
    return [*pictures, scan]


def load(service: Service, clients: int, seconds: float) -> dict[str, object]:
    """Clients that ask one after the other until the time is over."""
    sent, ends = good_bodies(), time.monotonic() + seconds
    taken: list[tuple[float, bool]] = []
    wrong: Counter[str] = Counter()
    memory: list[float] = []

    def client(number: int) -> None:
        order = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        while time.monotonic() < ends:
            body = sent[order.randrange(len(sent))]
            begin = time.monotonic()
            try:
                connection.request("POST", "/v1/segment", body)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    wrong[str(answer.status)] += 1
            except OSError as error:
                wrong[type(error).__name__] += 1
                connection.close()
            taken.append((time.monotonic() - begin, body is sent[-1]))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        memory.append(service.memory())
        time.sleep(1)
    early, late = max(memory[: max(2, len(memory) // 4)]), max(memory[-max(2, len(memory) // 4) :])
    found: dict[str, object] = {
        "clients": clients, "seconds": seconds, "requests": len(taken), "per_second": round(len(taken) / seconds, 1),
        "failed": sum(wrong.values()), "failures": dict(wrong), "memory_mb_early": early, "memory_mb_late": late,
    }  # fmt: skip
    for name, scans in (("picture", False), ("scan", True)):
        times = [one for one, scan in taken if scan is scans]
        if times:
            found |= {f"{name}_p{p}_s": round(float(np.percentile(times, p)), 3) for p in (50, 99)}
    return found


def abuse(service: Service, count: int) -> dict[str, object]:
    """Malformed bodies, four at a time; each must be answered with 4xx."""
    rng = np.random.default_rng(1)
    stream, lock = bodies.malformed(series(rng)), threading.Lock()
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    left = count

    def client() -> None:
        nonlocal left
        while True:
            with lock:
                if left == 0:
                    return
                left -= 1
                name, body = next(stream)
            try:
                status = ask(service.port, "/v1/segment", body)[0]
            except (OSError, http.client.HTTPException) as error:
                status = 0
                name += f" ({type(error).__name__})"
            with lock:
                statuses[status] += 1
                if not 400 <= status < 500:
                    wrong.append(f"{name}: {status}")

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alive = service.process.poll() is None and ask(service.port, "/v1/segment", good_bodies()[0])[0] == 200
    return {"bodies": count, "statuses": dict(sorted(statuses.items())), "wrong": wrong[:20], "alive": alive,
            "memory_mb": service.memory()}  # fmt: skip


def series(rng: np.random.Generator) -> list[bytes]:
    """Files of a small DICOM series."""
    from scans import write_series

    with tempfile.TemporaryDirectory() as folder:
        write_series(Path(folder) / "a", rng.integers(-500, 500, (4, 32, 32)).astype(np.int16))
        return [path.read_bytes() for path in sorted((Path(folder) / "a").iterdir())]


def killed(model: Path, folder: Path, service: Service) -> dict[str, object]:
    """Kill under load, start again on the same port: whoever had a whole answer finds the same one again."""
    sent = good_bodies()
    answered: dict[int, str] = {}
    broken: Counter[str] = Counter()
    stop = threading.Event()

    def client(number: int) -> None:
        order = random.Random(number)
        while not stop.is_set():
            index = order.randrange(len(sent))
            try:
                status, body = ask(service.port, "/v1/segment", sent[index])
            except (OSError, http.client.HTTPException) as error:
                broken[type(error).__name__] += 1  # never answered: the client knows
                time.sleep(0.1)
                continue
            if status == 200:
                answered.setdefault(index, hashlib.sha256(body).hexdigest())

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(5)
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    before = dict(answered)
    again = Service(model, folder / "again.log", service.port)
    again.wait()
    time.sleep(5)
    stop.set()
    for thread in threads:
        thread.join()
    same = sum(
        hashlib.sha256(ask(again.port, "/v1/segment", sent[index])[1]).hexdigest() == digest
        for index, digest in before.items()
    )
    again.process.terminate()
    return {
        "answered_before": len(before),
        "same_after": same,
        "broken_off": dict(broken),
        "ends_with": again.process.wait(60),
    }


def random_model(folder: Path) -> Path:
    from maskwright.backend import seed_everything
    from maskwright.data.preprocess import InputRule
    from maskwright.labels.rule import LabelRule
    from maskwright.models.metadata import Metadata
    from maskwright.models.saving import build, save_model

    seed_everything(137, deterministic=False)
    rule = InputRule(256, 256, 1, window="abdomen")
    metadata = Metadata("unet", {}, 1, ["background", "organ"], rule, LabelRule())
    save_model(build(metadata), folder / "model.keras", metadata)
    return folder / "model.keras"


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--bodies", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(options.run) if options.run else random_model(folder)
        service = Service(model, folder / "log", free_port())
        try:
            service.wait()
            loaded = load(service, options.clients, options.seconds)
            print(json.dumps({"load": loaded}))
            abused = abuse(service, options.bodies)
            print(json.dumps({"abuse": abused}))
            restarted = killed(model, folder, service)
            print(json.dumps({"killed": restarted}))
        finally:
            service.process.kill()
    fine = (
        loaded["failed"] == 0
        and float(str(loaded["memory_mb_late"])) <= _GROWTH * float(str(loaded["memory_mb_early"]))
        and not abused["wrong"]
        and abused["alive"]
        and restarted["same_after"] == restarted["answered_before"]
    )
    sys.exit(not fine)


if __name__ == "__main__":
    main()
