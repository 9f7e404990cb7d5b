"""The site builds strictly, loads nothing from elsewhere, and shows every option of every command."""

import html
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

import enformer_vep
from enformer_vep.cli import cli
from tests.docs.pages import PAGES, ROOT

pytestmark = [
    pytest.mark.full,
    pytest.mark.xdist_group("site"),
    pytest.mark.skipif(find_spec("mkdocstrings") is None, reason="the extra 'docs' is not installed"),
]

LOADED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?([^"'\s>]+)|<link\b[^>]*>""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES[1:]:
        assert (site / Path(page).with_suffix(".html").name).is_file(), page


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for found in LOADED.finditer(text):
            is_canonical = 'rel="canonical"' in found[0] or "rel=canonical" in found[0]
            assert is_canonical or "//" not in found[0], f"{page.name}: {found[0]}"
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?https?:", style.read_text(encoding="utf-8")), style


def test_the_reference_has_every_option_and_every_default(site: Path) -> None:
    page = html.unescape((site / "cli.html").read_text(encoding="utf-8"))
    for name, command in cli.commands.items():
        context = click.Context(command, info_name=name)
        section = page.split(f'<h2 id="{name}">')[1].split("<h2 ")[0]
        for option in (parameter for parameter in command.params if isinstance(parameter, click.Option)):
            record = option.get_help_record(context)
            assert record is not None
            assert f"<code>{record[0]}</code>" in section, f"{name} {record[0]}"
            assert " ".join(record[1].split()) in " ".join(section.split()), f"{name} {record[0]}"


def test_the_api_reference_has_every_public_name_under_its_own_heading(site: Path) -> None:
    page = html.unescape((site / "api.html").read_text(encoding="utf-8"))
    headings = re.findall(r'<h3 id="enformer_vep\.[a-z_.]+\.(\w+)"', page)
    assert sorted(headings) == sorted(set(enformer_vep.__all__) - {"__version__"})


def test_the_api_reference_shows_annotations_and_descriptions(site: Path) -> None:
    page = re.sub(r"<[^>]+>", "", html.unescape((site / "api.html").read_text(encoding="utf-8")))
    assert "reverse_complement: bool = False" in page
    assert 'head: str = "human"' in page  # a default that the code gives by its name
    assert not re.search(r"\w+: [^=\n]* = [A-Z]\w*[A-Z.]\w*", page)
    assert "whether both strands are averaged, at twice the cost" in page


def test_the_notebook_is_a_page_with_its_pictures(site: Path) -> None:
    page = (site / "tutorial.html").read_text(encoding="utf-8")
    pictures = re.findall(r'src="?(tutorial_\d\.png)', page)
    assert len(pictures) == 3
    assert all((site / name).is_file() for name in pictures)
    assert (site / "tutorial.ipynb").is_file()
    assert "tutorial.ipynb" not in (site / "index.html").read_text(encoding="utf-8")
