"""Every relative link of README and docs leads to a file and an anchor that exist."""

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, links

LINKING = (*PAGES, "CONTRIBUTING.md")


@pytest.mark.parametrize("page", LINKING)
def test_relative_links_lead_somewhere(page: str) -> None:
    for link in links(page):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page} links to {link}: no such file"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), (
                f"{page} links to {link}: no such heading"
            )


def test_links_are_found() -> None:
    assert sum(len(links(page)) for page in LINKING) > 80


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    named = {line.rsplit(": ", 1)[1] for line in navigation.splitlines() if line.endswith((".md", ".ipynb"))}
    named = {name for name in named if not (ROOT / "docs" / name).with_suffix(".ipynb").is_file()}
    assert {f"docs/{name}" for name in named if name.endswith(".md")} == {page for page in PAGES if page != "README.md"}
