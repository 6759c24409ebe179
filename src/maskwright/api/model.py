"""A trained model in memory, for Python programs that hold their pictures themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.api.segmentation import Segmentation
from maskwright.api.taken import Steps, take
from maskwright.config import Loaded
from maskwright.config.schema import PredictSection
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine, KerasEngine
from maskwright.inference.in_memory import label_picture, label_scan
from maskwright.progress import Reporter
from maskwright.volumes import Volume

if TYPE_CHECKING:
    from maskwright.training.run import Run

PathLike = str | Path


class Model:
    """A trained model (or an ensemble), ready for use; `load` makes it."""

    def __init__(self, engine: Engine, options: PredictSection, reporter: Reporter, name: str) -> None:
        self._engine, self._options, self._reporter, self._name = engine, options, reporter, name
        self._told = False

    @property
    def classes(self) -> dict[int, str]:
        """Names of the numbers in its masks."""
        from maskwright.inference.scans import label_names

        return label_names(self._engine.metadata)

    @property
    def keras_model(self) -> Any:
        """The `keras.Model` itself: normalised inputs in, probabilities out.

        Raises:
            MaskwrightError: an ensemble, a mirrored one, or a model that another engine runs.
        """
        if not isinstance(self._engine, KerasEngine):
            raise MaskwrightError(
                "is not one Keras model by itself",
                where=self._name,
                fix="Load one run or model.keras, with predict.engine = 'keras' and without predict.mirror.",
            )
        return self._engine.model

    def predict(self, image: Any, spacing: Steps | None = None, *, probabilities: bool = False) -> Segmentation:
        """Segment one picture or scan; whole folders go through `maskwright.predict`.

        Args:
            image: a NumPy array, a PIL picture, an image of nibabel or SimpleITK, or a file's name. Arrays have their
                channels last: `(H, W)` or `(H, W, C)` of uint8, uint16 or float32. With three numbers of spacing it is
                a scan, `(slices, rows, columns)` in the order and direction of the model's training, its values those
                of the scanner.
            spacing: of an array, in mm: from row to row and from column to column of a picture, where the model's scale
                is one of mm; from slice to slice, row to row and column to column of a scan.
            probabilities: keep them for scans too.

        Raises:
            MaskwrightError: it is nothing that the model can see, or can mean two things.
        """
        metadata = self._engine.metadata
        taken = take(image, spacing, metadata.input_rule)
        if isinstance(taken.image, Volume):
            found = label_scan(self._engine, taken.image, self._options, keep_probabilities=probabilities)
        else:
            if metadata.input_rule.neighbours and not self._told:
                self._reporter.warn(
                    "the model sees neighbouring slices too, and a single picture stands in for its own: give a scan, "
                    "or predict the folder of slices with maskwright.predict"
                )
                self._told = True
            if taken.image.shape[0] * taken.image.shape[1] == 0:
                raise MaskwrightError("holds no pixels", where=taken.where, fix="Give a picture.")
            found = label_picture(
                self._engine,
                taken.image,
                self._options,
                where=taken.where,
                spacing=taken.spacing,
                keep_probabilities=True,
            )
        return Segmentation(found, taken, metadata, self._options.outline)

    def __repr__(self) -> str:
        metadata = self._engine.metadata
        shape = " x ".join(map(str, metadata.input_shape))
        return f"<Model {metadata.architecture} of {self._name}: {shape} -> {', '.join(metadata.class_names[1:])}>"


def load(
    target: PathLike | Run | Loaded,
    *,
    ensemble: Sequence[PathLike] = (),
    overrides: Sequence[str] = (),
    reporter: Reporter | None = None,
) -> Model:
    """Load a trained model into memory.

    Args:
        target: a run folder, a model.keras or what `export` made of it, a configuration file, or what `train`
            returned; or the folder of a cross-validation, whose folds are then an ensemble.
        ensemble: further runs or models; the mean over all is taken.
        overrides: `predict.key=value`, as on the command line.

    Raises:
        MaskwrightError: no trained model, or models that do not fit together.
    """
    from maskwright.targets import engines, models_of

    reporter = reporter or Reporter()
    models, config, _ = models_of(target, ensemble, overrides, None)
    return Model(engines(models, config, reporter), config.predict, reporter, str(models[0]))
