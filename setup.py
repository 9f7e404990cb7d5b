"""Builds the package. What it is stands in setup.cfg; here is only its description for package indexes.

README.md has links to files of the project. An index has no such files, so there the links lead to the project's
address, which is `url` in setup.cfg. While there is none, their text stays, and the links and pictures go.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent

# [text](target) and ![text](target), where the target is a file of the project: no scheme, and not only a #fragment.
_LINK = re.compile(r"(?P<is_picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>(?![a-z][a-z+.-]*:|#)[^)\s]+)\)")
_CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)

_WITHOUT_LINKS = "Files that are named here, such as docs/setup.md, are in the source distribution.\n"


def index_description(readme: str, url: str | None, version: str) -> str:
    """Returns the text of README.md as it is shown where the project's files are not.

    Args:
      readme: Markdown with links relative to the project's root.
      url: web address of the repository, with GitHub's paths (`URL/blob/TAG/FILE`); None if it has none.
      version: the tag `v{version}` is what links lead to.
    """

    def target(found: re.Match[str]) -> str:
        is_picture, text, path = found["is_picture"], found["text"], found["target"]
        if url is None and (is_picture or text in path):
            return "" if is_picture else text
        if url is None:  # the text does not name the file; in parentheses already, it needs none of its own
            is_alone = found.string[found.start() - 1 : found.start()] == "("
            return f"{text}: {path}" if is_alone else f"{text} ({path})"
        return f"{is_picture}[{text}]({url.rstrip('/')}/{'raw' if is_picture else 'blob'}/v{version}/{path})"

    parts, end = [], 0
    for block in _CODE_BLOCK.finditer(readme):
        parts += [_LINK.sub(target, readme[end : block.start()]), block[0]]
        end = block.end()
    described = "".join([*parts, _LINK.sub(target, readme[end:])])
    if url is None:
        described = re.sub(r"\n{3,}", "\n\n", described).rstrip() + "\n\n" + _WITHOUT_LINKS
    return described


def read_version() -> str:
    """Returns the one place's version, without importing the package."""
    text = (ROOT / "enformer_vep" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    return str(version)


def read_url() -> str | None:
    """Returns the project's address from setup.cfg, None if it has none."""
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config.get("metadata", "url", fallback=None)


if __name__ == "__main__":
    setup(
        long_description=index_description(
            (ROOT / "README.md").read_text(encoding="utf-8"), read_url(), read_version()
        ),
        long_description_content_type="text/markdown",
    )
