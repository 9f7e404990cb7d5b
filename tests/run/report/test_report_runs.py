"""Pages of whole runs: their genes, percentiles and profiles."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import InputError
from enformer_vep.io.tables import gene_table
from enformer_vep.run.report.settings import ProfileSettings
from enformer_vep.run.settings import Shard
from tests import scored_vcfs
from tests.pipeline_runs import SCORED, SKIPPED, run
from tests.run.report.test_course import data_of, page_of
from tests.support import random_sequence, write_fasta, write_vcf


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    return write_vcf(tmp_path / "input.vcf", [("chr1", pos, ".", "A", "C") for pos in range(100, 112)])


@pytest.mark.parametrize(("suffix", "columns"), [(".parquet", "summary"), (".tsv", "tracks")])
def test_genes_are_those_of_the_table(
    suffix: str, columns: str, folder: Path, tmp_path: Path, gtf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gene_table, "BATCH_ROWS", 3)
    out = tmp_path / f"out{suffix}"
    run(folder, out, SCORED, gtf=gtf, gene_tracks=None, track_table=_named(folder), gene_columns=columns, quiet=True)
    path = Path(f"{out}.genes{suffix}")
    table = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path, sep="\t", dtype={"chrom": str})
    scores = [name for name in table if name.startswith("SADR:") and name.endswith(("score", "T0", "T1", "T2"))]
    table["strength"] = table[scores].abs().max(axis=1)
    data = data_of(page_of(str(out), tmp_path, top=2))
    assert data["genes"]["statistic"] == "SADR"
    by_allele = dict(list(table.groupby(["record", "allele"])))
    for row, place in enumerate(zip(data["record"], data["allele"], strict=True)):
        nearest, strongest = data["genes"]["nearest"][row], data["genes"]["strongest"][row]
        if place not in by_allele:
            assert nearest is None
            assert strongest is None
            continue
        of_allele = by_allele[place].reset_index()
        first = of_allele.loc[of_allele["distance"].abs().idxmin()]
        most = of_allele.loc[of_allele["strength"].idxmax()]
        found = [data["geneNames"][nearest[0]], *nearest[1:3]]
        assert found == [first["gene_name"], first["strand"], first["distance"]]
        assert data["geneNames"][strongest[0]] == most["gene_name"]
        assert abs(strongest[3]) == pytest.approx(most["strength"], rel=1e-4, abs=1e-9)
    for one in data["detailed"]:
        wanted = by_allele.get((data["record"][one["place"]], data["allele"][one["place"]]))
        names = sorted(data["geneNames"][gene[0]] for gene in one["genes"])
        assert names == ([] if wanted is None else sorted(wanted["gene_name"]))
        strengths = [abs(gene[3]) for gene in one["genes"]]
        assert strengths == sorted(strengths, reverse=True)


def _named(folder: Path) -> str:
    """A track table with CAGE tracks, without which no genes are scored by default."""
    path = folder / "named_tracks.tsv"
    rows = [f"{i}\tT{i}\t{'CAGE:liver' if i < 3 else 'DNASE:brain'}" for i in range(5)]
    path.write_text("\n".join(["index\tidentifier\tdescription", *rows]) + "\n")
    return str(path)


def test_genes_that_are_gone_are_missed(folder: Path, tmp_path: Path, gtf: str) -> None:
    out = tmp_path / "out.parquet"
    run(folder, out, SCORED[:2], gtf=gtf, track_table=_named(folder), quiet=True)
    Path(f"{out}.genes.parquet").unlink()
    with pytest.raises(InputError, match=r"no such file: .*genes.parquet: it goes with .*out.parquet"):
        page_of(str(out), tmp_path)


@pytest.mark.parametrize(("name", "dtype"), [("out.parquet", "float32"), ("out.tsv", "float16")])
def test_percentiles_are_those_of_the_strongest_tracks(vcf: str, tmp_path: Path, name: str, dtype: str) -> None:
    out = scored_vcfs.score(vcf, tmp_path / name, statistics=("SAD",), dtype=dtype, has_percentiles=True)
    table = pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t")
    page = page_of(str(out), tmp_path)
    data = data_of(page)
    assert 'id="f-percentile"' in page
    for row, tracks in enumerate(data["track"]):
        identifiers = [data["tracks"][track][0] for track in tracks]
        expected = table.loc[row, [f"SAD_percentile:{identifier}" for identifier in identifiers]].astype(float)
        np.testing.assert_allclose(np.array(data["percentile"][row], dtype=float), expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["centred", "shared:200"])
def test_profiles_add_up_to_the_scores(placement: str, folder: Path, tmp_path: Path, gtf: str) -> None:
    out = tmp_path / "out.parquet"
    records = [record for record in SCORED if record[2] != "ref_is_alt"]
    run(folder, out, [*records, *SKIPPED], placement=placement, quiet=True)
    profiles = ProfileSettings(str(folder / "genome.fa"), str(folder / "model"), device="cpu")
    data = data_of(page_of(str(out), tmp_path, top=4, profiles=profiles, gtf=gtf))
    assert len(data["detailed"]) == 4
    for one in data["detailed"]:
        profile = one["profile"]
        track = data["track"][one["place"]][0]
        assert profile["tracks"] == [track]
        # SAD is the sum of the differences over all bins.
        (difference,) = profile["difference"]
        assert sum(difference) == pytest.approx(data["score"][one["place"]][0], rel=0.02, abs=1e-3)
        assert min(min(values) for values in profile["reference"]) >= 0
        pos = data["pos"][one["place"]]
        assert profile["start"] <= pos < profile["start"] + profile["binSize"] * len(difference)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "To see the predictions of REF and ALT" not in page


def test_profiles_of_another_genome_or_model_are_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    run(folder, out, SCORED[:1], quiet=True)
    other = str(write_fasta(tmp_path / "other.fa", {"chr1": random_sequence(7000, seed=9)}))
    with pytest.raises(InputError, match=r"other.fa is not the genome of .*out.parquet"):
        page_of(str(out), tmp_path, profiles=ProfileSettings(other, str(folder / "model")))
    with pytest.raises(InputError, match=r"is not the model of .*out.parquet"):
        page_of(str(out), tmp_path, profiles=ProfileSettings(str(folder / "genome.fa"), "demo"))
    assert not (tmp_path / "report.html").exists()


def test_a_merged_run_has_a_page(vcf: str, tmp_path: Path) -> None:
    parts = [scored_vcfs.score(vcf, tmp_path / f"{number}.tsv", shard=Shard(number, 2)) for number in (1, 2)]
    merged = tmp_path / "merged.tsv"
    assert main(["merge", str(merged), *map(str, parts), "-q"]) == 0
    page = page_of(str(merged), tmp_path)
    assert "<dt>Merged from</dt><dd><bdi>2 shards</bdi></dd>" in page
    assert data_of(page)["counts"] == {"read": 12, "scored": 12, "skipped": 0}
    assert "<title>Variant effects of a.vcf</title>" in page


def test_a_hostile_vcf_is_text(tmp_path: Path, folder: Path) -> None:
    contig = "</script><script>alert(1)</script>\"'"
    hostile = [contig, "</style><img/src=x/onerror=alert(2)>", "x" * 10_000, "\u202egnp.exe", "&amp;<!--"]
    sequence = random_sequence(6000)
    write_fasta(tmp_path / "genome.fa", {contig: sequence})
    (tmp_path / "model").symlink_to(folder / "model")
    records = [(contig, 3000 + row, text, sequence[2999 + row], "<DEL>") for row, text in enumerate(hostile)]
    records += [(contig, 3100 + row, text, *snv(sequence, 3100 + row)) for row, text in enumerate(hostile)]
    out = tmp_path / "out.tsv"
    run(tmp_path, out, records, quiet=True)
    page = page_of(str(out), tmp_path)
    data = data_of(page)
    assert data["chroms"] == [contig]
    assert data["id"][:2] == hostile[:2]
    assert data["id"][2].endswith("… (10,000 characters)")
    assert data["id"][3:] == hostile[3:]
    # Three scripts and the data, three styles, and the line for browsers without JavaScript: as in every page.
    assert [page.count(f"<{tag}") for tag in ("script", "style", "img", "noscript")] == [4, 3, 0, 1]
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert "⟨U+202E⟩gnp.exe" in page


def snv(sequence: str, pos: int) -> tuple[str, str]:
    ref = sequence[pos - 1]
    return ref, "CGTA"["ACGT".index(ref)]
