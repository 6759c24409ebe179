"""Damaged files for every reader: each is read, or refused by a `MaskwrightError`; nothing else, within time and memory.

`make test-fuzz` reads ten thousand a reader, in numbered parts, drawn from the seed in `MASKWRIGHT_FUZZ_SEED` (that of
the day where it is not set, which is printed). What fails goes into `seeds.json`, which `test_replay.py` reads again.
"""

import datetime
import os

import driver
import pytest
from readers import READERS, SLOW

SEED = int(os.environ.get("MASKWRIGHT_FUZZ_SEED", datetime.date.today().strftime("%Y%m%d")))
FILES, PART = int(os.environ.get("MASKWRIGHT_FUZZ_FILES", 10_000)), 2500
FEW = 300  # of those that start Keras or TensorFlow and take a second a file
PARTS = [
    (name, first, min(PART, count - first))
    for name in READERS
    for count in [min(FEW, FILES) if name in SLOW else FILES]
    for first in range(0, count, PART)
]


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "first", "count"), PARTS, ids=lambda value: str(value))
def test_a_damaged_file_is_read_or_refused(name, first, count):
    failures, refused = driver.run(name, [f"{SEED}:{number}" for number in range(first, first + count)])
    told = "\n".join(f"{name} {one['index']}: {one['error']}" for one in failures[:20])
    assert not failures, f"add to seeds.json, after mending the reader (seed {SEED}):\n{told}"
    assert refused > count / 20  # else what is made is not damaged
