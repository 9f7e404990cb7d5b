"""Who can use the page: axe's rules, a phone, large text, and 10,000 alleles."""

import pytest

from tests.browser.conftest import Open
from tests.report.contents import made_up

pytestmark = pytest.mark.full

PHONE = {"width": 360, "height": 740}
TWICE = {"width": 640, "height": 450}
"""A window of 1280 pixels at 200%."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 900}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(open_page: Open, scheme: str, viewport: dict[str, int]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = open_page(made_up(40), color_scheme=scheme, viewport=viewport, bypass_csp=True)
    for panel in page.locator("details:not([open]) > summary").all():
        if panel.is_visible():
            panel.click()
    results = axe.Axe().run(page)
    found = [(one["id"], one["impact"], one["nodes"][0]["html"][:200]) for one in results.response["violations"]]
    assert found == []


@pytest.mark.parametrize("viewport", [PHONE, TWICE], ids=["phone", "twice as large"])
def test_nothing_is_wider_than_the_window(open_page: Open, viewport: dict[str, int]) -> None:
    page = open_page(made_up(40), viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_the_keyboard_reaches_everything(open_page: Open) -> None:
    page = open_page(made_up(40))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the variants"
    page.keyboard.press("Enter")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.className || ''"))
    assert {"f-text", "f-region", "f-group", "f-score", "f-sort", "f-order", "export", "tabulator-tableholder"} <= seen


def test_10_000_alleles_can_be_filtered(open_page: Open) -> None:
    page = open_page(made_up(10_000, num_detailed=20))
    assert page.locator("#shown").inner_text() == "10,000 of 10,000 variants"
    page.locator("#f-text").fill("rs10")
    page.locator("#shown", has_not_text="10,000 of 10,000").wait_for()
