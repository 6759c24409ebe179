"""Data for a network for volumes: the scans of a plan in the network's space, and patches of them."""

from __future__ import annotations

from maskwright.config import Configuration
from maskwright.data.patches import Patches, patches_of
from maskwright.data.preprocess import InputRule
from maskwright.data.scans import open_scans
from maskwright.errors import MaskwrightError
from maskwright.plan import Plan
from maskwright.plan.make import make_plan
from maskwright.progress import Reporter
from maskwright.training.prepare import Prepared, describe, files_of


def prepare_volumes(
    config: Configuration, reporter: Reporter, *, allow_leak: bool = False, plan: Plan | None = None
) -> Prepared:
    """The training and validation scans of a plan; of a new one where there is none.

    Raises:
        MaskwrightError: scans that cannot be used (all are listed), a class without a voxel, a shared patient.
    """
    plan = plan or make_plan(config, reporter, allow_leak=allow_leak)
    rule = volume_input_rule(config, plan)
    ready = {part: _open(plan, part, rule, config, reporter) for part in ("train", "valid") if plan.part(part)}
    prepared = Prepared(ready["train"], ready.get("valid"), plan)
    describe(prepared, reporter, "scans")
    return prepared


def volume_input_rule(config: Configuration, plan: Plan) -> InputRule:
    """Patch size, direction, spacing and levels.

    Raises:
        MaskwrightError: `data.fit` is set, which volumes have no use for.
    """
    data, model = config.data, config.model
    if data.fit != "resize":
        raise MaskwrightError(
            "is for pictures; volumes are always seen in patches, at the scale of data.spacing",
            where="[data] fit",
            fix="Leave it out.",
        )
    return InputRule(
        height=model.image_height,
        width=model.image_width,
        channels=model.image_channels,
        dtype="float32",
        window=data.window or "",
        orientation=data.orientation,
        depth=int(model.image_depth or 0),
        spacing=plan.spacing,
        channel_patterns=tuple(data.channel_patterns),
    )


def _open(plan: Plan, part: str, rule: InputRule, config: Configuration, reporter: Reporter) -> Patches:
    files, label = files_of(plan, part), plan.label_rule
    pairs = files.pairs
    with reporter.task(f"preparing {part}", len(pairs), "scans") as step:
        scans = open_scans(files, label, rule, config.data, say=reporter.say, step=step)
    patches = patches_of(scans, pairs, files.records, label, rule, config.train.foreground_share)
    return patches if part == "train" else patches.covering()
