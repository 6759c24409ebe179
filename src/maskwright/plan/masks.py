"""What the masks of a data set mean, decided by all masks of all parts."""

from __future__ import annotations

from collections.abc import Callable

from maskwright.config import Configuration
from maskwright.data.dataset import class_names
from maskwright.data.map_values import values_in
from maskwright.data.mask_meaning import Decision
from maskwright.data.mask_meaning import decide as decide_by_values
from maskwright.data.mask_values import look
from maskwright.data.splits import Splits
from maskwright.labels.configured import require_map_keys


def decide(
    config: Configuration, splits: Splits, step: Callable[[], None] | None = None, *, scans: bool = False
) -> Decision:
    """The rule for masks, the reason for it, and what is unusual in them.

    A test mask that cannot be read is left to the evaluation, which names it.

    Args:
        splits: the pairs of each part. scans: masks are label maps. step: called after each mask.

    Raises:
        MaskwrightError: a mask that cannot be read, or masks that can mean several things.
    """
    masks = {part: [pair.mask_part for pair in pairs] for part, pairs in splits.items()}
    if scans:
        require_map_keys(config.mask)
    seen = look(masks, step, lenient=frozenset({"test"}), values=values_in if scans else None)
    return decide_by_values(config.mask, config.model.num_classes, class_names(config), seen)
