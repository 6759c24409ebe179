"""A real Chromium without a window, that can reach this machine only."""

import contextlib
import io
import shutil

import numpy as np
import pytest
from PIL import Image

TOOLS = shutil.which("chromium"), shutil.which("chromedriver")
needed = pytest.mark.skipif(None in TOOLS, reason="needs chromium and chromedriver")


@contextlib.contextmanager
def chromium(folder, width=1200, height=800):
    """A browser whose downloads go to `folder/downloads`; what its console says must be empty at the end."""
    from selenium import webdriver

    (folder / "downloads").mkdir(exist_ok=True)
    options = webdriver.ChromeOptions()
    options.binary_location = TOOLS[0]
    for argument in ("--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                     "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--no-first-run", f"--window-size={width},{height}",
                     f"--user-data-dir={folder / 'chromium'}"):  # fmt: skip
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(TOOLS[1]))
    try:
        resize(browser, width, height)
        yield browser
        assert browser.get_log("browser") == []
    finally:
        browser.quit()


def resize(browser, width, height):
    """The size of the page itself; a window cannot be as narrow as a telephone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def picture_of(element):
    """What is seen of an element, `(H, W, 3)` uint8."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))
