"""All choices for a data set, a machine and a time, in the order in which one follows from another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskwright.advice.choices import Choice, Machine, choose
from maskwright.advice.facts import Facts
from maskwright.advice.length import SHARE, Pace, length
from maskwright.advice.settled import said_in, settled
from maskwright.advice.text import as_toml
from maskwright.config import Configuration
from maskwright.config.toml import read_toml


def advise(
    facts: Facts,
    machine: Machine,
    overrides: Sequence[str],
    minutes: float | None,
    timed: Callable[[Configuration], Pace],
) -> list[Choice]:
    """What a configuration should say.

    Args:
        overrides: what the user says, as `section.key=value`; it outranks what is chosen. minutes: the time there is.
        timed: how long a configuration's network takes on this machine; asked only where there is a limit of time.

    Raises:
        MaskwrightError: an override that there is not, or a network that cannot be built.
    """
    said = said_in(overrides)
    chosen = settled(choose(facts, machine, said=said), overrides)
    if minutes is None:
        return settled([*chosen, *length(facts, chosen, None, None)], overrides)
    config = _configuration(chosen)
    pace = timed(config)
    if not facts.layout.scans:
        a_step = config.train.batch_size * config.model.image_height * config.model.image_width
        again = settled(choose(facts, machine, 60 * minutes * SHARE * a_step / pace.step, said), overrides)
        if again != chosen:
            chosen = again
            pace = timed(_configuration(chosen))
    return settled([*chosen, *length(facts, chosen, minutes, pace)], overrides)


def _configuration(chosen: Sequence[Choice]) -> Configuration:
    return read_toml(as_toml(chosen, Path.cwd()), Path("the choice"), {})
