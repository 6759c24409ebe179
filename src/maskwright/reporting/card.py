"""The model card: what a reader must know to judge a model, after Model Cards (Mitchell et al. 2019) and the checklist
for AI in medical imaging CLAIM (Mongan et al. 2020, updated by Tejani et al. 2024)."""

from __future__ import annotations

from typing import Any

from maskwright import __version__
from maskwright.progress import duration
from maskwright.reporting.facts import Facts

_UNKNOWN = "not stated (set {key} in the configuration)"


def card(facts: Facts) -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections of questions and answers."""
    about, config, metadata = facts.config.about, facts.config, facts.metadata
    stated = {name: getattr(about, name) or _UNKNOWN.format(key=f"about.{name}") for name in type(about).model_fields}
    rule = metadata.input_rule
    size = " x ".join(map(str, rule.shape[:-1]))
    epochs = len(facts.history)
    return [
        (
            "Model",
            [
                ("Authors", stated["authors"]),
                ("Architecture", f"{metadata.architecture}, input {size} px, {rule.input_channels} channels"),
                ("Tells", ", ".join(facts.classes)),
                ("Version", f"Maskwright {facts.environment['versions'].get('maskwright', __version__)}, trained "
                            f"{facts.environment['created'][:10]}"),
                ("Licence", stated["licence"]),
            ],
        ),
        (
            "Use",
            [
                ("Intended use", stated["intended_use"]),
                ("Limitations", stated["limitations"]),
                ("Not", "a medical device; not for decisions about a patient without somebody who checks the mask"),
            ],
        ),
        (
            "Data",
            [
                ("Source", stated["data_source"]),
                ("Reference standard", stated["reference_standard"]),
                ("Training", _data(facts.environment["data"].get("train"))),
                ("Validation", _data(facts.environment["data"].get("valid"))),
                ("Scored on", f"{facts.summary['images']} images of {facts.summary['patients']} patients "
                              f"({_split(facts)})"),
                ("Patients apart", _apart(facts)),
                ("Levels", f"window {rule.window}" if rule.window else f"{rule.intensity} of {rule.dtype} levels"),
            ],
        ),
        (
            "Training",
            [
                ("Loss", config.train.loss),
                ("Optimiser", f"{config.train.optimizer}, learning rate {config.train.learning_rate:g}, batch of "
                              f"{config.train.batch_size}"),
                ("Augmentation", config.augmentation.mode),
                ("Length", f"{epochs} epochs in {duration(sum(row['seconds'] for row in facts.history))}; kept: epoch "
                           f"{metadata.training.get('epoch', '?')}"),
                ("Arithmetic", f"{facts.environment['precision']}, seed {facts.environment['seed']}"),
                ("Machine", f"{facts.environment['processor']}, {facts.environment['platform']}"),
            ],
        ),
        (
            "Evaluation",
            [
                ("Unit", "patients; intervals are 95 % bootstrap intervals of the mean over patients"),
                ("Thresholds", _thresholds(config.predict.threshold)),
                ("Two empty masks", "Dice and IoU 1, distances undefined; one empty: Dice 0, distances undefined"),
                ("Undefined", "counted and shown beside the mean; classes that no truth has are left out of means"),
            ],
        ),
    ]  # fmt: skip


def citation(facts: Facts) -> str:
    """How to cite the run, as BibTeX."""
    year = facts.environment["created"][:4]
    title = facts.config.about.title or facts.name
    author = facts.config.about.authors or "Unknown"
    version = facts.environment["versions"].get("maskwright", __version__)
    return (
        f"@misc{{maskwright-{facts.name},\n  title = {{{title}}},\n  author = {{{author}}},\n  year = {{{year}}},\n"
        f"  note = {{Segmentation model {facts.metadata.architecture}, trained with Maskwright {version}}}\n}}"
    )


def _data(part: dict[str, Any] | None) -> str:
    if not part:
        return "none"
    return f"{part['pictures']} images of {part['patients']} patients, hash {part['hash'][:12]}"


def _split(facts: Facts) -> str:
    if facts.folds:
        return f"{facts.folds} folds, each on the patients that it did not train on"
    return f"the {facts.summary['split']} part"


def _apart(facts: Facts) -> str:
    if facts.config.data.patient_pattern is None:
        return "unknown: no data.patient_pattern says which image belongs to whom"
    return "no: see the warnings" if facts.summary["warnings"] else "yes: nobody scored was in training"


def _thresholds(threshold: Any) -> str:
    return "0.5, or the most probable class" if threshold is None else str(threshold)
