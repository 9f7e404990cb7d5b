"""Runs with genes: their scores and files, and what a run says of them and refuses."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enformer_vep.errors import GeneError, InputError, TrackError
from enformer_vep.genome.codes import encode
from enformer_vep.genome.layout import Bases, ModelInput
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.inference.comparer import full_engine
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.genome.gtf import read_genes
from enformer_vep.io.tables import gene_table
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.model.enformer import Enformer
from enformer_vep.run.score.genes import open_genes
from enformer_vep.run.settings import GeneSettings
from enformer_vep.scoring import parse_statistics
from tests.gtf_files import Transcript, from_starts, write_gtf
from tests.pipeline_runs import GENOME, LENGTH, SCORED, SKIPPED, other, reference, run
from tests.support import TINY_CONFIG

GEOMETRY = TINY_CONFIG.geometry
SNV = ("chr1", 3000, "snv", reference("chr1", 3000), other(reference("chr1", 3000)))


def run_genes(folder: Path, out: Path, records: list[tuple], gtf: str, **changes: Any) -> pd.DataFrame:
    """Scores records with genes on the first three tracks; returns the table of genes."""
    changes = {"gene_tracks": TrackChoice.parse("0-2"), "quiet": True, **changes}
    run(folder, out, records, gtf=gtf, **changes)
    path = Path(f"{out}.genes{'.parquet' if out.suffix == '.parquet' else '.tsv'}")
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep="\t", dtype={"chrom": str})


def predict(model: Enformer, start: int, pos: int | None = None, base: str = "N") -> np.ndarray:
    """The plain prediction of a window of chr1 that begins at `start`, with one base changed: float64 [bins, 3]."""
    letters = GENOME["chr1"][start : start + LENGTH].upper()
    if pos is not None:
        letters = letters[: pos - 1 - start] + base + letters[pos - start :]
    layout = ModelInput((Bases(encode(letters).tobytes()),))
    engine = full_engine(model, lambda interval: np.empty(0, np.uint8), EngineSettings("human", [0, 1, 2]))
    (found,) = engine.predict([layout])
    return found.astype(np.float64)


def log_ratio(alternate: np.ndarray, expected: np.ndarray, bins: list[int]) -> np.ndarray:
    return np.log2(1 + alternate[bins].sum(axis=0)) - np.log2(1 + expected[bins].sum(axis=0))


def test_scores_are_log_ratios_over_the_bins_around_the_starts(
    folder: Path, tmp_path: Path, gtf: str, model: Enformer
) -> None:
    table = run_genes(folder, tmp_path / "out.tsv", [SNV], gtf, gene_columns="tracks")
    # The window begins at 2999 - 1535 = 1464, and its scored bins at 1976. Starts 3000 and 3499 (0-based) lie in bins
    # 8 and 11, start 3399 in bin 11; 5499 is beyond the end of the scored bins at 4024.
    r, a = predict(model, 1464), predict(model, 1464, 3000, SNV[4])
    expected = [log_ratio(a, r, [7, 8, 9, 10, 11, 12]), log_ratio(a, r, [10, 11, 12])]
    assert table["gene_name"].tolist() == ["ONE", "TWO"]
    columns = [f"SADR:human_{track}" for track in range(3)]
    np.testing.assert_allclose(table[columns].to_numpy(), expected, rtol=2e-4, atol=1e-6)
    described = table[["gene_id", "strand", "tss", "distance", "num_transcripts"]].to_numpy().tolist()
    assert described == [["ENSG_ONE.1", "+", 3001, -1, 2], ["ENSG_TWO.1", "-", 3400, 400, 1]]


def test_ten_bins_and_other_statistics(folder: Path, tmp_path: Path, gtf: str, model: Enformer) -> None:
    statistics = parse_statistics("SAD,REF")
    options = {"gene_columns": "tracks", "gene_bins": 10, "gene_statistics": statistics}
    table = run_genes(folder, tmp_path / "out.parquet", [SNV], gtf, **options).set_index("gene_name")
    r, a = predict(model, 1464), predict(model, 1464, 3000, SNV[4])
    bins = list(range(7, 16))  # of start 3399 in bin 11: 7 to 16, of which the last is cropped
    for name, expected in (("REF", r[bins].sum(axis=0)), ("SAD", (a - r)[bins].sum(axis=0))):
        found = table.loc["TWO", [f"{name}:human_{track}" for track in range(3)]].to_numpy(dtype=np.float64)
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5)


def test_a_window_of_the_gene(folder: Path, tmp_path: Path, gtf: str, model: Enformer) -> None:
    table = run_genes(folder, tmp_path / "out.tsv", [SNV], gtf, gene_columns="tracks", gene_window="tss")
    # Windows of 3,072 bp around start 3000, the left one of ONE's, and 3399; around 5499 it begins behind the variant.
    assert table["gene_name"].tolist() == ["ONE", "TWO"]
    expected = []
    for centre, bins in ((3000, [6, 7, 8, 10, 11, 12]), (3399, [6, 7, 8])):  # 3499 is in bin 7 + 4
        r, a = predict(model, centre - 1535), predict(model, centre - 1535, 3000, SNV[4])
        expected.append(log_ratio(a, r, bins))
    columns = [f"SADR:human_{track}" for track in range(3)]
    np.testing.assert_allclose(table[columns].to_numpy(), expected, rtol=2e-4, atol=1e-6)


def test_both_windows_agree_where_they_are_the_same(folder: Path, tmp_path: Path, gtf: str) -> None:
    at_start = ("chr1", 3_400, "at", reference("chr1", 3_400), other(reference("chr1", 3_400)))
    options = {"gene_columns": "tracks"}
    found = [
        run_genes(folder, tmp_path / f"{window}.tsv", [at_start], gtf, gene_window=window, **options)
        for window in ("variant", "tss")
    ]
    own = [table[table["gene_name"] == "TWO"].reset_index(drop=True) for table in found]
    assert len(own[0]) == 1
    pd.testing.assert_frame_equal(own[0], own[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("views", "window"),
    [(ViewSettings(True, (0, 1), IndelPolicy.LEFT), "variant"), (ViewSettings(True, (0,), IndelPolicy.TOWER), "tss")],
)
def test_every_kind_of_allele_and_both_engines(
    views: ViewSettings, window: str, folder: Path, tmp_path: Path, gtf: str
) -> None:
    options = {"gene_window": window, "views": views, "gene_columns": "tracks"}
    tables = [
        run_genes(folder, tmp_path / f"{engine}.parquet", SCORED + SKIPPED, gtf, engine=engine, **options)
        for engine in ("reusing", "full")
    ]
    scores = [table.filter(like="SADR").to_numpy() for table in tables]
    assert tables[0].iloc[:, :13].equals(tables[1].iloc[:, :13])
    assert {"ONE", "TWO", "FAR", "SHORT", "MITO"} >= set(tables[0]["gene_name"]) >= {"ONE", "TWO", "FAR", "MITO"}
    np.testing.assert_allclose(scores[0], scores[1], atol=2e-3 * np.abs(scores[1]).max())
    assert not tables[0].filter(like="SADR")[tables[0]["id"] == "ref_is_alt"].to_numpy().any()


def test_summaries_name_the_strongest_and_the_nearest_gene(folder: Path, tmp_path: Path, gtf: str) -> None:
    out = tmp_path / "out.tsv"
    records = [SNV, *(record for record in SCORED if record[2] in ("near_start", "mitochondrial"))]
    genes = run_genes(folder, out, records, gtf, summary="beside").set_index(["record", "gene_name"])
    assert list(genes.columns[-5:]) == [
        f"SADR:OTHER:{name}" for name in ("track", "description", "score", "norm", "num_agree")
    ]
    summary = pd.read_csv(f"{out}.summary.tsv", sep="\t")
    assert list(summary.columns[-4:]) == list(gene_table.GENE_SUMMARY_FIELDS)
    first, none, last = (row for _, row in summary.iloc[:, -4:].iterrows())
    scores = genes.loc[0, "SADR:OTHER:score"]
    assert first["gene:strongest"] == scores.abs().idxmax()
    assert first["gene:strongest_score"] == pytest.approx(scores[scores.abs().idxmax()])
    assert (first["gene:nearest"], first["gene:nearest_distance"]) == ("ONE", -1)
    assert none.isna().all()  # no gene is in reach
    assert last["gene:nearest"] == "MITO"


def test_a_gene_is_not_touched_by_what_stands_beside_it(folder: Path, tmp_path: Path, gtf: str) -> None:
    alone = run_genes(folder, tmp_path / "alone.tsv", [SNV], gtf, gene_columns="tracks")
    among = run_genes(folder, tmp_path / "among.tsv", [*SCORED[1:5], SNV], gtf, gene_columns="tracks")
    among = among[among["id"] == "snv"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.drop(columns="record"), among.drop(columns="record"))


def test_contigs_that_the_fasta_lacks_are_left_out(
    folder: Path, tmp_path: Path, gtf: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="enformer_vep"):
        run_genes(folder, tmp_path / "out.tsv", [SNV], gtf, gene_window="tss")
    notices = [message for message in caplog.messages if "NOWHERE" in message or "chr9" in message]
    assert len(notices) == 1
    assert "lacks 1 contig of" in notices[0]
    assert notices[0].endswith(": chr9; 1 gene left out")
    assert any("genes: 5 genes with 6 starts" in message for message in caplog.messages)
    assert any("genes: 1 allele in the windows of 2 genes make 2 pairs: each takes" in text for text in caplog.messages)


def test_the_run_record_says_which_genes(folder: Path, tmp_path: Path, gtf: str) -> None:
    out = tmp_path / "out.parquet"
    run_genes(folder, out, [SNV], gtf)
    record = json.loads(Path(f"{out}.run.json").read_text())
    genes = record["genes"]
    assert (genes["transcripts"], genes["bins"], genes["window"]) == ("all", 3, "variant")
    assert genes["statistics"] == ["SADR"]
    assert genes["tracks"]["num_tracks"] == 3
    assert len(genes["gtf"]["sha256"]) == 64
    assert record["counts"]["gene_rows"] == 2
    assert record["paths"]["gtf"] == gtf
    assert b"enformer_vep.tracks" in pq.read_schema(f"{out}.genes.parquet").metadata


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"gene_tracks": None}, GeneError, "genes are scored on CAGE tracks, but no track is known to be one"),
        ({"gene_tracks": TrackChoice.parse("human_9")}, TrackError, "human_9"),
        ({"tracks": "3-4"}, GeneError, "--tracks leaves out all --gene-tracks tracks"),
        (
            {"bins": "centre:501"},
            InputError,
            r"--bins centre:501 computes the bins around the variant alone, but genes",
        ),
        ({"transcripts": "MANE"}, GeneError, "no transcript with tag"),
        ({"gtf": "none.gtf"}, GeneError, "no such file: none.gtf: expected a GTF"),
    ],
)
def test_what_does_not_fit_is_refused(
    changes: dict[str, Any], kind: type[Exception], message: str, folder: Path, tmp_path: Path, gtf: str
) -> None:
    options = {"gtf": gtf, **changes}
    with pytest.raises(kind, match=message):
        run_genes(folder, tmp_path / "out.tsv", [SNV], **options)
    assert not list(tmp_path.glob("out.tsv.genes*"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("G", "chr1", 9_000, "+")], r"a transcript of G in .* starts at chr1:9000, beyond the 6,124 bp that"),
        ([("G", "chr8", 10, "+"), ("H", "chr9", 10, "-")], "has none of the contigs of the genes: .*chr8, chr9, the"),
    ],
)
def test_genes_of_another_assembly_are_refused(rows: list, message: str, folder: Path, tmp_path: Path) -> None:
    path = write_gtf(tmp_path / "genes.gtf", from_starts(rows))
    with pytest.raises(GeneError, match=message):
        run_genes(folder, tmp_path / "out.tsv", [SNV], path)


def test_only_chosen_transcripts_count(folder: Path, tmp_path: Path) -> None:
    transcripts = [
        Transcript("ONE", "chr1", 3_001, 3_900, "+", ("basic", "MANE_Select")),
        Transcript("ONE", "chr1", 3_500, 3_900, "+", ("basic",)),
        Transcript("TWO", "chr1", 3_200, 3_900, "+", ()),
    ]
    path = write_gtf(tmp_path / "genes.gtf", transcripts)
    for choice, expected in (("all", {"ONE": 2, "TWO": 1}), ("basic", {"ONE": 2}), ("MANE", {"ONE": 1})):
        table = run_genes(folder, tmp_path / f"{choice}.tsv", [SNV], path, transcripts=choice)
        assert dict(zip(table["gene_name"], table["num_transcripts"], strict=True)) == expected


def test_real_pieces_of_hg38(shared_data: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(shared_data / "genes" / "hg38_tss_pieces.tsv", sep="\t")
    pieces = list(zip(rows["gene"], rows["chrom"], rows["tss"], rows["strand"], strict=True))
    path = write_gtf(tmp_path / "genes.gtf", from_starts(pieces))
    found = {(gene.name, gene.contig, gene.strand, tss + 1) for gene in read_genes(path).genes for tss in gene.tss}
    assert found == {(name, contig, strand, tss) for name, contig, tss, strand in pieces}
    near = [piece for piece in pieces if piece[1] == "chr1" and piece[2] <= 1_000_000]
    genome = Genome(str(shared_data / "genome" / "hg38_chr1_1m.fa.gz"))
    index = open_genes(GeneSettings(write_gtf(tmp_path / "chr1.gtf", from_starts(near))), genome)
    genome.close()
    assert index is not None
    assert {gene.contig for gene in index.genes} == {"chr1"}
    assert "SAMD11" in {gene.name for gene in index.genes}
