import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from maskwright.augment import affine as a
from maskwright.augment.base import Drawn
from maskwright.augment.bulge import Bulge
from maskwright.augment.elastic import Distortion, Elastic
from maskwright.augment.pipeline import apply, coordinates
from maskwright.augment.sampling import border_level, sample
from maskwright.data.patches import cut
from maskwright.labels.regions import IGNORED

RNG = np.random.default_rng(0)


def whole(where):
    return [(slice(0, len(where[0])), where)]


def places(shape, spread, seed=0):
    rng = np.random.default_rng(seed)
    base = np.meshgrid(*[np.arange(size, dtype=np.float32) for size in shape], indexing="ij")
    return [axis + rng.uniform(-spread, spread, shape).astype(np.float32) for axis in base]


@pytest.mark.parametrize("shape", [(30, 41), (7, 30, 41), (1, 9, 8), (12, 5, 64)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_images_agree_with_map_coordinates(shape, dtype):
    image = (RNG.random((*shape, 2)) * 200 + 20).astype(dtype)
    where = places(shape, 3.0)
    found, _ = sample(image, np.zeros(shape, np.uint8), whole(where))
    assert found.dtype == dtype and found.shape == image.shape
    for channel, level in enumerate(border_level(image) if len(shape) == 2 else (0, 0)):
        # SciPy's `grid-constant` interpolates towards what is outside, as OpenCV does.
        exact = image[..., channel].astype(np.float64)
        expected = ndimage.map_coordinates(exact, where, order=1, mode="grid-constant", cval=level)
        # Half a level of rounding; older OpenCV rounds places to 1/32 px.
        assert np.abs(found[..., channel].astype(float) - expected).max() < 0.6 + 200 / 16


@pytest.mark.parametrize("shape", [(30, 41), (7, 30, 41)])
def test_nearest_agrees_with_map_coordinates(shape):
    label = RNG.integers(0, 5, shape, np.uint8)
    where = places(shape, 3.0)
    _, found = sample(np.zeros((*shape, 1), np.uint8), label, whole(where))
    outside = 0 if len(shape) == 2 else IGNORED
    expected = ndimage.map_coordinates(label, where, order=0, mode="grid-constant", cval=outside)
    assert (found != expected).mean() < 0.002  # places half way between two pixels


@pytest.mark.parametrize("shape", [(40, 51), (6, 40, 51)])
def test_area_takes_the_class_with_the_largest_share(shape):
    label = ndimage.zoom(RNG.integers(0, 4, [-(-size // 5) for size in shape]), 5, order=0)
    label = label[tuple(slice(0, size) for size in shape)].astype(np.uint8)
    where = places(shape, 1.0)
    _, found = sample(np.zeros((*shape, 1), np.uint8), label, whole(where), label_order="area")
    outside = 0 if len(shape) == 2 else 4
    shares = [
        ndimage.map_coordinates((label == n).astype(float), where, order=1, mode="grid-constant", cval=n == outside)
        for n in range(5)
    ]
    ranked = np.sort(shares, axis=0)
    clear = ranked[-1] - ranked[-2] > 0.07  # OpenCV before 5 rounds places to 1/32 px
    assert clear.mean() > 0.8
    assert np.array_equal(np.where(found == IGNORED, 4, found)[clear], np.argmax(shares, axis=0)[clear])


def test_area_of_thin_structures_is_kept_when_they_shrink():
    """By nearest, a line of one pixel survives or not by chance; neither way may grow it."""
    y, x = np.mgrid[:200, :200]
    label = ((x + y) % 9 < 3).astype(np.uint8)
    image = np.zeros((200, 200, 1), np.uint8)
    for order in ("nearest", "area"):
        _, found = apply(image, label, Drawn(spatial=(a.scale(0.7, 2),)), label_order=order)
        assert found[35:165, 35:165].mean() == pytest.approx(label.mean(), rel=0.05)


def test_cubic_is_keys_kernel():
    """Keys 1981 with a = -0.75, which is OpenCV's; a shift by 0.3 px, each axis by its own weights."""

    def weights(t, a=-0.75):
        distance = np.abs(np.arange(-1, 3) - t)
        near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
        far = a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a
        return np.where(distance <= 1, near, far)

    image = RNG.random((30, 40), dtype=np.float32) * 100
    y, x = np.mgrid[:30, :40].astype(np.float32)
    found, _ = sample(image[..., None], np.zeros((30, 40), np.uint8), whole([y + 0.3, x]), image_order="cubic")
    expected = sum(w * np.roll(image, -k, axis=0) for w, k in zip(weights(0.3), range(-1, 3), strict=True))
    assert np.abs(found[..., 0] - expected)[3:-3].max() < 100 / 32
    assert np.abs(found[..., 0] - expected)[3:-3].mean() < 1


def test_outside_is_background_and_the_borders_median():
    image = np.full((20, 20, 5), 7, np.uint8)
    image[..., 4] = 9
    image[5:15, 5:15] = 200
    label = np.ones((20, 20), np.uint8)
    found, marks = sample(image, label, whole([np.full((20, 20), -5.0, np.float32) for _ in range(2)]))
    assert not marks.any()
    assert (found == [7, 7, 7, 7, 9]).all()


def test_slices_of_a_volume_never_mix():
    """A volume moved in the plane of its slices is its slices moved, whatever comes from outside."""
    image, label = RNG.integers(0, 255, (5, 30, 40, 2), np.uint8), RNG.integers(0, 3, (5, 30, 40), np.uint8)
    image[:, [0, -1]] = image[:, :, [0, -1]] = 0  # the border level of the slices is what lies outside the volume
    for order in ("linear", "cubic"):
        volume, marks = apply(
            image, label, Drawn(spatial=(a.rotate(20, (1, 1, 1)), a.shear(0.3, 3))), image_order=order
        )
        for z in range(5):
            drawn = Drawn(spatial=(a.rotate(20, (1, 1)), a.shear(0.3, 2)))
            one, mark = apply(image[z], label[z], drawn, image_order=order)
            assert np.abs(volume[z].astype(int) - one).max() <= 1
            assert (np.where(marks[z] == IGNORED, 0, marks[z]) != mark).mean() < 0.002


pictures = st.tuples(st.integers(2, 90), st.integers(2, 90))
volumes = st.tuples(st.integers(1, 9), st.integers(2, 30), st.integers(2, 30))


@st.composite
def cases(draw):
    """A shape and a chain of transforms for it."""
    shape = draw(st.one_of(pictures, volumes))
    ndim = len(shape)
    ones = (1.0,) * ndim
    seeds = st.integers(0, 99)
    one = st.one_of(
        st.builds(lambda angle: a.rotate(angle, ones), st.floats(-180, 180)),
        st.builds(lambda ratio: a.scale(ratio, ndim), st.floats(0.5, 2)),
        st.builds(lambda factor: a.shear(factor, ndim), st.floats(-0.4, 0.4)),
        st.builds(lambda axis: a.mirror(ndim, axis), st.sampled_from([-1, -2])),
        st.builds(lambda share, x: a.crop(share, [x] * ndim, shape), st.floats(0.3, 1), st.floats(-1, 1)),
        st.builds(lambda seed, sigma: Elastic(150 * sigma, sigma, seed, ones), seeds, st.floats(1, 12)),
        st.builds(lambda seed: Distortion(0.03 * max(shape), 10, seed), seeds),
        st.builds(lambda amount: Bulge(3, -2, 0.4 * shape[-1], amount), st.floats(-0.4, 0.5)),
    )
    return shape, tuple(draw(st.lists(one, max_size=4)))


@settings(max_examples=150, deadline=None)
@given(
    cases(),
    st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]),
    st.sampled_from([1, 3, 6]),
    st.sampled_from(["nearest", "area"]),
    st.integers(0, 99),
)
@example(((1, 9, 2), (Distortion(0.27, 10, 0),)), np.uint8, 1, "area", 0)  # the edge of a volume within a pixel
def test_image_and_label_move_together_and_labels_get_no_new_value(case, dtype, channels, order, seed):
    shape, transforms = case
    rng = np.random.default_rng(seed)
    places = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij")
    centre = [rng.uniform(0.3, 0.7) * size for size in shape]
    radius = max(2.0, 0.3 * min(shape[-2:]))
    inside = sum((axis - middle) ** 2 for axis, middle in zip(places, centre, strict=True)) < radius**2
    label = inside.astype(np.uint8) * 2
    image = np.repeat(inside[..., None] * 200, channels, axis=-1).astype(dtype)
    before = image.copy(), label.copy()
    moved, marks = apply(image, label, Drawn(spatial=transforms), label_order=order)
    assert moved.shape == image.shape and moved.dtype == dtype and marks.dtype == np.uint8
    assert set(np.unique(marks)) <= ({0, 2} if len(shape) == 2 else {0, 2, IGNORED})
    assert np.array_equal(image, before[0]) and np.array_equal(label, before[1])
    if len(shape) == 2 and border_level(image)[0]:
        return  # what comes from outside is white here, and background in the label
    # Sampled at the same place, to under half a pixel: the nearest pixel has at least half the weight along each axis,
    # so the image has at least (1/2)^N of the level inside the label, and at most 1 - (1/2)^N outside. By area it is
    # one half, and inside a third where a part of the pixel lies beyond the volume: the largest of three shares. Older
    # OpenCV rounds places to 1/32 px.
    share = 0.5 if order == "area" else 0.5 ** len(shape)
    inside = 1 / 3 if order == "area" and len(shape) == 3 else share
    level = moved[..., 0].astype(float) / 200
    assert (level[marks == 2] > inside - 0.04).all() and (level[marks == 0] < 1 - share + 0.04).all()


def test_a_grid_and_its_label_stay_aligned_to_under_half_a_pixel():
    """Lines of known places: where each is in the image (by its centre of mass) and in the label."""
    size, spacing = 240, 40
    label = np.zeros((size, size), np.uint8)
    for number, start in enumerate(range(20, size, spacing), start=1):
        label[start - 2 : start + 3] = number  # horizontal bars, one class each
    image = ((label > 0) * 255).astype(np.uint8)[..., None]
    drawn = Drawn(spatial=(a.rotate(7, (1, 1)), a.scale(0.95, 2), Elastic(1300, 8, 4, (1.0, 1.0))))
    moved, marks = apply(image, label, drawn)
    rows = np.arange(size)
    compared = 0
    for column in range(30, 210, 3):
        for number in np.unique(label[label > 0]):
            found = np.flatnonzero(marks[:, column] == number)
            if not 3 <= len(found) <= 9:
                continue
            window = slice(max(0, found[0] - 4), found[-1] + 5)
            weights = moved[window, column, 0].astype(float)
            centre_image = (weights * rows[window]).sum() / weights.sum()
            assert abs(centre_image - found.mean()) < 0.5
            compared += 1
    assert compared > 200


edges = st.tuples(*[st.integers(3, 24)] * 3)


@st.composite
def patches_of_volumes(draw):
    """A volume, a patch in it (or round it where it is smaller), and a chain of transforms for the patch."""
    shape, size = draw(edges), draw(edges)
    corner = tuple(
        draw(st.integers(*((0, edge - length) if edge >= length else (edge - length, 0))))
        for edge, length in zip(shape, size, strict=True)
    )
    ones, seeds = (1.0,) * 3, st.integers(0, 99)
    one = st.one_of(
        st.builds(lambda angle: a.rotate(angle, ones), st.floats(-180, 180)),
        st.builds(lambda angle: a.rotate(angle, ones, (-3, -1)), st.floats(-30, 30)),
        st.builds(lambda ratio: a.scale(ratio, 3), st.floats(0.5, 2)),
        st.builds(lambda axis: a.mirror(3, axis), st.sampled_from([-1, -2, -3])),
        st.builds(lambda seed, sigma: Elastic(150 * sigma, sigma, seed, ones), seeds, st.floats(1, 12)),
        st.builds(lambda amount: Bulge(1, -2, 0.4 * size[-1], amount), st.floats(-0.4, 0.5)),
    )
    return shape, (corner, size), tuple(draw(st.lists(one, max_size=3)))


@settings(max_examples=150, deadline=None)
@given(patches_of_volumes(), st.sampled_from(["nearest", "area"]), st.integers(0, 99))
def test_a_patch_is_taken_from_the_volume_around_it(case, order, seed):
    """Against SciPy on the whole volume; what neither it nor the zeros around a smaller one hold is ignored."""
    shape, (corner, size), moves = case
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.random(shape), 1).astype(np.float32)
    label = rng.integers(0, 3, shape, np.uint8)
    moved, marks = apply(image[..., None], label, Drawn(spatial=moves), label_order=order, patch=(corner, size))
    assert moved.shape == (*size, 1) and marks.shape == size and moved.dtype == np.float32
    low = [min(0, first) for first in corner]
    box = [
        max(edge, first + length) - begin for edge, first, length, begin in zip(shape, corner, size, low, strict=True)
    ]
    known, truth = cut(image, low, box), cut(label, low, box)
    where = coordinates(moves or (a.scale(1, 3),), size)
    where = [axis + first - begin for axis, first, begin in zip(where, corner, low, strict=True)]
    expected = ndimage.map_coordinates(known, where, order=1, mode="grid-constant", cval=0)
    assert np.abs(moved[..., 0] - expected).max() < 0.1  # OpenCV before 5 rounds places to 1/32 px
    near = ndimage.map_coordinates(truth, where, order=0, mode="grid-constant", cval=IGNORED)
    if order == "nearest":
        # Places half way between two voxels may go either way.
        half = np.any([np.abs(axis - np.floor(axis) - 0.5) < 0.04 for axis in where], axis=0)
        assert np.array_equal(marks[~half], near[~half])
    inside = np.all([(axis > 0) & (axis < edge - 1) for axis, edge in zip(where, box, strict=True)], axis=0)
    assert (marks[inside] != IGNORED).all()


def test_only_what_the_map_asks_for_is_read(monkeypatch):
    """A small patch of a large volume costs what it needs."""
    from maskwright.augment import pipeline

    read = []
    monkeypatch.setattr(
        pipeline, "cut", lambda array, corner, size: read.append(tuple(size)) or cut(array, corner, size)
    )
    image, label = np.ones((40, 200, 200, 1), np.float32), np.ones((40, 200, 200), np.uint8)
    drawn = Drawn(spatial=(a.rotate(15, (1, 1, 1)), a.scale(0.9, 3)))
    _, marks = apply(image, label, drawn, patch=((10, 60, 80), (16, 32, 32)))
    assert (marks == 1).all()
    wide = 32 * (np.cos(np.radians(15)) + np.sin(np.radians(15))) / 0.9
    assert all(16 / 0.9 < size[0] < 16 / 0.9 + 8 and wide < size[1] < wide + 8 for size in read)
