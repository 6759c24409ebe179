"""One plan for the folds of a cross-validation, or the settings of a study: above them, made by the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.plan.changes import require_same
from maskwright.plan.files import NAME, read_plan, write_plan
from maskwright.plan.make import make_plan
from maskwright.plan.plan import Plan
from maskwright.plan.source import differences
from maskwright.progress import Reporter


def shared_plan(folder: Path, config: Configuration, reporter: Reporter, *, allow_leak: bool = False) -> Plan:
    """The plan in a folder, whose files must still be the same; a new one, written there, where there is none.

    Raises:
        MaskwrightError: the plan is of other data, its files have changed, or as `make_plan`.
    """
    whole = config.model_copy(update={"data": config.data.model_copy(update={"fold": None})})
    plan = read_plan(folder)
    if plan is None:
        plan = make_plan(whole, reporter, allow_leak=allow_leak)
        write_plan(folder, plan)
        return plan
    if others := differences(plan.source, whole):
        raise MaskwrightError(
            f"was made with other values of {', '.join(others)}",
            where=folder / NAME,
            fix="Go on with the same values, or train into another folder with --run.",
        )
    require_same(plan, whole, folder, reporter)
    return replace(plan, chosen=())
