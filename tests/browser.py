"""Pages in a real browser: Debian's chromium without a screen, driven by Selenium."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import SECONDS, wait_for

WIDE, NARROW = (1440, 900), (390, 844)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def start() -> Any:
    """Return a driver; without a browser skip, or fail where SAMEGRAD_REQUIRE_BROWSER is set."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(programs):
        missing = "no chromium and chromedriver on the path: apt-get install chromium chromium-driver"
        if os.environ.get("SAMEGRAD_REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = programs[0] or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver: Any = Chrome(options=options, service=Service(programs[1]))
    driver.command_executor.client_config.timeout = SECONDS
    driver.set_page_load_timeout(SECONDS)
    driver.set_script_timeout(SECONDS)
    return driver


def look(driver: Any, size: tuple[int, int], *, dark: bool = False, script: bool = True) -> None:
    """Let the page be seen in this way from now on."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})


def open_page(driver: Any, path: Path) -> None:
    """Reload a page."""
    driver.get_log("browser")
    driver.get_log("performance")
    driver.execute_script("window.left = true")
    driver.get(path.resolve().as_uri())
    # on a busy machine the driver may be back before the page is there
    wait_for(lambda: driver.execute_script("return !window.left && document.readyState === 'complete'"))


CONTRAST = """
const parse = (c) => {
  const m = c.match(/[\\d.]+/g).map(Number);
  return m.length < 4 ? [...m, 1] : m;
};
const over = (top, under) => [0, 1, 2].map((k) => top[k] * top[3] + under[k] * (1 - top[3])).concat(1);
const ground = (e) => {
  const layers = [];
  for (let n = e; n; n = n.parentElement) layers.push(parse(getComputedStyle(n).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
};
const light = (c) => {
  const l = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
};
const faint = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || e.closest("script, style, svg") || !e.getClientRects().length) continue;
  seen++;
  const style = getComputedStyle(e), under = ground(e), ink = over(parse(style.color), under);
  const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) faint.push([e.tagName, walker.currentNode.data, style.color]);
}
return [seen, faint];
"""
"""Returns how many texts were looked at, and those whose contrast is below that of WCAG's AA."""

CUT_OFF = """
const cut = [];
for (const svg of document.querySelectorAll("figure svg")) {
  const frame = svg.getBoundingClientRect();
  for (const text of svg.querySelectorAll("text")) {
    const r = text.getBoundingClientRect();
    if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1)
      cut.push(text.textContent);
  }
}
return cut;
"""
"""Returns the texts of figures that reach beyond their edges."""
