"""The one typed configuration: every key, its meaning, unit, default and limits."""

from __future__ import annotations

from maskwright.config.schema.about import AboutSection
from maskwright.config.schema.augmentation import AugmentationSection
from maskwright.config.schema.base import Section, section
from maskwright.config.schema.data import DataSection, FolderPair, MaskSection
from maskwright.config.schema.model import ModelSection
from maskwright.config.schema.prepare import PrepareSection
from maskwright.config.schema.train import TrainSection
from maskwright.config.schema.use import EvaluateSection, PostprocessSection, PredictSection, TilesSection


class Configuration(Section):
    """One file says it all: data, network, augmentation, training, evaluation and prediction."""

    data: DataSection = section(DataSection, "Where pictures lie, how they are grouped and how they enter the network.")
    mask: MaskSection = section(MaskSection, "What the levels or colours of a mask file mean.")
    model: ModelSection = section(ModelSection, "The network and the size of its input.")
    augmentation: AugmentationSection = section(AugmentationSection, "How training pictures are varied.")
    train: TrainSection = section(TrainSection, "Loss, optimiser, length, and what training writes on the way.")
    evaluate: EvaluateSection = section(EvaluateSection, "How a trained model is scored.")
    predict: PredictSection = section(PredictSection, "What prediction writes, and where.")
    about: AboutSection = section(AboutSection, "What only people know of a model, for its report.")
    prepare: PrepareSection = section(PrepareSection, "How scans become image/mask pairs.")

    @property
    def split_seed(self) -> int:
        """The seed that draws patients for training, validation, test and folds."""
        return self.train.seed if self.data.split_seed is None else self.data.split_seed


__all__ = [
    "AboutSection",
    "AugmentationSection",
    "Configuration",
    "DataSection",
    "EvaluateSection",
    "FolderPair",
    "MaskSection",
    "ModelSection",
    "PostprocessSection",
    "PredictSection",
    "PrepareSection",
    "Section",
    "TilesSection",
    "TrainSection",
]
