"""What every section of the configuration is made of: a strict model and documented keys."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section: unknown keys are errors, and a loaded configuration cannot be changed by accident."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )


HIGHEST_SEED = 2**32 - 1  # of NumPy and Keras


def key(
    default: Any,
    doc: str,
    *,
    unit: str | None = None,
    example: Any = None,
    reference: str | None = None,
    **limits: Any,
) -> Any:
    """A documented key.

    Args:
        default: the value without the key.
        doc: what the key means, one or two sentences.
        unit: the unit of a number (`px`, `degrees`, …).
        example: a value for the reference page; the default where absent.
        reference: `section.key` of the reference system's INI that this key takes its value from.
        limits: pydantic's own (`ge`, `le`, `gt`, `min_length`, …).
    """
    extra = {"unit": unit, "example": example, "reference": reference}
    return Field(
        default, description=doc, json_schema_extra={k: v for k, v in extra.items() if v is not None}, **limits
    )


def section(kind: type[Section], doc: str) -> Any:
    """A documented sub-section, filled with its own defaults where absent."""
    return Field(default_factory=kind, description=doc)
