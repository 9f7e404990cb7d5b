"""A real browser, and pages in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from enformer_vep.report.contents import Contents
from enformer_vep.report.page import render

Open = Callable[..., Any]

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra 'test'")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"needs one of {', '.join(NAMES)}")
    with api.sync_playwright() as running:
        found = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens contents as a page; when the test ends, the browser must have had nothing to say and asked for nothing."""
    contexts, said, asked = [], [], []

    def open_(contents: Contents, fragment: str = "", **options: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_bytes(render(contents))
        usual = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**usual, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{path}{fragment}")
        page.wait_for_selector(".tabulator-tableholder")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    # A blob is the file that is exported.
    assert {url.split("#")[0] for url in asked if not url.startswith("blob:")} == {f"file://{tmp_path / 'report.html'}"}
