from collections.abc import Iterator
from pathlib import Path

import pytest

from enformer_vep.fetch.cache import Cache
from tests.fetch.site import Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "MIRROR", "FASTA", "MODEL"):
        monkeypatch.delenv(f"ENFORMER_VEP_{name}", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
