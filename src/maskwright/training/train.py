"""A training from configuration to run folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskwright.augment.mirrors import mirrored_axes
from maskwright.backend import import_keras, seed_everything
from maskwright.config import Configuration, Loaded, write_toml
from maskwright.config.schema import PredictSection
from maskwright.data.cache import default_folder
from maskwright.data.loader import Batches
from maskwright.errors import MaskwrightError
from maskwright.models.metadata import Metadata
from maskwright.models.registry import Architecture, find_architecture
from maskwright.models.saving import build, read_metadata
from maskwright.models.supervision import joined, main_output
from maskwright.plan import Plan
from maskwright.plan.changes import require_same
from maskwright.plan.choices import Choice
from maskwright.plan.files import write_plan
from maskwright.precision import choose_precision
from maskwright.progress import Reporter
from maskwright.storage import (
    keep_aside,
    make_folder,
    write_bytes,
    write_text,
)
from maskwright.training.budget import Budget
from maskwright.training.checkpoint import load_checkpoint
from maskwright.training.fit import compile_model, fit, objective
from maskwright.training.keeper import Keeper
from maskwright.training.outputs import plot_names
from maskwright.training.prepare import Prepared, prepare, steps_of
from maskwright.training.prepare_volumes import prepare_volumes
from maskwright.training.prior import expect_shares
from maskwright.training.run import Run, note_choice, write_environment, write_training_images
from maskwright.training.samples import augmenter
from maskwright.training.start import Start, begin, note_start, seen_before
from maskwright.training.state import Row, State
from maskwright.training.validation import Validation
from maskwright.training.verdict import verdict

STOP_FILE = Path("break_training")  # the reference's way to stop after the epoch
# What may differ between a run and its continuation without changing the weights up to there.
_MAY_CHANGE = {
    "epochs",
    "patience",
    "workers",
    "stuck_after",
    "checkpoint_minutes",
    "tensorboard",
    "show_summary",
    "num_infer_images",
}


def train(
    loaded: Loaded,
    reporter: Reporter,
    *,
    resume: bool = False,
    allow_leak: bool = False,
    plan: Plan | None = None,
    replay: Sequence[Row] = (),
) -> Run:
    """Train what a configuration says, into its run folder.

    Args:
        loaded: the configuration and the run folder that belongs to it.
        plan: of the data, where several runs share one; a new one is made where None. A resumed run has its own.
        replay: the epochs of a training that is repeated, as `fit`.
        resume: go on after the last whole epoch of an interrupted training; the weights become the same as without
            the interruption.
        allow_leak: train although training and validation share a patient.

    Raises:
        MaskwrightError: something that must fail, before anything is written.
    """
    budget = Budget(loaded.config.train.minutes)
    config, run = loaded.config, Run(loaded.run_dir)
    resume = resume and _resumable(run, config, reporter)
    if resume:
        plan = _plan_of(run)
        require_same(plan, config, run.path, reporter)
    prepare_data = prepare_volumes if config.model.image_depth else prepare
    prepared = prepare_data(config, reporter, allow_leak=allow_leak, plan=plan)
    metadata = describe(config, prepared)
    seed_everything(config.train.seed, deterministic=config.train.deterministic)
    wanted = run.config.train.precision if resume else config.train.precision
    precision = choose_precision(wanted, config.data.cache_dir or default_folder(), lambda: build(metadata))
    # Choosing may have built networks; the weights below must not depend on that.
    import_keras().utils.set_random_seed(config.train.seed)
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always", UserWarning)
        every = build(metadata, precision, outputs="all", pretrained=not (resume or config.train.start_from))
        model = joined(every)
    if config.train.class_prior and not (resume or config.train.start_from):
        expect_shares(every, metadata, prepared.plan.shares(), reporter)
    for remark in remarks:
        reporter.warn(str(remark.message))
    main = main_output(every)
    start = begin(main, metadata, config.train, run, reporter, resume=resume)
    settings = config.train
    compile_model(model, config, start.rates(main, settings.start_rate, settings.start_spread) if start else None)
    learner = _learner(model, config)
    keeper = Keeper(run, config, model, learner, metadata, reporter)
    if not resume:
        _start(run, loaded, prepared, precision, model, start, reporter)
        keeper.predictions.begin(reporter)
        if start:
            note_start(run, start)
    state = State(**load_checkpoint(run.checkpoint_file, learner)) if resume else State()
    budget.earlier = state.spent
    keeper.go_on(state)
    reporter.say(
        f"training {metadata.architecture} with {model.count_params():,} parameters in {precision} -> {run.path}"
    )
    batches, valid = make_batches(prepared, config, fresh=not resume, table=run.samples)
    validation = Validation(model, metadata, valid, config, objective(model, config)) if valid else None
    keeper.validation = validation
    with _going_on(run), keeper:
        fit(
            learner, batches, validation, config, state, reporter,
            after_epoch=keeper.after_epoch, within_epoch=keeper.within_epoch, stop_asked=STOP_FILE.exists,
            budget=budget, replay=replay,
        )  # fmt: skip
    for choice in choices(config, prepared.plan, read_metadata(run.model_file).training):
        note_choice(run, choice)
    reporter.say(f"done: {config.train.keep} model in {run.model_file}")
    compared = plot_names(config)[0] if config.train.metrics else None
    for line in verdict(run.history(), prepared.plan, run.validation(), compared):
        reporter.say(line)
    return run


@contextmanager
def _going_on(run: Run) -> Iterator[None]:
    """Where a file or a folder ended a training: what it had done is there, and that is said."""
    try:
        yield
    except MaskwrightError as error:
        of_a_file, gone = len(Path(error.where or "").parts) > 1, not run.path.exists()
        if not of_a_file or "--resume" in (error.fix or "") or not (gone or run.checkpoint_file.exists()):
            raise
        fix = f"{error.fix or ''} The last whole epoch is kept; then go on with --resume.".strip()
        if gone:
            fix = f"{run.path} is gone: bring its disk or network folder back, then go on with --resume."
        raise MaskwrightError(error.what, where=error.where, fix=fix) from error


def _plan_of(run: Run) -> Plan:
    plan = run.plan()
    if plan is None:
        raise MaskwrightError(
            "has no plan.json, so whether its files are still the same cannot be told",
            where=run.path,
            fix="Train anew without --resume; the best model so far stays in model.keras.",
        )
    return plan


def choices(config: Configuration, plan: Plan, training: dict[str, Any] | None = None) -> list[Choice]:
    """What a training chooses by its validation, and on whom.

    Args:
        training: what is known of the kept model, once there is one.
    """
    settings, entries = config.train, plan.part("valid")
    if not entries or settings.keep == "last":
        return []
    things = {"epoch": (training or {}).get("epoch")}
    if settings.learning_rate_schedule == "reduce" and settings.learning_rate_reducer:
        things["learning rate"] = (training or {}).get("learning_rate")
    by, patients = settings.watch or "val_dice", tuple(plan.patients("valid"))
    hashes = tuple(record.image_hash for record in plan.records("valid"))
    return [Choice(what, by, patients, hashes, value) for what, value in things.items()]


def _learner(model: Any, config: Configuration) -> Any:
    """What the loop trains: the network, or the network and its discriminator."""
    if config.train.adversarial_weight == 0:
        return model
    from maskwright.training.adversarial import Adversarial

    return Adversarial(model, config)


def describe(config: Configuration, prepared: Prepared) -> Metadata:
    """What will travel with the model.

    Raises:
        MaskwrightError: the architecture does not exist.
    """
    found = find_architecture(config.model.name)
    section = config.model.model_dump()
    given = {name: section[name] for name in found.options if section.get(name) is not None}
    variant = found.variant if config.model.name in found.aliases else {}
    options = variant | given | section["options"]
    if config.mask.regions:
        options |= _overlapping(found, options)
    return Metadata(
        architecture=found.name,
        options=options,
        channels=config.model.num_classes,
        class_names=prepared.class_names,
        input_rule=prepared.train.input_rule,
        label_rule=prepared.train.label_rule,
        predict=_belonging(config.predict),
        mirrored_axes=mirrored_axes(config.augmentation, volumes=bool(config.model.image_depth)),
    )


def _overlapping(found: Architecture, options: dict[str, Any]) -> dict[str, Any]:
    """What lets outputs overlap."""
    last = options.get("final_activation", "auto" if "final_activation" in found.options else "of its own")
    if last not in ("auto", "sigmoid"):
        raise MaskwrightError(
            f"{found.name} cannot have regions with the final activation {last}",
            where="[mask] regions",
            fix="Leave model.final_activation at auto, or choose another architecture.",
        )
    return {"final_activation": "sigmoid"}


def _belonging(predict: PredictSection) -> dict[str, Any]:
    """Settings that must not be lost when the model file goes elsewhere alone."""
    return predict.model_dump(mode="json", include={"threshold", "postprocess"}, exclude_defaults=True)


def _resumable(run: Run, config: Configuration, reporter: Reporter) -> bool:
    if not run.checkpoint_file.exists():
        reporter.say(f"nothing to resume in {run.path}: training starts at the first epoch")
        return False
    before, now = run.config.model_dump(), config.model_dump()
    changed = [
        f"{section}.{key}"
        for section in ("data", "mask", "model", "augmentation", "train")
        for key, value in now[section].items()
        if key not in _MAY_CHANGE and value != before[section][key] and not key.endswith("_dir")
        if (key, value) != ("precision", "auto")  # the run knows what was chosen
    ]
    if changed:
        raise MaskwrightError(
            f"was started with other values of {', '.join(changed)}",
            where=run.path,
            fix="Resume with the same values, or train anew without --resume.",
        )
    return True


def _start(run: Run, loaded: Loaded, prepared: Prepared, precision: str, model: Any, start: Start | None,
           reporter: Reporter) -> None:  # fmt: skip
    """Put older results aside and write what is known before the first step."""
    config = loaded.config
    for folder, ours in (
        (run.path, run.config_file.name),
        (config.train.model_dir, None),
        (config.train.eval_dir, None),
    ):
        if folder and loaded.path.resolve().is_relative_to(folder):
            raise MaskwrightError(
                f"holds the configuration {loaded.path.name} itself, and would have to be put aside",
                where=folder,
                fix="Choose a folder of its own for results.",
            )
        if folder and (kept := keep_aside(folder, ours=ours)):
            reporter.say(f"kept what was in {folder} as {kept.name}")
    make_folder(run.path)
    chosen = config.model_copy(update={"train": config.train.model_copy(update={"precision": precision})})
    write_toml_file(run, chosen, loaded)
    plan = prepared.plan
    for choice in choices(config, plan):
        plan = plan.with_choice(choice)
    write_plan(run.path, plan)
    datasets = {"train": prepared.train, "valid": prepared.valid}
    write_environment(run, config, precision, {part: list(data.records) for part, data in datasets.items() if data})
    before = seen_before(start, plan, reporter) if start else []
    write_training_images(run, [*prepared.train.records, *before])
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    write_text(run.path / "summary.txt", "\n".join(lines) + "\n")
    if config.train.show_summary:
        reporter.say("\n".join(lines))
    if config.train.model_dir:
        make_folder(config.train.model_dir)
        write_bytes(config.train.model_dir / loaded.path.name, loaded.path.read_bytes())


def write_toml_file(run: Run, config: Configuration, loaded: Loaded) -> None:
    """Write the resolved configuration into the run folder."""
    comments = [f"Resolved from {loaded.path.name}; every key, every path absolute."]
    write_text(run.config_file, write_toml(config, everything=True, comments=comments))


def make_batches(
    prepared: Prepared, config: Configuration, *, fresh: bool, table: Path | None = None
) -> tuple[Batches, Batches | None]:
    """The batches of training and of validation, if there is one.

    Args:
        fresh: whether a training begins with them, which empties the folders of its copies. table: of the copies.
    """
    settings = config.train
    train = Batches(
        prepared.train,
        settings.batch_size,
        seed=settings.seed,
        steps=steps_of(config, prepared.train),
        shuffle=True,
        augment=augmenter(config.augmentation, prepared.train.input_rule, fresh=fresh, table=table),
        workers=settings.workers,
        stuck_after=settings.stuck_after,
    )
    if prepared.valid is None:
        return train, None
    valid = Batches(
        prepared.valid,
        settings.batch_size,
        steps=settings.validation_steps,
        workers=settings.workers,
        stuck_after=settings.stuck_after,
    )
    return train, valid
