"""Finished outputs, opened in Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import enformer_vep as ev
from tests.api.conftest import RECORDS
from tests.gtf_files import from_starts, write_gtf
from tests.support import write_vcf


def test_everything_that_goes_with_a_table_is_there(written: Path) -> None:
    scores = ev.read_scores(written)
    pd.testing.assert_frame_equal(scores.table, pd.read_parquet(written), check_exact=True)
    assert scores.tracks["identifier"].tolist() == [f"human_{number}" for number in range(5)]
    assert scores.stats == ("SAD", "SAR")
    assert scores.run["counts"]["alleles_scored"] == scores.num_alleles == len(scores.table)
    assert scores.run["command"] == "enformer_vep.score_vcf"
    assert scores.skipped["reason"].tolist() == pd.read_csv(f"{written}.skipped.tsv", sep="\t")["reason"].tolist()
    assert scores.genes is None
    expected = pd.read_csv(f"{written}.summary.tsv", sep="\t", keep_default_na=False)
    pd.testing.assert_frame_equal(scores.summary(), expected, check_dtype=False, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("out.tsv", {}),
        ("out.tsv.gz", {"layout": "long"}),
        ("list.parquet", {"layout": "list"}),
        ("long.parquet", {"layout": "long"}),
        ("half.parquet", {"dtype": "float16"}),
    ],
)
def test_every_layout_and_format_gives_the_same_table(
    folder: Path, written: Path, tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    out = tmp_path / name
    inputs = {"fasta": folder / "genome.fa", "model": folder / "model", "allow_mismatches": True}
    ev.score_vcf(folder / "input.vcf", out, stats="SAD,SAR", **inputs, **options)
    expected = ev.read_scores(written).table
    if "dtype" in options:
        values = expected.columns[7:]
        expected[values] = expected[values].astype(np.float16).astype(np.float32)
    pd.testing.assert_frame_equal(ev.read_scores(out).table, expected, check_exact=True)


def test_parts_of_a_table_are_read(written: Path) -> None:
    scores = ev.read_scores(written)
    table = scores.table
    some = scores.read(stats="sar", tracks=[4, "human_1"])
    assert list(some.columns[7:]) == ["SAR:human_4", "SAR:human_1"]
    pd.testing.assert_frame_equal(some, table[some.columns])
    names = ["SAR:human_2", "pos", "SAD:human_0"]
    pd.testing.assert_frame_equal(scores.read(columns=names), table[names])
    pd.testing.assert_frame_equal(scores.read(columns=["chrom"]), table[["chrom"]])
    for wrong in ({"stats": "SADR"}, {"tracks": "human_9"}, {"columns": ["SAD:human_9"]}, {"stats": []}):
        with pytest.raises(ev.InputError):
            scores.read(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ev.InputError, match="cannot be combined"):
        scores.read(stats="SAD", columns=["pos"])


def test_genes_are_read(folder: Path, tmp_path: Path) -> None:
    gtf = write_gtf(tmp_path / "genes.gtf", from_starts([("ONE", "chr1", 3_001, "+")]))
    inputs = {"fasta": folder / "genome.fa", "model": folder / "model", "allow_mismatches": True}
    options = {"gtf": gtf, "gene_tracks": "0", "gene_columns": "tracks"}
    for name in ("out.parquet", "out.tsv"):
        ev.score_vcf(folder / "input.vcf", tmp_path / name, **inputs, **options)
    found, text = (ev.read_scores(tmp_path / name).genes for name in ("out.parquet", "out.tsv"))
    assert found is not None
    assert text is not None
    assert set(found["gene_name"]) == {"ONE"}
    pd.testing.assert_frame_equal(found, text, check_dtype=False, rtol=1e-6)


def test_texts_stay_texts(folder: Path, tmp_path: Path) -> None:
    """A contig '1', an ID 'null' and a gene 'NA' are names, in what was scored and in what was not."""
    _, genome = (folder / "genome.fa").read_text().split(">chr1\n", 1)
    (tmp_path / "genome.fa").write_text(f">1\n{genome.split('>', 1)[0]}")
    records = [("1", record[1], "null", *record[3:]) for record in RECORDS if record[0] == "chr1"]
    vcf = write_vcf(tmp_path / "input.vcf", [*records, ("1", 5, "NA", "A", "<DEL>")])
    gtf = write_gtf(tmp_path / "genes.gtf", from_starts([("NA", "1", 3_001, "+")]))
    options = {"gtf": gtf, "gene_tracks": "0", "allow_mismatches": True}
    ev.score_vcf(vcf, tmp_path / "out.tsv", fasta=tmp_path / "genome.fa", model=folder / "model", **options)
    scores = ev.read_scores(tmp_path / "out.tsv")
    assert scores.genes is not None
    for frame in (scores.table, scores.genes):
        assert set(frame["chrom"]) == {"1"}
        assert set(frame["id"]) == {"null"}
    assert set(scores.genes["gene_name"]) == {"NA"}
    assert set(scores.skipped["chrom"]) == {"1"}
    assert scores.skipped["id"].tolist()[-1] == "NA"


def test_a_run_shows_its_bar_and_annotates_its_vcf(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = {"fasta": folder / "genome.fa", "model": folder / "model", "allow_mismatches": True}
    annotated = tmp_path / "annotated.vcf"
    ev.score_vcf(folder / "input.vcf", tmp_path / "out.parquet", annotate=annotated, progress=True, **inputs)
    assert f"/{len(RECORDS)}" in capsys.readouterr().err
    lines = [line for line in annotated.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == len(RECORDS)
    assert all("ENFORMER=" in line for line in lines)


def test_an_array_has_names_on_every_axis(written: Path) -> None:
    scores = ev.read_scores(written)
    array = scores.to_xarray(tracks="1-2")
    assert array.dims == ("allele", "track", "statistic")
    assert array.shape == (scores.num_alleles, 2, 2)
    table = scores.table
    for statistic in ("SAD", "SAR"):
        for track in ("human_1", "human_2"):
            values = array.sel(statistic=statistic, track=track)
            np.testing.assert_array_equal(values, table[f"{statistic}:{track}"])
    assert array["pos"].to_numpy().tolist() == table["pos"].tolist()


def test_an_anndata_has_alleles_tracks_and_a_layer_for_each_statistic(written: Path) -> None:
    pytest.importorskip("anndata")
    scores = ev.read_scores(written)
    found = scores.to_anndata()
    table = scores.table
    assert found.shape == (scores.num_alleles, 5)
    assert found.obs_names.is_unique
    assert found.obs["pos"].tolist() == table["pos"].tolist()
    assert found.var_names.tolist() == [f"human_{number}" for number in range(5)]
    for statistic in ("SAD", "SAR"):
        expected = table[[f"{statistic}:{name}" for name in found.var_names]]
        np.testing.assert_array_equal(found.layers[statistic], expected)
    np.testing.assert_array_equal(found.X, found.layers["SAD"])


def test_what_is_no_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ev.InputError, match="no such file"):
        ev.read_scores(tmp_path / "none.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ev.InputError, match="no run record"):
        ev.read_scores(tmp_path / "other.parquet")
