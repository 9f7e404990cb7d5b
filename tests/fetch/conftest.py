import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.transfer import Patience
from enformer_vep.model.weights import save_model
from tests.fetch.site import Site, serving
from tests.fetch.stand_ins import digest, install
from tests.support import TINY_CONFIG, random_sequence, reference_model, write_fasta

ITEMS = ("weights", "tracks", "genome", "hg38")
"""What a run on hg38 needs, as `fetch` is told it."""

SEQUENCES = {"chr1": random_sequence(200_000), "chr2": random_sequence(70_001, seed=2, letters="ACGTacgtN")}


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


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed downloads are tried again at once."""
    monkeypatch.setattr(Patience, "pause", lambda self, num_failures: 0.0)


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a mirror: a tiny model, tables of its tracks, and a small genome under the name of hg38."""
    folder = tmp_path_factory.mktemp("mirror")
    save_model(reference_model(TINY_CONFIG), folder / "models" / "enformer")
    (folder / "tracks").mkdir()
    for head, first in (("human", 0), ("mouse", 5313)):
        rows = [
            f"{first + row}\tname\tID{head}{row}\tfile\t1\t1\tsum\tCAGE:made up {row}"
            for row in range(TINY_CONFIG.heads[head])
        ]
        header = "index\tgenome\tidentifier\tfile\tclip\tscale\tsum_stat\tdescription"
        (folder / "tracks" / f"targets_{head}.txt").write_text("\n".join([header, *rows]) + "\n")
    genome = folder / "genomes" / "hg38"
    genome.mkdir(parents=True)
    write_fasta(genome / "plain.fa", SEQUENCES)
    (genome / "hg38.fa.gz").write_bytes(gzip.compress((genome / "plain.fa").read_bytes(), mtime=0))
    (genome / "plain.fa").unlink()
    (genome / "md5sum.txt").write_text(f"{digest(genome / 'hg38.fa.gz', 'md5').removeprefix('md5:')}  hg38.fa.gz\n")
    return folder


@pytest.fixture
def mirror(stand_ins: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A mirror of the stand-ins, whose checksums this process expects."""
    install(stand_ins, monkeypatch.setitem, monkeypatch.setattr)
    site.files.update({f"/{path.relative_to(stand_ins)}": path.read_bytes() for path in all_files(stand_ins)})
    return site


def all_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}
