"""What the label maps of a data set hold: by these numbers it is decided what they mean, as for masks of pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from maskwright.data.mask_values import MaskValues, Seen
from maskwright.data.threads import cores
from maskwright.errors import MaskwrightError
from maskwright.volumes.read import read_labels


def look_at_maps(
    parts: Mapping[str, Sequence[Path]],
    step: Callable[[], None] | None = None,
    lenient: frozenset[str] = frozenset(),
) -> Seen:
    """The numbers of label maps, several at a time.

    Args:
        parts: the files of each part. step: called after each.
        lenient: parts whose unreadable files are passed over.

    Raises:
        MaskwrightError: label maps that cannot be read; all are listed.
    """

    def one(path: Path) -> MaskValues | MaskwrightError:
        try:
            return map_values(read_labels(path).array, path)
        except MaskwrightError as error:
            return error
        finally:
            if step is not None:
                step()

    with ThreadPoolExecutor(cores()) as pool:
        found = {part: list(pool.map(one, paths)) for part, paths in parts.items()}
    told = [one for part, files in found.items() if part not in lenient for one in files]
    errors = [one for one in told if isinstance(one, MaskwrightError)]
    if errors:
        raise together(errors, sum(map(len, parts.values())))
    return Seen({part: [file for file in files if isinstance(file, MaskValues)] for part, files in found.items()})


def map_values(array: np.ndarray, path: Path) -> MaskValues:
    """The numbers of one label map, whole ones of 8 or 16 bits. No outline of them is smoothed: all fill areas."""
    counts = np.bincount(array.ravel())
    numbers = {float(number): int(counts[number]) for number in np.flatnonzero(counts)}
    return MaskValues(path, int(array.size), numbers, areas=frozenset(numbers))


def together(errors: Sequence[MaskwrightError], total: int) -> MaskwrightError:
    """One error, or all of them as one."""
    if len(errors) == 1:
        return errors[0]
    lines = "\n  ".join(str(error) for error in errors)
    return MaskwrightError(
        f"{len(errors)} of {total} scans cannot be used:\n  {lines}", fix="Mend or remove them, with their label maps."
    )
