"""Names of what was fetched: `score` and other commands find it, or say what to fetch."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.fetch.cache import Cache
from tests.fetch import stand_ins as script
from tests.fetch.conftest import ITEMS, SEQUENCES, environment
from tests.fetch.site import Site
from tests.support import write_fasta, write_vcf

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    records = [("chr1", pos, ".", SEQUENCES["chr1"][pos - 1], "ACGT"[pos % 4]) for pos in range(2000, 2003)]
    return write_vcf(tmp_path / "input.vcf", [record for record in records if record[3] != record[4]])


NOTHING = (
    "which genome? Name the one on which the variants were called with -f: a FASTA file, or the name of a fetched "
    "genome (none is fetched yet, so first run 'enformer-vep fetch genome hg38'), or set ENFORMER_VEP_FASTA\n"
)
MISTYPED = (
    "no such file: hg83: expected a FASTA file, plain or bgzipped, or the name of a genome: hg38 (GRCh38), "
    "hg19 (GRCh37), mm10 (GRCm38), mm39 (GRCm39), hs1 (T2T-CHM13v2.0); did you mean hg38?\n"
)
NOT_FETCHED = (
    "the genome {name} is not in {cache}: first run 'enformer-vep fetch genome {name}', or name a FASTA file\n"
)
FASTA_CASES = {
    "nothing": ([], NOTHING),
    "an empty name": (["-f", ""], NOTHING),
    "not fetched": (["-f", "mm10"], NOT_FETCHED.replace("{name}", "mm10")),
    "an alias": (["-f", "CHM13"], NOT_FETCHED.replace("{name}", "hs1")),
    "mistyped": (["-f", "hg83"], MISTYPED),
}


@pytest.mark.parametrize("case", FASTA_CASES)
def test_a_genome_that_is_not_named_or_not_there(
    case: str, cache: Cache, vcf: str, capsys: pytest.CaptureFixture
) -> None:
    words, message = FASTA_CASES[case]
    assert main(["score", vcf, *words, "-m", "demo", "--cache", str(cache.folder)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message.format(cache=cache.folder) in err


def test_fetched_genomes_are_named_where_none_is(cache: Cache, vcf: str, capsys: pytest.CaptureFixture) -> None:
    for name in ("mm10", "hg38"):
        cache.genome(name).parent.mkdir(parents=True, exist_ok=True)
        cache.genome(name).touch()
    assert main(["score", vcf, "-m", "demo", "--cache", str(cache.folder)]) == 2
    assert "(fetched are hg38, mm10)" in capsys.readouterr().err


def test_a_folder_of_the_name_is_not_in_the_way(
    cache: Cache, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hg38").mkdir()
    assert main(["score", vcf, "-f", "hg38", "-m", "demo", "--cache", str(cache.folder)]) == 2
    assert "first run 'enformer-vep fetch genome hg38'" in capsys.readouterr().err


def test_weights_that_are_not_fetched(cache: Cache, vcf: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["score", vcf, "-f", "hg38", "--cache", str(cache.folder)]) == 2
    err = capsys.readouterr().err
    assert f"the official weights are not in {cache.weights}: first run 'enformer-vep fetch weights'" in err


def test_score_with_names_alone(
    mirror: Site, cache: Cache, vcf: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORMER_VEP_CACHE", str(cache.folder))
    assert main(["fetch", *ITEMS, "-q", "--mirror", mirror.url]) == 0
    assert main(["score", vcf, "-f", "hg38"]) == 0
    err = capsys.readouterr().err
    assert "according to their checksums the published Enformer" in err
    assert f"tracks: named by the fetched table {cache.track_table('human')}" in err
    scores = pd.read_parquet(vcf.replace(".vcf", ".enformer.parquet"))
    assert [name for name in scores if ":" in name] == [f"SAD:IDhuman{track}" for track in range(5)]
    record = json.loads(Path(vcf.replace(".vcf", ".enformer.parquet.run.json")).read_text())
    assert str(cache.genome("hg38")) in json.dumps(record)
    assert str(next(cache.weights.glob("*.index"))) in json.dumps(record)
    # The other head has its own table, and a table that is named comes first.
    assert main(["score", vcf, "-f", "hg38", "--head", "mouse", "-o", f"{vcf}.tsv"]) == 0
    assert f"{cache.track_table('mouse')}" in capsys.readouterr().err
    mine = Path(f"{vcf}.tracks")
    mine.write_text(cache.track_table("human").read_text().replace("IDhuman", "mine"))
    assert main(["score", vcf, "-f", "hg38", "--track-table", str(mine), "-o", f"{vcf}.mine.tsv"]) == 0
    assert "fetched table" not in capsys.readouterr().err
    assert "SAD:mine0" in Path(f"{vcf}.mine.tsv").read_text().splitlines()[0]


def test_other_commands_find_what_was_fetched(
    mirror: Site, cache: Cache, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    where = ["--cache", str(cache.folder)]
    assert main(["fetch", "weights", "tracks", "-q", *where, "--mirror", mirror.url]) == 0
    assert main(["model", "enformer", *where]) == 0
    assert str(next(cache.weights.glob("*.index"))) in capsys.readouterr().out
    assert main(["convert", "enformer", str(tmp_path / "x.safetensors"), *where]) == 0
    assert (tmp_path / "x.safetensors").is_file()


def test_without_fetched_tables_tracks_have_numbers(
    mirror: Site, cache: Cache, vcf: str, capsys: pytest.CaptureFixture
) -> None:
    assert main(["fetch", "weights", "hg38", "-q", "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    assert main(["score", vcf, "-f", "hg38", "--cache", str(cache.folder)]) == 0
    err = capsys.readouterr().err
    assert (
        "tracks are named by head and number: human_0 to human_4; 'enformer-vep fetch tracks' gets their names" in err
    )


def test_weights_of_ones_own_do_not_take_the_published_names(
    mirror: Site,
    cache: Cache,
    stand_ins: Path,
    vcf: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["fetch", "tracks", "hg38", "-q", "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    monkeypatch.undo()  # the stand-ins are no longer the published weights
    model = str(stand_ins / "models" / "enformer")
    assert main(["score", vcf, "-f", "hg38", "-m", model, "--cache", str(cache.folder)]) == 0
    err = capsys.readouterr().err
    assert "not the published Enformer" in err
    assert "tracks are named by head and number: human_0 to human_4\n" in err


@pytest.mark.usefixtures("tiny_demo")
def test_a_file_of_the_name_comes_first(
    cache: Cache, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    cache.genome("hg38").parent.mkdir(parents=True)
    cache.genome("hg38").write_bytes(b"not read")
    monkeypatch.chdir(tmp_path)
    write_fasta(tmp_path / "hg38", SEQUENCES)
    assert main(["score", vcf, "-f", "hg38", "-m", "demo", "-q", "--cache", str(cache.folder)]) == 0
    record = json.loads((tmp_path / "input.demo.parquet.run.json").read_text())
    assert str(tmp_path / "hg38") in json.dumps(record)


@pytest.mark.full
def test_first_time_use(mirror: Site, stand_ins: Path, vcf: str, tmp_path: Path) -> None:
    """In an empty HOME: fetch, and score with names alone."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in environment().items() if not name.startswith(("XDG_", "ENFORMER_VEP_"))}
    for words in (["fetch", *ITEMS, "--mirror", mirror.url], ["score", vcf, "-f", "hg38"]):
        run = subprocess.run(
            [sys.executable, script.__file__, str(stand_ins), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**kept, "HOME": str(home)},
        )
        assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in (home / ".cache" / "enformer-vep").iterdir()) == [
        "downloads",
        "genomes",
        "locks",
        "models",
        "tracks",
    ]
    assert list(pd.read_parquet(tmp_path / "input.enformer.parquet").columns[7:]) == [
        f"SAD:IDhuman{track}" for track in range(5)
    ]
