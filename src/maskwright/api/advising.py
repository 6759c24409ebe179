"""A configuration from a look at the data and at the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.advice.choices import Choice
    from maskwright.advice.facts import Facts
    from maskwright.config import Configuration
    from maskwright.training.pace import Pace


@dataclass(frozen=True)
class Advice:
    """A configuration file that was written, what was seen of data and machine, and each choice with its reason."""

    config: Path
    seen: list[str]
    chosen: list[Choice]

    def __str__(self) -> str:
        lines = [f"  {one.key} = {one.value}" + (f": {one.why}" if one.why else "") for one in self.chosen]
        return "\n".join([*self.seen, "", "chosen:", *lines, "", str(self.config)])

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        from maskwright.shown import as_text

        return as_text(str(self))


def init(
    data: str | Path,
    *,
    minutes: float | None = None,
    output: str | Path = "config.toml",
    overrides: Sequence[str] = (),
    ask: Callable[[Facts], tuple[list[str], float | None]] | None = None,
    reporter: Reporter | None = None,
) -> Advice:
    """Look at a folder of data and at this machine, and write a configuration with the reason of each choice.

    Args:
        data: images and masks, scans and label maps, or nnU-Net's folders.
        minutes: that the training may take; steps are then timed here.
        output: the file; one that is there is kept under a dated name.
        overrides: `section.key=value`, which outrank what is chosen.
        ask: gives answers to what files do not say, by what was seen: further overrides, and minutes.

    Raises:
        MaskwrightError: nothing that can be learnt from, or that can mean several things.
    """
    from maskwright.advice.advise import advise
    from maskwright.advice.choices import Machine
    from maskwright.advice.facts import look_at
    from maskwright.advice.layouts import find_layout
    from maskwright.advice.text import as_toml, seen
    from maskwright.storage import give_way, reading, write_text

    said, target, reporter = list(overrides), Path(output), reporter or Reporter()
    layout = find_layout(Path(data))
    facts, machine = look_at(layout, said, reporter), Machine.here()
    if ask is not None:
        answers, time = ask(facts)
        minutes = time or minutes
        if answers:
            said = [*answers, *said]
            facts = look_at(layout, said, reporter)
    chosen = advise(facts, machine, said, minutes, _timed(reporter))
    text = as_toml(chosen, target.absolute().parent)
    with reading([folder for folders in layout.parts.values() for folder in folders]):
        write_text(give_way(target, reporter.say), text)
    return Advice(target, seen(facts, machine), chosen)


def _timed(reporter: Reporter) -> Callable[[Configuration], Pace]:
    def timed(config: Configuration) -> Pace:
        from maskwright.training.pace import measure

        reporter.say(f"timing some steps of {config.model.name} on this machine")
        return measure(config)

    return timed
