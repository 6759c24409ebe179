"""What holds without the packages of other architectures."""

import pytest

from maskwright.errors import MaskwrightError
from maskwright.models import providers
from maskwright.models.registry import create_model


def test_only_listed_packages_can_be_named():
    for name in ("os:system", "tensorflow:keras", ":UNet"):
        with pytest.raises(MaskwrightError, match="keras_hub, medicai"):
            create_model(name, (64, 64, 1))


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(providers, "installed", lambda name: False)
    with pytest.raises(MaskwrightError, match=r"medicai, which is not installed[\s\S]*maskwright\[zoo\]"):
        create_model("medicai:UNet", (64, 64, 1))
