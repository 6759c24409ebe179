"""Processes of this machine, by ps."""

import subprocess
import time


def family(number):
    """A process and all that come from it."""
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.splitlines()
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in lines)}
    found = {number}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(numbers):
    """Which of these processes live; those that wait to be collected do not."""
    if not numbers:
        return set()
    listed = subprocess.run(
        ["ps", "-o", "pid=,stat=", "-p", ",".join(map(str, sorted(numbers)))], capture_output=True, text=True
    ).stdout
    return {int(pid) for pid, state in (line.split()[:2] for line in listed.splitlines()) if not state.startswith("Z")}


def wait_until(condition, seconds=60):
    """Wait for a condition; whether it came true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())
