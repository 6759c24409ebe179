"""What depends on the machine and on Keras's backend: quiet start, seeds, determinism, arithmetic, devices."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from maskwright.environment import held_back, prepare_environment
from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding


def import_keras() -> Any:
    """Keras on the backend of `KERAS_BACKEND` (TensorFlow where unset).

    Raises:
        MaskwrightError: that backend is not installed.
    """
    prepare_environment()
    try:
        with held_back():
            import keras

            keras.ops.zeros(1)  # starts the devices, which has messages of its own
    except ModuleNotFoundError as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise MaskwrightError(
            f"Keras cannot start its backend {backend} ({error})",
            where="KERAS_BACKEND",
            fix=f'Install it (pip install "maskwright[{backend}]") or unset KERAS_BACKEND.',
        ) from None
    return keras


def seed_everything(seed: int, *, deterministic: bool) -> None:
    """Seed Python, NumPy and Keras; make TensorFlow repeat to the last bit where asked (which costs nothing)."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def inference_function(model: Any) -> Any:
    """A TensorFlow function of a Keras model as it is used, not trained, its weights in it: `image` to `probabilities`.

    Keras's own export calls a model without saying which of both, and some layers then behave as in training; and it
    leaves tensors that a layer holds (as in EfficientNet's normalisation) as inputs that nobody feeds.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = [tf.TensorSpec(model.inputs[0].shape, tf.float32, name="image")]
    traced = tf.function(lambda image: model(image, training=False), input_signature=signature).get_concrete_function()
    held = {inner.op.name: outer for outer, inner in traced.graph.captures if outer.dtype != tf.resource}
    frozen = convert_variables_to_constants_v2(traced)
    graph = frozen.graph.as_graph_def()
    for node in graph.node:
        if node.op == "Placeholder" and node.name in held:
            node.op = "Const"
            del node.attr["shape"]
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(held[node.name].numpy()))
    feed, output = traced.inputs[0].name, frozen.outputs[0].name

    def run(image: Any) -> dict[str, Any]:
        (found,) = tf.graph_util.import_graph_def(graph, input_map={feed: image}, return_elements=[output], name="")
        return {"probabilities": found}

    return tf.function(run, input_signature=signature)


def save_tensorflow(model: Any, folder: Path) -> None:
    """Write a Keras model as a TensorFlow SavedModel that needs no Keras: `serving_default`, `image` to
    `probabilities`."""
    import tensorflow as tf

    function = inference_function(model)
    with held_back():
        tf.saved_model.save(tf.Module(), str(folder), signatures=function.get_concrete_function())


def _import_tensorflow(where: object) -> Any:
    prepare_environment()
    try:
        with held_back():
            import tensorflow as tf
    except ModuleNotFoundError:
        raise MaskwrightError("needs TensorFlow", where=where, fix="pip install tensorflow") from None
    return tf


def parse_saved_model(data: bytes) -> Any:
    """The message in a SavedModel's file; nothing of it is loaded.

    Raises:
        MaskwrightError: TensorFlow is not installed. What protocol buffers raise for damaged bytes.
    """
    _import_tensorflow("a SavedModel")
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString(data)


def load_tensorflow(folder: Path) -> Callable[[Any], Any]:
    """The network of a folder that `save_tensorflow` wrote, from and to NumPy arrays.

    A SavedModel is a program that is run here: `models.saved_model.require_harmless` goes before.

    Raises:
        MaskwrightError: TensorFlow is not installed, or the folder is damaged.
    """
    tf = _import_tensorflow(folder)
    with held_back(), decoding(folder, "is a damaged SavedModel", "Export it again."):
        loaded = tf.saved_model.load(str(folder))
        function = loaded.signatures["serving_default"]

    def run(image: Any) -> Any:
        return function(image=tf.convert_to_tensor(image))["probabilities"].numpy()

    run.loaded = loaded  # type: ignore[attr-defined] # the function does not keep it alive
    return run


def tensorflow_dataset(feed: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """A `tf.data.Dataset` of batches of float32 arrays `(B, *shape)`; an epoch each time.

    Raises:
        MaskwrightError: TensorFlow is not installed.
    """
    tf = _import_tensorflow("as_tf")
    specs = [tf.TensorSpec((None, *one), tf.float32) for one in shapes]
    found = tf.data.Dataset.from_generator(lambda: iter(feed), output_signature=tuple(specs))
    return found.apply(tf.data.experimental.assert_cardinality(len(feed)))


def torch_loader(feed: Any) -> Any:
    """A `torch.utils.data.DataLoader` of the same batches, made by threads of ours and no process of its own.

    Raises:
        MaskwrightError: PyTorch is not installed.
    """
    try:
        import torch.utils.data
    except ModuleNotFoundError:
        raise MaskwrightError("needs PyTorch", where="as_torch", fix='pip install "maskwright[torch]"') from None

    class Stream(torch.utils.data.IterableDataset):  # type: ignore[misc, type-arg, unused-ignore]
        def __len__(self) -> int:
            return len(feed)

        def __iter__(self) -> Any:
            return ((torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in feed)

    return torch.utils.data.DataLoader(Stream(), batch_size=None)


def fused_batch_normalization(
    inputs: Any, weights: tuple[Any, Any], statistics: tuple[Any, Any], epsilon: float, *, learns: bool
) -> tuple[Any, tuple[Any, Any]]:
    """TensorFlow's batch normalisation in one operation.

    Args:
        inputs: `(B, …, C)` of any precision. weights: gamma and beta `(C,)`.
        statistics: moving mean and variance `(C,)`.
        learns: normalise by the batch's own statistics.

    Returns:
        What is normalised, and mean and variance `(C,)` float32, of the batch where it learns.
    """
    import tensorflow as tf

    shape = tf.shape(inputs)
    flat = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (shape[0], -1, shape[-2], shape[-1]))
    gamma, beta, mean, variance = (tf.cast(tf.convert_to_tensor(one), tf.float32) for one in (*weights, *statistics))
    found = tf.raw_ops.FusedBatchNormV3(
        x=flat, scale=gamma, offset=beta, mean=mean, variance=variance, epsilon=epsilon, is_training=learns
    )
    outputs = tf.reshape(found.y, shape)
    if not learns:
        return outputs, (mean, variance)
    # The operation gives the variance with Bessel's correction; Keras keeps it without.
    count = tf.cast(tf.size(flat) / shape[-1], tf.float32)
    return outputs, (found.batch_mean, found.batch_variance * ((count - 1) / count))


def adam_step(
    variable: Any,
    gradient: Any,
    moments: tuple[Any, Any],
    learning_rate: Any,
    decays: tuple[float, float],
    epsilon: float,
    step: Any,
) -> None:
    """A step of Adam (Kingma and Ba 2015, the second form of section 2) by TensorFlow's own operation.

    Args:
        variable: what is learnt, Keras's or TensorFlow's. moments: the means of its gradients and of their squares.
        decays: beta 1 and 2. step: its number, from 1.
    """
    import tensorflow as tf

    dtype = tf.as_dtype(variable.dtype)
    number = tf.cast(tf.convert_to_tensor(step), dtype)
    first, second = (tf.constant(decay, dtype) for decay in decays)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=moments[0].handle,
        v=moments[1].handle,
        beta1_power=tf.pow(first, number),
        beta2_power=tf.pow(second, number),
        lr=tf.cast(tf.convert_to_tensor(learning_rate), dtype),
        beta1=first,
        beta2=second,
        epsilon=tf.constant(epsilon, dtype),
        grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
    )


def accelerators() -> list[str]:
    """Names of the GPUs (or TPUs) that Keras's backend sees."""
    keras = import_keras()
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [device.name for device in tf.config.list_physical_devices("GPU")]
    if backend == "jax":
        import jax

        return [str(device) for device in jax.devices() if device.platform != "cpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def processor_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str | None]:
    """Versions of what results depend on; None where it is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    names = (
        "maskwright",
        "keras",
        "tensorflow",
        "tensorflow-cpu",
        "jax",
        "torch",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "pydantic",
        "nibabel",
        "scipy",
        "pydicom",
        "highdicom",
        "SimpleITK",
        "onnxruntime",
        "openvino",
        "fastapi",
    )
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    # Two wheels of the same thing.
    found["tensorflow"] = found["tensorflow"] or found["tensorflow-cpu"]
    del found["tensorflow-cpu"]
    return found
