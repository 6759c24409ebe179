"""[about]: what only people know of a model, for its report."""

from __future__ import annotations

from maskwright.config.schema.base import Section, key


class AboutSection(Section):
    """What only people know of a model: it stands in the model card of `maskwright report`."""

    title: str = key("", "Title of the report; the run's name where absent.", example="Pancreas on abdominal CT")
    authors: str = key("", "Who trained it.", example="A. Researcher, Example Hospital")
    intended_use: str = key("", "What it is for, and what it is not for.", example="Research on organ volumes.")
    data_source: str = key(
        "", "Where pictures come from: collection, years, scanners, who is in it.", example="NIH Pancreas-CT, 82 scans."
    )
    reference_standard: str = key(
        "", "Who drew the masks, with what experience and tool.", example="A medical student, checked by a radiologist."
    )
    limitations: str = key("", "Known weaknesses and risks.", example="Adults without pancreatic disease only.")
    licence: str = key("", "Under which terms model and data may be used.", example="CC BY 3.0")
