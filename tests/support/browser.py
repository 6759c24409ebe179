"""A real Chromium without a window, that can reach this machine only."""

import contextlib
import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TOOLS = shutil.which("chromium"), shutil.which("chromedriver")
needed = pytest.mark.skipif(None in TOOLS, reason="needs chromium and chromedriver")


started = []  # the process's one browser; starting takes longer than most of what is looked at in it


def _start():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = TOOLS[0]
    profile = tempfile.mkdtemp(prefix="chromium")
    for argument in ("--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                     "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={profile}"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(TOOLS[1])), profile


def end():
    """End the browser, where one was started."""
    while started:
        browser, profile = started.pop()
        browser.quit()
        shutil.rmtree(profile, ignore_errors=True)


@contextlib.contextmanager
def chromium(folder, width=1200, height=800):
    """A tab that remembers nothing of the one before, whose downloads go to `folder/downloads`; what its console says
    must be empty at the end."""
    if not started:
        started.append(_start())
    browser, _ = started[0]
    (folder / "downloads").mkdir(exist_ok=True)
    where = {"behavior": "allow", "downloadPath": str(folder / "downloads")}
    try:
        (old,) = browser.window_handles
        browser.switch_to.new_window("tab")
        (new,) = set(browser.window_handles) - {old}
        browser.switch_to.window(old)
        browser.close()
        browser.switch_to.window(new)
        browser.delete_all_cookies()
        browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
        browser.get_log("browser")
        resize(browser, width, height)
        yield browser
        assert browser.get_log("browser") == []
    except BaseException:
        end()  # whatever state it is in
        raise


def resize(browser, width, height):
    """The size of the page itself; a window cannot be as narrow as a telephone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def picture_of(element):
    """What is seen of an element, `(H, W, 3)` uint8."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))


AXE = Path(__file__).parents[2] / "viewer" / "node_modules" / "axe-core" / "axe.min.js"


def violations(browser):
    """What axe-core finds wrong with the page for people who see it otherwise: rules, and the first place of each."""
    if not AXE.exists():
        pytest.skip("axe-core is not here; `make viewer` brings it")
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0];"
        "axe.run().then(({ violations }) => done(violations.map((one) => [one.id, one.nodes[0].html.slice(0, 200)])))"
    )
    return [tuple(one) for one in found]


def in_scheme(browser, scheme):
    """Show pages as somebody wants them who has set `light` or `dark`."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
