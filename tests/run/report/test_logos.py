"""Logos of the strongest alleles: the numbers of saturations and contributions, at the right bases."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import InputError
from enformer_vep.run.score.results import RUN_METADATA
from tests.gtf_files import from_starts, write_gtf
from tests.pipeline_runs import GENOME, SCORED, run
from tests.run.explain.saturations import saturate
from tests.run.explain.test_contributions import run as contribute
from tests.run.report.test_course import data_of, page_of
from tests.support import random_sequence, write_fasta

NAMES = ("snv", "same_place", "mnv", "near_start")
ALLELES = [record for record in SCORED if record[2] in NAMES]


@pytest.fixture(scope="module")
def scores(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("scores") / "out.parquet"
    run(folder, out, ALLELES, quiet=True)
    return str(out)


@pytest.fixture(scope="module")
def contributions(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contributions of an insertion, of a substitution of three bases, and of no other allele."""
    out = tmp_path_factory.mktemp("contributions") / "out.parquet"
    variants = [f"chr1:{pos}:{ref}:{alt}" for _, pos, name, ref, alt in ALLELES if name in ("same_place", "mnv")]
    assert contribute(folder, out, *variants, "--tracks", "2,4", "--width", "61") == 0
    return out


def logos_of(data: Any) -> dict[str, list[Any]]:
    """The logos of each allele, by its ID."""
    return {data["id"][one["place"]]: one["logos"] for one in data["detailed"]}


def strongest(scores: str, name: str, tracks: list[int]) -> int:
    """Of some tracks, the one on which an allele changes most."""
    row = pd.read_parquet(scores).set_index("id").loc[name]
    return max(tracks, key=lambda track: abs(row[f"SAD:human_{track}"]))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_saturation_shows_the_reference_around_an_allele(
    suffix: str, folder: Path, tmp_path: Path, scores: str
) -> None:
    out = tmp_path / f"saturated{suffix}"
    assert saturate(folder, out, "1:2981-3010", "--tracks", "1,3") == 0
    logos = logos_of(data_of(page_of(scores, tmp_path, saturations=(str(out),))))
    assert [name for name in NAMES if logos[name]] == ["snv", "same_place"]  # the others lie elsewhere
    arrays = tmp_path / "effects.npz"
    if suffix == ".parquet":
        assert main(["derive", str(out), "--effects", str(arrays), "-q"]) == 0
    else:
        arrays = out
    effects = np.load(arrays)["effects"]
    for name in ("snv", "same_place"):
        (logo,) = logos[name]
        track = strongest(scores, name, [1, 3])
        assert logo["explained"].startswith("SAD on")
        (row,) = logo["rows"]
        assert (row["allele"], row["start"], row["changed"]) == ("", 2981, [19, 20])
        assert row["letters"] == GENOME["chr1"][2980:3010].upper()
        np.testing.assert_allclose(row["heights"], -effects[..., [1, 3].index(track)].sum(axis=1) / 3, rtol=6e-3)


@pytest.mark.slow
def test_contributions_of_an_allele_show_both_alleles(
    folder: Path, tmp_path: Path, scores: str, contributions: Path
) -> None:
    logos = logos_of(data_of(page_of(scores, tmp_path, contributions=(str(contributions),))))
    table = pd.read_parquet(contributions)
    assert [name for name in NAMES if logos[name]] == [
        "same_place",
        "mnv",
    ]  # one VCF names the contig 1, the other chr1
    for name, pos, ref, alt in [(record[2], record[1], record[3], record[4]) for record in ALLELES]:
        if not logos[name]:
            continue
        (logo,) = logos[name]
        track = strongest(scores, name, [2, 4])
        of_track = table[(table["scalar"] == f"human_{track}") & (table["sequence"] == f"chr1:{pos}:{ref}:{alt}")]
        assert [row["allele"] for row in logo["rows"]] == ["REF", "ALT"]
        for row, bases in zip(logo["rows"], (ref, alt), strict=True):
            of_allele = of_track[of_track["allele"] == row["allele"].lower()]
            first, end = row["changed"]
            assert (first, row["letters"][first:end]) == (20, bases)
            assert row["letters"][:first] == GENOME["chr1"][pos - 21 : pos - 1]
            at = "".join(of_allele["base"]).index(row["letters"])
            expected = of_allele["contribution"].to_numpy()[at : at + len(row["letters"])]
            np.testing.assert_allclose(row["heights"], expected, rtol=6e-3)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".npz", ".zarr", ".parquet"])
def test_contributions_of_a_region_show_the_mean_of_the_alleles_group(
    suffix: str, folder: Path, tmp_path: Path, scores: str
) -> None:
    out = tmp_path / f"region{suffix}"
    assert contribute(folder, out, "chr1:2990-3110", "--mean-by", "all") == 0
    page = page_of(scores, tmp_path, contributions=(str(out),))
    logos = logos_of(data_of(page))
    assert [name for name in NAMES if logos[name]] == ["snv", "same_place", "mnv"]
    (logo,) = logos["mnv"]
    (row,) = logo["rows"]
    assert logo["explained"] == "the mean of all explained tracks"
    assert (row["allele"], row["start"], row["changed"]) == ("", 3080, [20, 23])
    assert row["letters"] == GENOME["chr1"][3079:3110].upper()  # it ends where the region does
    assert "No logo is shown" not in page


@pytest.mark.slow
def test_what_explains_other_bases_is_said_to_show_nothing(folder: Path, tmp_path: Path, scores: str) -> None:
    out = tmp_path / "elsewhere.parquet"
    assert saturate(folder, out, "chr1:4000-4003") == 0
    assert "No logo is shown: none of the alleles" in page_of(scores, tmp_path, saturations=(str(out),))


@pytest.mark.slow
def test_another_genome_or_model_is_refused(folder: Path, tmp_path: Path, scores: str, contributions: Path) -> None:
    other = {name: random_sequence(len(bases), seed=9) for name, bases in GENOME.items()}
    write_fasta(tmp_path / "genome.fa", other)
    (tmp_path / "model").symlink_to(folder / "model")
    assert saturate(tmp_path, tmp_path / "other.parquet", "chr1:3000-3001") == 0
    with pytest.raises(InputError, match="computed with another genome than"):
        page_of(scores, tmp_path, saturations=(str(tmp_path / "other.parquet"),))
    with pytest.raises(InputError, match="is an output of 'score': expected one of 'enformer-vep saturate'"):
        page_of(scores, tmp_path, saturations=(scores,))
    with pytest.raises(InputError, match="is an output of 'contributions', which has no scores of alleles"):
        page_of(scores, tmp_path, saturations=(str(contributions),))
    with pytest.raises(InputError, match="computed with another model than"):
        page_of(scores, tmp_path, contributions=(_with_model(contributions, tmp_path / "model.parquet", "0" * 64),))
    with pytest.raises(InputError, match="is not an output of 'enformer-vep contributions'"):
        page_of(scores, tmp_path, contributions=(scores,))
    with pytest.raises(InputError, match=r"unknown format: .*bigWig files have no letters"):
        page_of(scores, tmp_path, contributions=(str(tmp_path),))
    with pytest.raises(InputError, match="no such file"):
        page_of(scores, tmp_path, contributions=(str(tmp_path / "none.npz"),))
    half = tmp_path / "half.npz"
    half.write_bytes(contributions.read_bytes()[:1000])
    with pytest.raises(InputError, match="is not a NumPy archive, or is damaged"):
        page_of(scores, tmp_path, contributions=(str(half),))


def _with_model(source: Path, out: Path, digest: str) -> str:
    """Writes contributions that claim to be of another model."""
    table = pyarrow.parquet.read_table(source)
    metadata = dict(table.schema.metadata)
    run_ = json.loads(metadata[RUN_METADATA])
    run_["model"]["tensors_sha256"] = digest
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata | {RUN_METADATA: json.dumps(run_)}), out)
    return str(out)


@pytest.mark.slow
def test_the_nearest_gene_is_named_if_the_run_has_none(folder: Path, tmp_path: Path, scores: str) -> None:
    rows = [("LEFT", "1", 2_950, "+"), ("RIGHT", "1", 3_040, "-"), ("FAR", "chr2", 5, "+")]
    gtf = write_gtf(tmp_path / "genes.gtf", from_starts(rows))
    data = data_of(page_of(scores, tmp_path, gtf=gtf))
    assert (data["genes"]["statistic"], data["genes"]["strongest"]) == (None, None)
    found = {
        data["id"][row]: [data["geneNames"][gene[0]], *gene[1:]] for row, gene in enumerate(data["genes"]["nearest"])
    }
    assert found["snv"] == ["RIGHT", "-", 40, None]
    assert found["near_start"] == ["LEFT", "+", 60 - 2_950, None]
    elsewhere = write_gtf(tmp_path / "other.gtf", from_starts([("FAR", "chr7", 5, "+")]))
    with pytest.raises(InputError, match=r"no gene on the contigs of the alleles, chr1, 1"):
        page_of(scores, tmp_path, gtf=elsewhere)


@pytest.mark.slow
def test_genes_of_the_run_are_not_replaced(folder: Path, tmp_path: Path, gtf: str) -> None:
    out = tmp_path / "out.parquet"
    run(folder, out, ALLELES[:1], gtf=gtf, gene_tracks=None, quiet=True, track_table=_cage(folder, tmp_path))
    with pytest.raises(InputError, match="has genes of its own, so that -g has no effect"):
        page_of(str(out), tmp_path, gtf=gtf)


def _cage(folder: Path, tmp_path: Path) -> str:
    path = tmp_path / "tracks.tsv"
    path.write_text("index\tidentifier\tdescription\n" + "".join(f"{i}\tT{i}\tCAGE:liver\n" for i in range(5)))
    return str(path)
