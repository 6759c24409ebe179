"""How good a training is with fewer patients, and what more of them may bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskwright import api
from maskwright.errors import MaskwrightError
from maskwright.plan.split import split
from maskwright.progress import Reporter
from maskwright.study import run_study
from maskwright.training.run import Run

SHARES = (0.25, 0.5, 1.0)


def learning_curve(
    config: str | Path,
    reporter: Reporter,
    *,
    overrides: Sequence[str] = (),
    run_dir: str | Path | None = None,
    allow_leak: bool = False,
) -> dict[str, Any]:
    """Train on a quarter, a half and all of the training patients, each for as many steps, and score all alike.

    Returns:
        As `run_study`; and `curve`, of each share `patients` and `dice` on validation, and `doubled`: what twice as
        many patients may bring, if gains go on falling as they did.

    Raises:
        MaskwrightError: nothing to validate on, or too few patients for a quarter of them.
    """
    splits, _ = split(api.load_config(config, overrides, run_dir=run_dir).config)
    patients = len({pair.patient for pair in splits["train"]})
    if patients < 1 / SHARES[0] or not splits.get("valid"):
        raise MaskwrightError(
            f"wants validation and {1 / SHARES[0]:.0f} training patients; there are {patients}",
            where="--learning-curve",
            fix="Set data.valid_fraction, or add patients.",
        )
    found = run_study(
        config,
        ["data.train_share=" + ",".join(f"{share:g}" for share in SHARES)],
        reporter,
        overrides=overrides,
        run_dir=run_dir,
        allow_leak=allow_leak,
    )
    curve = []
    for share, run, row in zip(SHARES, found["runs"], found["table"], strict=True):
        plan = Run(Path(run["path"])).plan()
        assert plan is not None
        curve.append({"share": share, "patients": len(plan.patients("train")), "dice": row["mean"]})
    return {**found, "curve": curve, "doubled": doubled([point["dice"] for point in curve])}


def doubled(dice: Sequence[float]) -> float:
    """What another doubling may bring: the last gain, lessened as it was lessened before; never more than the last.

    Args:
        dice: of three trainings, each with twice as many patients as the one before.
    """
    before, last = dice[1] - dice[0], dice[2] - dice[1]
    if last <= 0 or before <= 0:
        return 0.0
    return last * min(1.0, last / before)


def as_text(found: dict[str, Any]) -> str:
    """The curve for people."""
    lines = [f"{point['patients']:>6} patients  Dice {point['dice']:.3f}" for point in found["curve"]]
    gain = found["doubled"]
    told = f"twice as many may bring about {gain:.3f}" if gain >= 0.005 else "more of the same kind would bring little"
    return "\n".join([*lines, f"{told}, going by three trainings on the same validation patients", found["folder"]])
