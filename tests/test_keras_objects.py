"""Every loss and metric of Keras by name: it tells masks apart, or it is refused before the first step."""

import keras
import numpy as np
import pytest

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.losses import LOSSES, Kind, choose_loss, get_loss, try_loss
from maskwright.losses.trial import SAFE_LOSSES, SAFE_METRICS
from maskwright.metrics import METRICS, get_metric, get_metrics, try_metric
from maskwright.models.supervision import joined
from maskwright.training.fit import compile_model

KINDS = [Kind(2, 1), Kind(2, 3), Kind(3, 1), Kind(3, 3), Kind(2, 2), Kind(2, 3, regions=True)]
OPTIONS = {
    "CategoricalGeneralizedCrossEntropy": "q=0.5", "FBetaScore": "beta=0.5", "PrecisionAtRecall": "recall=0.5",
    "RecallAtPrecision": "precision=0.5", "SensitivityAtSpecificity": "specificity=0.5",
    "SpecificityAtSensitivity": "sensitivity=0.5", "TopKCategoricalAccuracy": "k=1",
    "SparseTopKCategoricalAccuracy": "k=1", "IoU": "num_classes=COUNT, target_class_ids=[1]",
    "OneHotIoU": "num_classes=COUNT, target_class_ids=[1]", "MeanIoU": "num_classes=COUNT",
    "OneHotMeanIoU": "num_classes=COUNT",
}  # fmt: skip
# Of these the last two are no numbers where a prediction, or the truth, is the same everywhere.
REFUSED = {"CTC", "Circle", "Loss", "Mean", "MeanMetricWrapper", "Metric", "Sum", "PearsonCorrelation", "R2Score"}
# A pixel that is undecided is to these no hit of anything, or a hit of everything.
BLIND = {
    "FalsePositives",
    "TrueNegatives",
    "RecallAtPrecision",
    "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
}


def kinds_of(classes):
    """Half of the kinds: those of one structure, or the others."""
    return [kind for kind in KINDS if (kind.judged == 1) == (classes == 1)]


def classes_of(module):
    return sorted(name for name, kind in vars(module).items() if isinstance(kind, type) and name not in REFUSED)


def call(name, kind):
    return f"{name}({OPTIONS.get(name, '').replace('COUNT', str(max(2, kind.judged)))})"


def masks(classes):
    """Labels, and masks that are perfect, wrong everywhere, and undecided."""
    labels = np.random.default_rng(0).integers(0, max(2, classes), (2, 8, 9, 1)).astype(np.float32)
    if classes == 1:
        return labels, (labels, 1 - labels, np.full_like(labels, 0.5))
    hot = np.eye(classes, dtype=np.float32)[labels[..., 0].astype(int)]
    return labels, (hot, np.roll(hot, 1, -1), np.full_like(hot, 1 / classes))


def measured(name, labels, prediction):
    metric = get_metric(name)
    metric.update_state(labels, prediction)
    return float(metric.result())


@pytest.mark.parametrize("name", classes_of(keras.losses))
@pytest.mark.parametrize("classes", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_loss_of_keras_tells_masks_apart(name, classes):
    for kind in kinds_of(classes):
        try_loss(call(name, kind), (), kind)
    labels, found = masks(classes)
    loss = get_loss(call(name, Kind(2, classes)))
    perfect, wrong, undecided = (float(loss(labels, one)) for one in found)
    assert perfect < undecided < wrong


@pytest.mark.parametrize("name", classes_of(keras.metrics))
@pytest.mark.parametrize("classes", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_metric_of_keras_tells_masks_apart(name, classes):
    for kind in kinds_of(classes):
        try_metric(call(name, kind), kind)
    labels, found = masks(classes)
    perfect, wrong, undecided = (measured(call(name, Kind(2, classes)), labels, one) for one in found)
    assert abs(perfect - wrong) > 1e-3
    assert abs(perfect - undecided) > 1e-3 or name in BLIND


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_compares_no_masks_is_refused(name):
    loss = hasattr(keras.losses, name)
    arguments = "'accuracy'" if name == "MeanMetricWrapper" else ""
    with pytest.raises(MaskwrightError, match="cannot"):
        if loss:
            try_loss(f"{name}({arguments})", (), Kind(2, 3))
        else:
            try_metric(f"{name}({arguments})", Kind(2, 3))


def test_metrics_of_keras_agree_with_counts():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, (3, 9, 8, 1)).astype(np.float32)
    labels[rng.random(labels.shape) < 0.3] = 255
    prediction = rng.dirichlet((1, 1, 1), (3, 9, 8)).astype(np.float32)
    known = labels[..., 0] < 255
    true, found, p = labels[..., 0][known].astype(int), prediction.argmax(-1)[known], prediction[known]
    ious = [((true == k) & (found == k)).sum() / ((true == k) | (found == k)).sum() for k in range(3)]
    hot, over = np.eye(3)[true] == 1, p > 0.5
    f1 = [2 * ((true == k) & (found == k)).sum() / ((true == k).sum() + (found == k).sum()) for k in (1, 2)]
    expected = {
        "MeanIoU(num_classes=3)": np.mean(ious),
        "IoU(num_classes=3, target_class_ids=[1, 2])": np.mean(ious[1:]),
        "OneHotMeanIoU(num_classes=3)": np.mean(ious),
        "MeanIoU(num_classes=3, sparse_y_true=False, sparse_y_pred=False)": np.mean(ious),
        "BinaryIoU(target_class_ids=[1])": (hot & over).sum() / (hot | over).sum(),
        "Accuracy()": (true == found).mean(),
        "SparseCategoricalAccuracy()": (true == found).mean(),
        "BinaryAccuracy()": (hot == over).mean(),
        "Precision()": (hot & over).sum() / over.sum(),
        "Recall(class_id=1)": (hot & over)[:, 1].sum() / hot[:, 1].sum(),
        "TruePositives()": (hot & over).sum(),
        "F1Score()": np.mean(f1),  # a value a class: the mean after the background
        "MeanSquaredError()": ((hot - p) ** 2).mean(),
        "RootMeanSquaredError()": np.sqrt(((hot - p) ** 2).mean()),
    }
    for name, one in expected.items():
        assert measured(name, labels, prediction) == pytest.approx(one, abs=1e-5), name


def test_metrics_of_keras_of_one_structure():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, (3, 9, 8, 1)).astype(np.float32)
    labels[rng.random(labels.shape) < 0.3] = 255
    prediction = rng.random(labels.shape, dtype=np.float32)
    known = labels < 255
    true, found = labels[known] == 1, prediction[known] >= 0.5
    ious = [(true & found).sum() / (true | found).sum(), (~true & ~found).sum() / (~true | ~found).sum()]
    expected = {
        "MeanIoU(num_classes=2)": np.mean(ious),
        "OneHotMeanIoU(num_classes=2)": np.mean(ious),
        "OneHotIoU(num_classes=2, target_class_ids=[1])": ious[0],
        "BinaryIoU()": np.mean(ious),
        "F1Score()": 2 * (true & found).sum() / (true.sum() + found.sum()),
        "CategoricalAccuracy()": (true == found).mean(),
        "Recall()": (true & found).sum() / true.sum(),
    }
    for name, one in expected.items():
        assert measured(name, labels, prediction) == pytest.approx(one, abs=1e-5), name


@pytest.mark.parametrize(
    ("key", "name", "kind", "words"),
    [
        ("loss", "categorical_crossentropy", Kind(2, 1), "one structure in 2D: a full mask costs 0, a perfect one 0"),
        ("loss", "tversky_loss(alpha=0.0, beta=1.0)", Kind(2, 3, regions=True), "3 regions in 2D: a full mask costs"),
        ("loss", "tversky_loss(alpha=1.0, beta=0.0)", Kind(3, 1), "3D: an empty mask costs"),
        ("loss", "tversky_loss(0.3)", Kind(2, 1), "options are given by their names"),
        ("loss", "BinaryCrossentropy(from_logits=True)", Kind(2, 1), "the network gives probabilities"),
        ("loss", "BinaryCrossentropy(reduction='sum')", Kind(2, 1), "a sum over pixels"),
        ("loss", "Dice(axis=(1, 7))", Kind(2, 1), r"it fails \("),
        ("loss", "Huber(delta=float('nan'))", Kind(2, 1), "Only literal"),
        ("metrics", "TopKCategoricalAccuracy()", Kind(2, 3), "a wrong mask has the same value as a perfect one, 1"),
        ("metrics", "MeanIoU(num_classes=5)", Kind(2, 3), "Write num_classes=3"),
        ("metrics", "MeanIoU(num_classes=3)", Kind(2, 3, regions=True), "Write num_classes=2"),
        ("metrics", "R2Score()", Kind(2, 1), "its value for an empty truth is nan"),
        ("metrics", "PearsonCorrelation()", Kind(2, 3), "its value for an undecided mask is nan"),
        ("metrics", "AUC(from_logits=True)", Kind(2, 1), "the network gives probabilities"),
    ],
)
def test_what_cannot_train_or_judge_is_refused(key, name, kind, words):
    with pytest.raises(MaskwrightError, match=words):
        if key == "loss":
            try_loss(name, (), kind)
        else:
            try_metric(name, kind)


def test_a_loss_of_logits_trains_a_network_without_activation():
    for classes in (1, 3):
        try_loss("CategoricalCrossentropy(from_logits=True)", (), Kind(2, classes, logits=True))
        try_loss("BinaryCrossentropy(from_logits=True)", (), Kind(2, classes, logits=True))
    labels, (_, _, undecided) = masks(1)
    logits = undecided + 1.25
    expected = -np.log(1 / (1 + np.exp(np.where(labels == 1, -1, 1) * 1.75))).mean()
    for name in ("BinaryCrossentropy", "CategoricalCrossentropy"):
        found = float(choose_loss(f"{name}(from_logits=True)")(labels, logits))
        assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, Kind(3, 4, regions=True)])
def test_what_a_refusal_recommends_works(kind):
    for name in SAFE_LOSSES:
        try_loss(name, (), kind)
    for name in SAFE_METRICS:
        try_metric(name, kind)


@pytest.mark.parametrize("kind", [Kind(2, 1), Kind(3, 3)])
def test_all_of_ours_work_but_the_categorical_one_of_one_structure(kind):
    for name in set(LOSSES) - ({"categorical_crossentropy"} if kind.judged == 1 else set()):
        try_loss(name, (), kind)
    for name in METRICS:
        try_metric(name, kind)


def settings(classes=1, loss="bce_dice_loss", metrics=(), **mask):
    return Configuration.model_validate(
        {"train": {"loss": loss, "metrics": list(metrics)}, "model": {"num_classes": classes}, "mask": mask}
    )


def network(shape, classes, outputs, policy):
    """One layer an output: what is shown here is how losses and metrics are compiled, not a network."""
    image = keras.Input(shape)
    conv, end = (keras.layers.Conv2D, keras.layers.Conv3D)[len(shape) - 3], "softmax" if classes > 1 else "sigmoid"
    found = [conv(classes, 3, padding="same", activation=end, dtype=policy)(image) for _ in range(outputs)]
    return joined(keras.Model(image, found if outputs > 1 else found[0]))


@pytest.mark.parametrize(
    ("shape", "classes", "outputs", "loss", "metrics", "policy"),
    [
        ((12, 12, 2), 1, 1, "CategoricalCrossentropy()", ["F1Score()", "AUC()", "Recall()"], "float32"),
        ((12, 12, 1), 3, 3, "ssim_loss", ["dice_per_image", "MeanIoU(num_classes=3)"], "mixed_bfloat16"),
        ((6, 7, 8, 1), 2, 1, "ssim_loss", ["dice_coef", "Accuracy()", "BinaryIoU()"], "float32"),
        ((6, 7, 8, 1), 2, 2, "SparseCategoricalCrossentropy()", ["cldice_coef", "sensitivity"], "mixed_bfloat16"),
    ],
)
def test_networks_train_by_them(shape, classes, outputs, loss, metrics, policy):
    keras.utils.set_random_seed(0)
    model = network(shape, classes, outputs, policy)
    assert model.output.shape[-1] == classes * outputs
    compile_model(model, settings(classes, loss, metrics))
    rng = np.random.default_rng(3)
    images = rng.random((2, *shape), dtype=np.float32)
    labels = rng.integers(0, max(2, classes), (2, *shape[:-1], 1)).astype(np.float32)
    labels[:, 11:] = 255
    labels[0, :2] = 255
    prediction = np.array(model.predict_on_batch(images)).astype(np.float32)[..., :classes]
    logs = model.test_on_batch(images, labels, return_dict=True)
    for text in metrics:
        assert float(logs[get_metric(text).name]) == pytest.approx(measured(text, labels, prediction), abs=1e-4), text
    model.train_on_batch(images, labels, return_dict=True)
    logs = model.train_on_batch(images, np.full_like(labels, 255), return_dict=True)
    assert logs["loss"] == 0
    assert all(np.isfinite(np.array(one)).all() for one in model.trainable_variables)


def test_log_entries_do_not_count_what_was_made_before():
    for _ in range(2):  # Keras would go on: auc_1, auc_2
        names = ["AUC()", "AUC(curve='PR')", "Recall(name='of_2', class_id=2)", "dice_coef", "BinaryAccuracy('acc_1')"]
        assert [one.name for one in get_metrics(names)] == ["auc", "auc_1", "of_2", "dice_coef", "acc_1"]


def test_a_loss_that_cannot_train_is_refused_when_it_is_chosen():
    model = network((8, 8, 1), 1, 1, "float32")
    with pytest.raises(MaskwrightError, match=r"(?s)\[train\] loss.*one structure in 2D.*bce_dice_loss"):
        compile_model(model, settings(loss="categorical_crossentropy"))
    with pytest.raises(MaskwrightError, match=r"(?s)\[train\] metrics.*num_classes"):
        compile_model(model, settings(metrics=["MeanIoU(num_classes=3)"]))
