import json

import pytest

from maskwright import precision


@pytest.fixture
def with_bfloat16(monkeypatch):
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "accelerators", lambda: [])


@pytest.mark.parametrize(("ratio", "expected"), [(1.5, "mixed_bfloat16"), (1.01, "float32"), (0.7, "float32")])
def test_bfloat16_only_where_it_was_measured_to_be_faster(with_bfloat16, monkeypatch, tmp_path, ratio, expected):
    measured = []
    monkeypatch.setattr(precision, "measure_bfloat16", lambda: measured.append(1) or ratio)
    assert [precision.choose_precision("auto", tmp_path) for _ in range(3)] == [expected] * 3
    assert measured == [1]  # one machine always answers alike
    (note,) = json.loads((tmp_path / "precision.json").read_text(encoding="utf-8")).values()
    assert note["bfloat16_speed"] == ratio


@pytest.mark.parametrize(("name", "expected"), [("unet", "mixed_bfloat16"), ("efficientnet_lite_unet", "float32")])
def test_convolutions_of_single_channels_stay_in_float32(with_bfloat16, monkeypatch, tmp_path, name, expected):
    from maskwright.models.registry import create_model

    monkeypatch.setattr(precision, "measure_bfloat16", lambda: 1.5)
    assert precision.choose_precision("auto", tmp_path, lambda: create_model(name, (32, 32, 1))) == expected


def test_what_is_wanted_is_not_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "measure_bfloat16", lambda: pytest.fail("measured"))
    assert precision.choose_precision("mixed_bfloat16", tmp_path) == "mixed_bfloat16"
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: False)
    assert precision.choose_precision("auto", tmp_path) == "float32"


def test_the_measurement_leaves_no_trace():
    import keras

    before = keras.config.dtype_policy().name
    assert precision.measure_bfloat16(steps=1, edge=16, layers=1) > 0
    assert keras.config.dtype_policy().name == before
