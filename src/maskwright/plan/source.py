"""Which keys of a configuration a plan was made from, and whether another configuration means the same data."""

from __future__ import annotations

from typing import Any

from maskwright.config import Configuration

# Keys of [data] that say which files there are, whose they are, and what they hold.
_SHARED = (
    "images", "masks", "valid_fraction", "test_fraction", "split_file", "split_order", "patient_pattern",
    "channel_patterns", "mask_pattern", "spacing", "orientation", "folds",
)  # fmt: skip
_PLACES = ("images", "masks", "patient_pattern", "channel_patterns", "mask_pattern")
_PARTS = ("train", "valid", "test")


def source_of(config: Configuration) -> dict[str, Any]:
    """The keys that a plan depends on, as plain values."""
    data = config.data.model_dump(mode="json")
    # A plan of an earlier version does not know the share, and took everybody.
    share = {} if config.data.train_share == 1 else {"data.train_share": config.data.train_share}
    return {
        **share,
        **{f"data.{name}": data[name] for name in _SHARED},
        **{f"data.{part}.{kind}": data[part][kind] for part in _PARTS for kind in ("images", "masks")},
        **{f"mask.{name}": value for name, value in config.mask.model_dump(mode="json").items()},
        "model.num_classes": config.model.num_classes,
        "volumes": bool(config.model.image_depth),
        "seed": config.split_seed,
    }


def differences(source: dict[str, Any], config: Configuration) -> list[str]:
    """The keys whose values are others than those that a plan was made from."""
    now = source_of(config)
    return sorted(name for name in {*source, *now} if source.get(name) != now.get(name))


def same_place(source: dict[str, Any], config: Configuration, part: str) -> bool:
    """Whether a configuration takes a part of the data from where the plan took it."""
    keys = [*(f"data.{name}" for name in _PLACES), f"data.{part}.images", f"data.{part}.masks"]
    now = source_of(config)
    return all(source.get(key) == now[key] for key in keys)
