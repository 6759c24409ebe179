"""Names of classes."""

import pytest

from maskwright.config import Configuration
from maskwright.data.dataset import class_names
from maskwright.errors import MaskwrightError


@pytest.mark.parametrize(
    ("count", "names", "expected"),
    [
        (3, ["background", "a", "b"], ["background", "a", "b"]),
        (3, ["a", "b"], ["background", "a", "b"]),
        (1, ["background", "a"], ["background", "a"]),
        (1, ["a"], ["background", "a"]),
        (3, [], ["background", "class 1", "class 2"]),
        (4, ["background", "a", "b"], None),  # the names would stand one class too high
        (5, ["a", "b"], None),
        (2, ["background", "a", "b"], None),
    ],
)
def test_each_name_stands_at_its_class_or_none_does(count, names, expected):
    config = Configuration.model_validate({"model": {"num_classes": count}, "mask": {"classes": names}})
    if expected:
        assert class_names(config) == expected
        return
    with pytest.raises(MaskwrightError, match="Name each class, background first"):
        class_names(config)
