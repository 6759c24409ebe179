"""The report of a tiny run: what stands in it, and that a browser shows it without an error."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import chromium, in_scheme, needed, resize, violations

import maskwright as mw
from conftest import CONFIG
from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.reporting.build import shown
from maskwright.reporting.facts import read_facts
from maskwright.reporting.gallery import Album, evenly, slide
from maskwright.reporting.page import page, script_json
from maskwright.training.run import Run


@pytest.fixture(scope="module")
def run(trained_once, tmp_path_factory, quiet):
    """An evaluated run with a title of its own."""
    run = Run(shutil.copytree(trained_once, tmp_path_factory.mktemp("report") / "run"))
    text = run.config_file.read_text(encoding="utf-8")
    assert 'title = ""' in text
    run.config_file.write_text(text.replace('title = ""', 'title = "A & <B>"'), encoding="utf-8")
    mw.evaluate(run, reporter=quiet)
    return run


class Links(HTMLParser):
    """What a page would load from elsewhere."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href", "action") and not (value or "").startswith("data:"):
                self.found.append((tag, value))


def test_one_file_with_everything_in_it_and_nothing_from_elsewhere(run, capsys):
    assert main(["report", str(run.path), "--json", "--quiet"]) == 0
    path = run.path / "report.html"
    assert json.loads(capsys.readouterr().out)["report"] == str(path)
    text = path.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert links.found == [] and "http://" not in text.replace("http://www.w3.org", "") and "@import" not in text
    for words in ("A &amp; &lt;B&gt;", "95 % intervals", "The worst patients", "Confusion", "Model card", "How to cite",
                  "set about.intended_use", "Bland-Altman", "Calibration: Brier score", "epochs in", "[model]"):  # fmt: skip
        assert words in text, words
    slides = json.loads(re.search(r'id="slides">(.*?)</script>', text, re.DOTALL)[1])
    dice = [float(value) for value in re.findall(r'data-dice="([\d.]+)"', text)]
    assert dice == sorted(dice) and len(slides) == len(dice) > 0
    assert all(one["picture"].startswith("data:image/jpeg") for album in slides for one in album)


EVIL = ['</script><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onload='alert(1)", "<!--<script>",
        "\u2028a\u2029&lt;b", "</style></title></pre><svg onload=alert(1)>"]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_data_of_a_script_cannot_leave_it(evil):
    text = script_json([{"title": evil, evil: 1}])
    assert not set("<>&\u2028\u2029") & set(text) and json.loads(text) == [{"title": evil, evil: 1}]


class Parts(HTMLParser):
    """What a browser would make of a page: its scripts, its handlers of events, and its text."""

    def __init__(self):
        super().__init__()
        self.tags, self.handlers, self.values, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.values += [value for _, value in attrs if value]

    def handle_data(self, data):
        self.text.append(data)


def renamed(value, names):
    """Plain data whose strings, keys too, are other ones where `names` says so."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("evil", EVIL)
def test_names_that_are_code_are_text_everywhere(run, evil):
    from dataclasses import replace

    facts = read_facts(run.path)
    patients = list(facts.patients[facts.classes[0]])
    names = {facts.classes[0]: f"class {evil}", patients[0]: f"patient {evil}"}
    summary = renamed(facts.summary, names) | {"warnings": [f"warning {evil}"]}
    about = facts.config.about.model_copy(update={"title": f"title {evil}", "intended_use": f"use {evil}"})
    metadata = replace(facts.metadata, class_names=[names.get(one, one) for one in facts.metadata.class_names])
    facts = replace(
        facts, name=f"run {evil}", folder=Path(f"folder {evil}"), summary=summary, patients=renamed(facts.patients, names),
        metadata=metadata, config=facts.config.model_copy(update={"about": about}),
    )  # fmt: skip
    image, mask = np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8)
    album = Album(f"patient {evil}", 0.5, [slide(f"file {evil}", image, mask, mask, facts.metadata.label_rule)] * 2)
    for text, scripts in ((page([facts], [album]), 2), (page([facts, replace(facts, name=f"other {evil}")]), 1)):
        parts = Parts()
        parts.feed(text)
        assert parts.tags.count("script") == scripts and parts.handlers == [] and "img" not in parts.tags
        assert parts.tags.count("style") == 1
        shown = "".join(parts.text)
        assert f"title {evil}" in shown and f"warning {evil}" in shown
        assert scripts == 1 or (f"patient {evil}" in parts.values and f"class {evil}" in shown)


def test_warnings_are_a_banner(run, quiet):
    path = run.path / "evaluation.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    changed = summary | {"warnings": ["2 patients were in training: P1, P2"]}
    path.write_text(json.dumps(changed), encoding="utf-8")
    text = mw.report(run.path, output=run.path / "warned.html", reporter=quiet).read_text(encoding="utf-8")
    path.write_text(json.dumps(summary), encoding="utf-8")
    assert '<div class="banner" role="alert">' in text and "2 patients were in training: P1, P2" in text


def test_several_side_by_side(run, quiet):
    path = mw.report([run.path, run.path], output=run.path / "both.html", reporter=quiet)
    text = path.read_text(encoding="utf-8")
    assert "Side by side" in text and "against the first" in text and "Configuration of run" in text


def test_a_file_of_somebody_else_is_left_alone(run, tmp_path, quiet):
    mine = tmp_path / "index.html"
    mine.write_text("<p>mine</p>", encoding="utf-8")
    with pytest.raises(MaskwrightError, match="Maskwright did not write it"):
        mw.report([run.path, run.path], output=mine, reporter=quiet)
    assert mine.read_text(encoding="utf-8") == "<p>mine</p>"
    for _ in range(2):  # its own page may be written anew
        mw.report([run.path, run.path], output=tmp_path / "ours.html", reporter=quiet)


def test_what_is_no_run(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "is no run folder" in capsys.readouterr().err


def test_which_patients_and_slices_are_shown():
    dice = {f"p{number:03d}": number / 100 for number in range(100)}
    chosen = shown(dice)
    assert len(chosen) == 24 and {"p000", "p015", "p099"} <= chosen and shown({"a": 1.0}) == {"a"}
    assert evenly(10, lambda place: place in (4, 5)) == [3, 4, 5, 6] and evenly(3, lambda _: False) == [0, 1, 2]
    assert len(evenly(500, lambda _: True)) == 24


def test_outlines_lie_on_the_edges_of_pixels():
    label = np.zeros((40, 50), np.uint8)
    label[10:20, 15:35] = 1
    one = slide("s", np.zeros((40, 50), np.uint8), label, label, LabelRule(), aspect=2.0)
    ((number, path),) = one.prediction
    numbers = np.array(re.findall(r"[\d.]+", path), float).reshape(-1, 2)
    assert number == 1 and (one.width, one.height) == (50, 80)
    assert (
        np.abs(numbers.min(axis=0) - [15.25, 20.5]).max() < 0.6
        and np.abs(numbers.max(axis=0) - [34.75, 39.5]).max() < 0.6
    )


@needed
def test_in_a_browser_the_gallery_sorts_and_opens_without_an_error(run, quiet, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    path = mw.report(run.path, output=tmp_path / "report.html", reporter=quiet)
    with chromium(tmp_path, 1200, 1600) as browser:
        browser.get(path.as_uri())
        albums = browser.find_elements(By.CSS_SELECTOR, ".album")
        dice = [float(album.get_attribute("data-dice")) for album in albums]
        assert dice == sorted(dice) and all(album.find_elements(By.CSS_SELECTOR, "svg image") for album in albums)
        Select(browser.find_element(By.ID, "sort")).select_by_value("best")
        again = [float(a.get_attribute("data-dice")) for a in browser.find_elements(By.CSS_SELECTOR, ".album")]
        assert again == sorted(dice, reverse=True)
        first = browser.find_element(By.CSS_SELECTOR, ".album")
        where = first.find_element(By.CSS_SELECTOR, ".where").text
        slider = first.find_elements(By.CSS_SELECTOR, "input")
        if slider:
            slider[0].send_keys("\ue012" * 3)  # arrow to the left
            assert first.find_element(By.CSS_SELECTOR, ".where").text != where
        first.find_element(By.CSS_SELECTOR, ".stage").click()
        dialog = browser.find_element(By.CSS_SELECTOR, "dialog")
        assert dialog.get_attribute("open") is not None and dialog.find_elements(By.CSS_SELECTOR, "svg image")
        dialog.click()
        assert dialog.get_attribute("open") is None
        browser.find_element(By.ID, "show-truth").click()
        assert not any(one.is_displayed() for one in browser.find_elements(By.CSS_SELECTOR, ".gallery .truth path"))
        wide = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        resize(browser, 500, 1200)
        narrow = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0 and narrow <= 0  # nothing sticks out at the side


@pytest.fixture(scope="module")
def twelve(tmp_path_factory, quiet):
    """A run of twelve classes, evaluated."""
    folder, rng = tmp_path_factory.mktemp("twelve"), np.random.default_rng(0)
    for number in range(16):
        label = rng.permutation(12).repeat(88)[:1024].reshape(32, 32).astype(np.uint8)
        for part, array in (("images", label * 20), ("masks", label)):
            (folder / "dataset" / part).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / "dataset" / part / f"P{number % 8:02d}-{number}.png"), array)
    names = [f"class {place} of twelve" for place in range(12)]
    text = CONFIG.replace("[model]", f"[mask]\nclasses = {json.dumps(names)}\n[model]\nnum_classes = 12")
    (folder / "config.toml").write_text(text, encoding="utf-8")
    run = mw.train(folder / "config.toml", overrides=["train.epochs=1"], run_dir=folder / "run", reporter=quiet)
    mw.evaluate(run, reporter=quiet)
    return run


@needed
@pytest.mark.parametrize("kind", ["run", pytest.param("twelve", marks=pytest.mark.slow)])
def test_everybody_can_use_it_at_any_width_in_light_and_dark(kind, quiet, tmp_path, request):
    path = mw.report(request.getfixturevalue(kind).path, output=tmp_path / "report.html", reporter=quiet)
    with chromium(tmp_path) as browser:
        browser.get(path.as_uri())
        for width in (400, 1300, 2500):
            resize(browser, width, 900)
            for scheme in ("light", "dark"):
                in_scheme(browser, scheme)
                assert violations(browser) == [], (width, scheme)
            assert browser.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
            used = browser.execute_script("return document.querySelector('.charts').getBoundingClientRect().width")
            assert used > 0.8 * min(width, 2200)


@pytest.mark.slow
def test_class_colours_come_again_as_wider_lines(twelve, quiet, tmp_path):
    text = mw.report(twelve.path, output=tmp_path / "report.html", reporter=quiet).read_text(encoding="utf-8")
    assert text.count('class="key again"') == 11 - 7 and "background:var(--k1)" in text
