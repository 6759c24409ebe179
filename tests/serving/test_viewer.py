"""The viewer in a real browser: load, see the mask, read the volume, download it and compare."""

import time

import bodies
import numpy as np
import pytest
from browser import chromium, needed, picture_of, resize
from PIL import Image
from scans import write_series
from service import Bright, running

from maskwright.config.schema import PredictSection
from maskwright.data.preprocess import InputRule
from maskwright.inference.volumes import predict_scan
from maskwright.serving.pages import STATIC
from maskwright.volumes.read import read_labels, read_volume

pytestmark = [
    needed,
    pytest.mark.skipif(not (STATIC / "vendor" / "niivue.js").exists(), reason="make viewer has not run"),
]
COLOUR = np.array([230, 159, 0])  # of the first structure
RULE = InputRule(128, 128, 1, window="abdomen")


class Page:
    """The viewer, driven as a person would."""

    def __init__(self, browser, url, folder):
        from selenium.webdriver.common.by import By

        self.browser, self.folder, self._by = browser, folder, By
        browser.get(url)
        self.wait(lambda: self.text("model") or self.element("ask-token").is_displayed())

    def element(self, name):
        return self.browser.find_element(self._by.ID, name)

    def text(self, name):
        return self.element(name).text

    def find(self, selector):
        return self.browser.find_elements(self._by.CSS_SELECTOR, selector)

    def wait(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.text("status")
            time.sleep(0.05)

    def open(self, *paths):
        self.element("files").send_keys("\n".join(map(str, paths)))
        self.wait(lambda: not self.element("busy").is_displayed() and self.text("status").endswith(("done.", "right?")))
        self.settle()

    def settle(self):
        """Two frames: what was asked for is drawn."""
        self.browser.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def press(self, *keys):
        for key in keys:
            self.find("body")[0].send_keys(key)
        self.settle()

    def seen(self):
        return picture_of(self.element("stage")).astype(int)

    def coloured(self):
        """Pixels in which the structure's colour is to be seen."""
        red, _, blue = np.moveaxis(self.seen(), -1, 0)
        return red - blue > 60

    def save(self, title, name):
        (button,) = [one for one in self.find("#downloads button") if one.text == title]
        button.click()
        path = self.folder / "downloads" / name
        self.wait(path.exists, 20)
        return path

    def fits(self):
        return self.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")

    def origins(self):
        return set(self.browser.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)"
        ))  # fmt: skip


@pytest.fixture
def ball(tmp_path):
    """The folder of a small series with a ball in it."""
    d, h, w = np.indices((8, 48, 48))
    inside = ((d - 4) * 2.5) ** 2 + ((h - 22) * 0.8) ** 2 + ((w - 26) * 0.9) ** 2 < 11**2
    write_series(tmp_path / "ball", np.where(inside, 200, -500).astype(np.int16))
    return tmp_path / "ball"


@pytest.mark.slow
@pytest.mark.parametrize("series", ["ball", "shared"])
def test_a_series(series, tmp_path, request):
    """A small one as its files, which are packed in the browser, with all that can be done there; the shared one, of
    512x512, as a zip: opened, looked at and saved, for each look takes the browser seconds without a graphics card."""
    pytest.importorskip("highdicom")
    if series == "ball":
        folder = request.getfixturevalue("ball")
        files = sorted(folder.iterdir())
    else:
        folder = request.getfixturevalue("shared_data") / "ct-abdomen" / "dicom-series"
        files = [tmp_path / "series.zip"]
        files[0].write_bytes(bodies.folder_zipped(folder))
    scan = read_volume(folder)
    depth = len(scan.array)
    expected = predict_scan(Bright(RULE), scan, PredictSection()).labels
    assert 0.05 < expected.array.mean() < 0.5
    with running(Bright(RULE)) as service, chromium(tmp_path, 820, 560) as browser:
        page = Page(browser, service.url, tmp_path)
        page.open(*files)
        assert page.element("nothing").is_displayed() is False
        shown = float(page.find("#structures td.number")[0].get_attribute("data-value"))
        assert shown == pytest.approx(expected.array.sum() * scan.grid.voxel_ml, rel=1e-9)
        assert page.find("#structures td.number")[0].text == f"{shown:,.3f}"

        mask = read_labels(page.save("NIfTI", "series_mask.nii.gz"), scan)
        assert np.array_equal(mask.array, expected.array)
        assert mask.array.sum() * mask.grid.voxel_ml == pytest.approx(shown)
        assert np.array_equal(read_labels(page.save("DICOM SEG", "series_mask.dcm"), scan).array, expected.array)

        slice_shown = int(page.text("slice-text").split("/")[0]) - 1
        assert slice_shown == expected.array.sum(axis=(1, 2)).argmax() and page.text("slice-text").endswith(
            f"/ {depth}"
        )
        area = page.coloured()
        # The mask's share of the slice, on the screen: axial slices are square, as high as the stage or as wide.
        edge = min(area.shape)
        assert area.sum() / edge**2 == pytest.approx(expected.array[slice_shown].mean(), rel=0.15)
        if series == "shared":
            return
        page.press("m")
        assert page.coloured().sum() < 0.02 * area.sum() and not page.element("shown").is_selected()
        page.press("m", "o")
        assert 0.02 * area.sum() < page.coloured().sum() < 0.8 * area.sum()
        page.press("o")
        before = page.seen()
        page.press("+", "+", "+")
        assert (
            page.text("opacity-text") == "80 %" and (np.abs(page.seen() - before).max(axis=-1)[area] > 20).mean() > 0.5
        )

        keys = browser.find_element("css selector", "body")
        keys.send_keys("\ue013")  # arrow up
        assert page.text("slice-text") == f"{min(slice_shown + 2, depth)} / {depth}"
        page.press("m")
        before = page.seen()
        browser.execute_script(
            "const preset = document.getElementById('preset'); preset.value = '-1350 150';"
            "preset.dispatchEvent(new Event('change'))"
        )
        page.settle()
        assert page.element("level").get_property("value") == "-600" and np.abs(page.seen() - before).mean() > 5
        page.press("m")
        for key, view in zip("2345", ("coronal", "sagittal", "all", "render"), strict=True):
            page.press(key)
            time.sleep(1)
            (pressed,) = [one for one in page.find("[data-view]") if one.get_attribute("aria-pressed") == "true"]
            assert pressed.get_attribute("data-view") == view and page.coloured().sum() > 50
        page.press("?")
        assert page.element("keys").is_displayed()
        page.find("#keys button")[0].click()
        resize(browser, 400, 800)
        assert page.fits() and page.element("stage").size["width"] > 380
        assert page.origins() == {service.url}


def test_a_picture_and_a_nifti_file(tmp_path):
    (tmp_path / "blobs.png").write_bytes(bodies.picture(120, 200))
    array = np.full((6, 40, 48), -500, np.int16)
    (tmp_path / "empty.nii.gz").write_bytes(bodies.nifti(array))
    with running(Bright(RULE, 3)) as service, chromium(tmp_path, 900, 600) as browser:
        page = Page(browser, service.url, tmp_path)
        page.open(tmp_path / "blobs.png")
        saved = np.asarray(Image.open(page.save("PNG", "blobs_mask.png")))
        values = [int(one.get_attribute("data-value")) for one in page.find("#structures td.number")]
        assert saved.shape == (120, 200) and values == [(saved == 1).sum(), (saved == 2).sum()]
        area = page.coloured()
        assert area.sum() > 500
        page.find("#structures input")[0].click()  # this structure alone
        assert page.coloured().sum() < 0.1 * area.sum()
        page.find("#structures input")[0].click()
        page.press("o")
        assert 0 < page.coloured().sum() < 0.6 * area.sum()
        assert not page.element("views").is_displayed()
        resize(browser, 380, 700)
        assert page.fits()
        resize(browser, 900, 600)
        page.open(tmp_path / "empty.nii.gz")
        assert page.element("nothing").is_displayed() and page.element("views").is_displayed()
        assert [one.text for one in page.find("#downloads button")] == ["NIfTI"]


def test_a_token_and_a_file_that_is_none(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    token = "0123456789abcdef"
    with running(Bright(RULE), token=token) as service, chromium(tmp_path, 800, 600) as browser:
        page = Page(browser, service.url, tmp_path)
        page.element("token").send_keys(token)
        page.find("#ask-token button")[0].click()
        page.wait(lambda: page.text("model"))
        page.element("files").send_keys(str(tmp_path / "notes.txt"))
        page.wait(lambda: "no kind that is taken" in page.text("status"))
        assert page.element("welcome").is_displayed() and "wrong" in page.element("status").get_attribute("class")
        # Chromium itself remarks on answers of 401 and 415; nothing else may be said.
        assert all("status of 4" in entry["message"] for entry in browser.get_log("browser"))


def test_the_pages_of_the_interface(tmp_path):
    with running(Bright(RULE)) as service, chromium(tmp_path, 900, 700) as browser:
        browser.get(f"{service.url}/docs")
        deadline = time.monotonic() + 20
        while "/v1/segment" not in browser.page_source and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "/v1/segment" in browser.find_element("css selector", "#api").text
