import keras
import numpy as np
import pytest

from maskwright.errors import MaskwrightError
from maskwright.models.onnx import export_onnx
from maskwright.models.registry import create_model

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras exports to ONNX from TensorFlow")


def test_a_network_as_it_is_used_not_as_it_is_trained(tmp_path):
    """Batch normalisation, dropout, and Keras's own GELU, which has no operator in ONNX."""
    runtime = pytest.importorskip("onnxruntime")
    model = create_model("unet", (32, 32, 1), 2, num_layers=3, dropout_rate=0.3, normalization=True, activation="gelu")
    images = np.random.default_rng(0).random((3, 32, 32, 1), np.float32)
    model.compile("sgd", "mse", jit_compile=False)
    model.train_on_batch(images, np.zeros((3, 32, 32, 2), np.float32))  # statistics that are not the initial ones
    export_onnx(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(["probabilities"], {"image": images})
    assert np.abs(found - model.predict_on_batch(images)).max() < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MaskwrightError, match="cannot be written"):
        export_onnx(create_model("unet", (32, 32, 1), num_layers=2), tmp_path / "file" / "model.onnx")
