"""The page as people see it: at a desk and on a telephone, light and dark, by mouse and keyboard, without network."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CONTRAST, CUT_OFF, NARROW, WIDE, look, open_page, start
from tests.command import STUBS, Run, inside

NAMES = ["minitorch", "numpy_scratch"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two implementations and one that crashes, with everything that a page shows."""
    folder = tmp_path_factory.mktemp("page") / "run"
    asked = [word for name in [*NAMES, str(STUBS / "says_a_script.py")] for word in ("-i", name)]
    small = ["--dataset", "digits", "--train-size", "300", "--epochs", "2", "--rounds", "3", "--offline"]
    found = inside(folder, *small, *asked)
    assert found.code == 1, found.stderr
    return found


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    driver = start()
    yield driver
    driver.quit()


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def opened(request: pytest.FixtureRequest, driver: Any, made: Run) -> Any:
    look(driver, request.param)
    open_page(driver, made.output / "report.html")
    return driver


def rows(driver: Any) -> list[list[str]]:
    """The cells of the main table, as they are read."""
    return [
        list(line)
        for line in driver.execute_script(
            "return [...document.querySelectorAll('table.sortable tbody tr')]"
            ".map(r => [...r.cells].map(c => c.innerText.trim()))"
        )
    ]


def values(driver: Any, column: int) -> list[str]:
    return list(
        driver.execute_script(
            "return [...document.querySelectorAll('table.sortable tbody tr')]"
            ".map(r => r.cells[arguments[0]].dataset.value)",
            column,
        )
    )


def press(driver: Any, selector: str, nth: int = 0) -> None:
    driver.execute_script("document.querySelectorAll(arguments[0])[arguments[1]].click()", selector, nth)


def test_no_error_no_request_and_no_sideways_scroll(opened: Any) -> None:
    assert opened.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)
    across, width = opened.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert across <= width


def test_a_script_in_a_crash_message_is_read_not_run(opened: Any) -> None:
    assert opened.execute_script("return typeof window.hacked") == "undefined"
    assert "<script>window.hacked = true</script>" in opened.execute_script("return document.body.innerText")


def test_a_click_sorts_and_another_turns_it_round(opened: Any) -> None:
    before = rows(opened)
    headers = opened.execute_script(
        "return [...document.querySelectorAll('table.sortable th[scope=col]')].map(h => h.innerText)"
    )
    epoch = next(k for k, header in enumerate(headers) if header.startswith("epoch"))
    for expected, order in (("ascending", 1), ("descending", -1)):
        press(opened, "table.sortable th button", epoch)
        found = [float(value) for value in values(opened, epoch) if value]
        assert found == sorted(found, key=lambda value: order * value)
        assert len(found) == len(NAMES)
        assert values(opened, epoch)[-1] == "", "what crashed has no time, and comes last"
        marked = opened.execute_script(
            "return [...document.querySelectorAll('[aria-sort]')].map(h => [h.cellIndex, h.ariaSort])"
        )
        assert marked == [[epoch, expected]]
    press(opened, "table.sortable th button", 0)
    assert values(opened, 0) == sorted(name for name, *_ in before)
    assert sorted(rows(opened)) == sorted(before)


def test_columns_are_chosen_by_mouse_and_keyboard(opened: Any) -> None:
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By

    def visible() -> set[str]:
        return set(
            opened.execute_script(
                "return [...document.querySelectorAll('.row:nth-of-type(1) .column, .row .column')]"
                ".filter(c => c.offsetParent).map(c => c.querySelector('h4').innerText)"
            )
        )

    boxes = opened.find_elements(By.CSS_SELECTOR, ".chooser input")
    names = [box.find_element(By.XPATH, "..").text.strip() for box in boxes]
    chosen = {name for name, box in zip(names, boxes, strict=True) if box.is_selected()}
    assert visible() == chosen
    assert "numpy_scratch" in chosen
    place = names.index("numpy_scratch")
    press(opened, ".chooser input", place)
    assert visible() == chosen - {"numpy_scratch"}
    opened.execute_script("arguments[0].focus()", boxes[place])
    boxes[place].send_keys(Keys.SPACE)
    assert visible() == chosen


def test_one_image_goes_through_the_network_by_buttons_and_arrow_keys(opened: Any) -> None:
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By

    def shown() -> list[str]:
        return list(
            opened.execute_script(
                "return [...document.querySelectorAll('.stepper tbody tr')].filter(r => r.offsetParent)"
                ".map(r => r.cells[0].innerText.replaceAll('\\n', ''))"
            )
        )

    stepper = opened.find_element(By.CSS_SELECTOR, ".stepper")
    place = stepper.find_element(By.CSS_SELECTOR, "[role=status]")
    assert (shown(), place.text) == (["a0"], "step 1 of 13")
    press(opened, ".controls button", 1)
    assert (shown(), place.text) == (["z1"], "step 2 of 13")
    opened.execute_script("arguments[0].focus()", stepper)
    for key, expected in ((Keys.ARROW_RIGHT, "a1"), (Keys.ARROW_LEFT, "z1"), (Keys.END, "C after a step")):
        stepper.send_keys(key)
        assert shown() == [expected]
    assert [b.is_enabled() for b in stepper.find_elements(By.CSS_SELECTOR, ".controls > button")] == [True, False]
    names = stepper.find_elements(By.CSS_SELECTOR, ".names button")
    opened.execute_script("arguments[0].click()", names[6])
    assert shown() == ["δ2"]
    assert [name.get_attribute("aria-current") for name in names].index("step") == 6


def test_without_javascript_one_image_is_a_table(driver: Any, made: Run) -> None:
    look(driver, WIDE, script=False)
    open_page(driver, made.output / "report.html")
    from selenium.webdriver.common.by import By

    lines = [row for row in driver.find_elements(By.CSS_SELECTOR, ".stepper tbody tr") if row.is_displayed()]
    assert len(lines) == 13
    assert not driver.find_elements(By.CSS_SELECTOR, ".controls")


def test_read_shows_the_image_of_the_last_run_that_has_one(made: Run, tmp_path: Path) -> None:
    from shared.report.page import page
    from shared.report.page.columns import Reading
    from shared.verbs.read import last_walk

    assert last_walk(tmp_path) is None
    walk = last_walk(made.output.parent)
    assert walk
    assert (walk.index, walk.network) == (0, "784-30-10, sigmoid, quadratic")
    empty = Reading([], {}, measured=False)
    assert 'class="stepper' in page.read(empty, walk)
    assert 'class="stepper' not in page.read(empty)


def test_every_number_is_that_of_the_record(opened: Any, made: Run) -> None:
    table = inside(None, "show", str(made.output), "--details").stdout
    for name, *cells in rows(opened):
        line = next(line for line in table.splitlines() if re.split(r"\s{2,}", line)[0] == name)
        assert [cell for cell in cells if cell] == re.split(r"\s{2,}", line.strip())[1:]
    full = json.loads(inside(None, "show", str(made.output), "--format", "json").stdout)
    by_name = {row["name"]: row for row in full["rows"]}
    keys = ["accuracy", "accuracy_difference", "images_differing", "epoch", "ratio"]
    for column, key in enumerate(keys, start=1):
        for name, value in zip(values(opened, 0), values(opened, column), strict=True):
            full_value = by_name[name][key]
            expected = full_value["value"] if isinstance(full_value, dict) else full_value
            assert (float(value) if value else None) == expected, (name, key)
    record = made.record
    kept = [
        a
        for kind in ("hard", "split")
        for image in record["gallery"][kind]
        for each in image["activations"].values()
        for a in each
    ]
    shown = opened.execute_script(
        "return [...document.querySelectorAll('.image td')].map(c => [Number(c.dataset.value), c.innerText])"
    )
    assert [value for value, _ in shown] == kept
    assert all(f"{100 * value:.0f}" == text for value, text in shown)
    shares = opened.execute_script(
        "return [...document.querySelectorAll('[data-share]')].map(c => [Number(c.dataset.share), c.innerText.trim()])"
    )
    assert all(f"{100 * share:.0f} %" == text for share, text in shares)
    assert sum(share for share, _ in shares) == pytest.approx(len(NAMES))
    answer = opened.execute_script("return document.querySelector('#answer').innerText")
    worst = max(row["gradient_error"] for row in full["rows"] if row["gradient_error"] is not None)
    assert f"{worst:.1e}" in answer
    for text in re.findall(r"<dd>(.*?)</dd>", opened.page_source):
        if text.startswith("sha256"):
            assert record["dataset"]["digest"] in text


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(driver: Any, made: Run, dark: bool) -> None:
    look(driver, WIDE, dark=dark)
    open_page(driver, made.output / "report.html")
    driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    seen, faint = driver.execute_script(CONTRAST)
    assert seen > 500
    assert faint == []


def test_no_text_of_a_figure_is_cut_off(opened: Any) -> None:
    assert opened.execute_script("return document.querySelectorAll('figure svg text').length") > 50
    assert opened.execute_script(CUT_OFF) == []


def test_every_picture_says_what_it_shows(opened: Any) -> None:
    pictures = opened.execute_script("return [...document.querySelectorAll('img')].map(i => i.alt)")
    assert len(pictures) > 3
    assert all(pictures)
    named = opened.execute_script(
        "return [...document.querySelectorAll('figure svg')].map(s => [s.getAttribute('role'),"
        " document.getElementById(s.getAttribute('aria-labelledby')).innerText])"
    )
    assert len(named) == 7
    assert all(role == "img" and len(text) > 20 for role, text in named)


def test_the_keyboard_reaches_all_that_can_be_done(opened: Any) -> None:
    out_of_reach = opened.execute_script(
        "return [...document.querySelectorAll('a, button, input, summary, .scroll, .columns, .equations')]"
        ".filter(e => e.tabIndex < 0).length"
    )
    assert out_of_reach == 0
    unlabelled = opened.execute_script(
        "return document.querySelectorAll('[role=region]:not([aria-label]), [role=group]:not([aria-label])').length"
    )
    assert unlabelled == 0


def test_without_javascript_all_of_it_can_be_read(driver: Any, made: Run) -> None:
    from selenium.webdriver.common.by import By

    look(driver, WIDE, script=False)
    open_page(driver, made.output / "report.html")
    try:
        assert driver.find_elements(By.CSS_SELECTOR, "th button") == []
        assert len(driver.find_elements(By.CSS_SELECTOR, "table.sortable tbody tr")) == len(NAMES) + 1
        text = driver.find_element(By.TAG_NAME, "body").text
        assert "def train(self" in text
        assert "fastest" in text
    finally:
        look(driver, WIDE)


def test_it_can_be_printed(driver: Any, made: Run) -> None:
    look(driver, WIDE)
    open_page(driver, made.output / "report.html")
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert len(printed) > 100_000


def test_the_reading_page_needs_no_run(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "read.html"
    read = inside(None, "read", "--no-open", "--output", str(path), "-i", "pytorch", "-i", "numpy_scratch")
    assert (read.code, read.stdout) == (0, "")
    for size in (WIDE, NARROW):
        look(driver, size)
        open_page(driver, path)
        assert driver.get_log("browser") == []
        across, width = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert across <= width
        shown = driver.execute_script(
            "return [...document.querySelectorAll('.column')].filter(c => c.offsetParent)"
            ".map(c => c.querySelector('h4').innerText)"
        )
        assert set(shown) == {"pytorch", "numpy_scratch"}
        formulas = driver.execute_script(
            "return [...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)"
        )
        assert len(formulas) == 16 + 6  # the dense layers', and those of convolutions and pools
        assert all(height > 10 for height in formulas)
