"""What every page has to be: usable by everybody, in light and dark, and on a phone."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.test_pages import RULES


def looks_right(page: Page, tmp_path: Path, name: str) -> None:
    """Keeps a picture of it, wide and narrow, in `tmp_path`."""
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    page.set_viewport_size({"width": 400, "height": 800})
    page.screenshot(path=tmp_path / f"{name}-narrow.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "the page scrolls sideways on a phone"
    page.set_viewport_size({"width": 1280, "height": 720})
