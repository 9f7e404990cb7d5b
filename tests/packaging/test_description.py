import runpy
from collections.abc import Callable

import pytest

import enformer_vep
from tests.packaging.conftest import ROOT

README = """# A title

See [docs/page.md](docs/page.md), [a part of it](docs/page.md#part), [below](#below), [a site](https://example.org/x.md).

It is fast ([measurements](docs/speed.md)).

![A picture](docs/picture.png)

```python
cells["a"](docs)
print([text](docs/page.md))
```

## Below
"""

SETUP = runpy.run_path(str(ROOT / "setup.py"))
index_description: Callable[[str, str | None, str], str] = SETUP["index_description"]


def test_without_an_address_links_to_files_keep_their_text_and_pictures_go() -> None:
    text = index_description(README, None, "1.2.3")
    assert (
        "See docs/page.md, a part of it (docs/page.md#part), [below](#below), [a site](https://example.org/x.md)."
        in text
    )
    assert "It is fast (measurements: docs/speed.md).\n\n```python" in text
    assert "picture" not in text
    assert text.endswith(
        "## Below\n\nFiles that are named here, such as docs/setup.md, are in the source distribution.\n"
    )


@pytest.mark.parametrize("url", ["https://example.org/project", "https://example.org/project/"])
def test_with_an_address_links_lead_to_the_tag_of_the_version(url: str) -> None:
    text = index_description(README, url, "1.2.3")
    assert "[docs/page.md](https://example.org/project/blob/v1.2.3/docs/page.md)" in text
    assert "[a part of it](https://example.org/project/blob/v1.2.3/docs/page.md#part)" in text
    assert "[below](#below), [a site](https://example.org/x.md)" in text
    assert "![A picture](https://example.org/project/raw/v1.2.3/docs/picture.png)" in text
    assert text.endswith("## Below\n")


@pytest.mark.parametrize("url", [None, "https://example.org/project"])
def test_code_is_left_alone(url: str | None) -> None:
    assert README.partition("```")[2].rpartition("```")[0] in index_description(README, url, "1.2.3")


def test_the_version_stands_in_one_place() -> None:
    assert SETUP["read_version"]() == enformer_vep.__version__
