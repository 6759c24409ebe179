"""A SavedModel is a program: what it is made of is looked at before it is loaded."""

import keras
import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.saved_model import ALLOWED, require_harmless

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModels are TensorFlow's")
METADATA = Metadata("unet", {}, 3, ["background", "a", "b"], InputRule(8, 8, 1), LabelRule("index", 3))
SPEC = {"shape": (None, 8, 8, 1), "dtype": "float32", "name": "image"}


def exported(folder, body, module=None, channels=3):
    """A SavedModel whose function does `body` on the way."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(**SPEC)])
    def run(image):
        return {"probabilities": tf.concat([tf.ensure_shape(image * body(tf, image), image.shape)] * channels, -1)}

    module = module or tf.Module()
    tf.saved_model.save(module, str(folder), signatures=run.get_concrete_function())
    return folder


def number(tf, text):
    return tf.cast(tf.strings.length(text), tf.float32)


PROGRAMS = {
    "ReadFile": lambda tf, image: number(tf, tf.io.read_file("/etc/hostname")),
    "WriteFile": lambda tf, image: [tf.io.write_file("/tmp/x", "x"), 1.0][1],
    "MatchingFiles": lambda tf, image: number(tf, tf.io.matching_files("/etc/*")[0]),
    "SaveV2": lambda tf, image: [tf.raw_ops.SaveV2(prefix="/tmp/x", tensor_names=["a"], shape_and_slices=[""], tensors=[image]), 1.0][1],
    "RestoreV2": lambda tf, image: tf.raw_ops.RestoreV2(prefix="/tmp/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0],
    "EagerPyFunc": lambda tf, image: tf.py_function(lambda: 1.0, [], tf.float32),
    "PyFunc": lambda tf, image: tf.numpy_function(lambda: 1.0, [], tf.float32),
    "PrintV2": lambda tf, image: [tf.print("x", output_stream="file:///tmp/x"), 1.0][1],
    "TextLineDataset": lambda tf, image: number(tf, next(iter(tf.data.TextLineDataset("/etc/hostname")))),
    "DebugIdentity": lambda tf, image: tf.raw_ops.DebugIdentity(input=image, debug_urls=["file:///tmp/x"]),
    "Abort": lambda tf, image: [tf.raw_ops.Abort(), 1.0][1],
    "ImmutableConst": lambda tf, image: tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name="/etc/hostname"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_touches_files_or_runs_code_is_refused_by_its_name(tmp_path, name):
    folder = exported(tmp_path / "m", PROGRAMS[name])
    with pytest.raises(
        MaskwrightError, match=rf"holds operations that no network needs \(.*{name}.*a SavedModel is a program"
    ):
        require_harmless(folder, METADATA)


def test_within_a_branch_too(tmp_path):
    def body(tf, image):
        return tf.cond(tf.reduce_sum(image) > 0, lambda: number(tf, tf.io.read_file("/etc/hostname")), lambda: 1.0)

    with pytest.raises(MaskwrightError, match="ReadFile"):
        require_harmless(exported(tmp_path / "m", body), METADATA)


def test_networks_pass_with_their_variables_and_loops(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(2.0)

    def body(tf, image):
        scale = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * module.weight), (0, 1.0))[1]
        return scale * tf.nn.conv2d(image, tf.ones((3, 3, 1, 1)), 1, "SAME")

    require_harmless(exported(tmp_path / "m", body, module), METADATA)


def test_another_input_or_output_than_it_says(tmp_path):
    folder = exported(tmp_path / "m", lambda tf, image: 1.0, channels=4)
    with pytest.raises(MaskwrightError, match="gives 4 channels, and it says 3"):
        require_harmless(folder, METADATA)


@pytest.mark.parametrize(
    "change",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\xff" * 99],
    ids=["cut", "empty", "noise"],
)
def test_a_damaged_file(tmp_path, change):
    folder = exported(tmp_path / "m", lambda tf, image: 1.0)
    graph = folder / "saved_model.pb"
    graph.write_bytes(change(graph.read_bytes()))
    with pytest.raises(MaskwrightError, match=r"saved_model\.pb: is a damaged model"):
        require_harmless(folder, METADATA)


def test_what_tensorflow_would_read_instead(tmp_path):
    folder = exported(tmp_path / "m", lambda tf, image: 1.0)
    (folder / "saved_model.cpb").write_bytes(b"x")
    with pytest.raises(MaskwrightError, match=r"holds saved_model\.cpb"):
        require_harmless(folder, METADATA)


def test_a_constant_of_terabytes(tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    graph = exported(tmp_path / "m", lambda tf, image: 1.0) / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
    node = message.meta_graphs[0].graph_def.node.add(name="large", op="Const")
    node.attr["value"].tensor.tensor_shape.dim.add().size = 1 << 40
    graph.write_bytes(message.SerializeToString())
    with pytest.raises(MaskwrightError, match=r"its constants claim 8\.8e"):
        require_harmless(graph.parent, METADATA)


def test_every_name_on_the_list_is_an_operation_of_tensorflow():
    import tensorflow as tf

    assert {name for name in ALLOWED if not hasattr(tf.raw_ops, name)} == set()
    assert not ALLOWED & {
        "Abort",
        "ImmutableConst",
        "DebugIdentity",
        "PyFuncStateless",
        "ReadFile",
        "RestoreV2",
        "RemoteCall",
    }
