"""Every allele of a VCF is scored as the windows that the test lays itself say, or skipped with its reason."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enformer_vep.model.enformer import Enformer
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.settings import InputSettings, OutputSettings, ScoreSettings, ScoringSettings
from tests.pipeline_runs import GENOME, HUMAN, LENGTH, SCORED, SKIPPED, other, reference, run
from tests.support import write_vcf


def one_hot_window(sequence: str, start: int) -> np.ndarray:
    """The window [start, start + LENGTH) of a sequence, N beyond its ends."""
    padded = "N" * LENGTH + sequence.upper() + "N" * 2 * LENGTH
    letters = padded[start + LENGTH : start + 2 * LENGTH]
    return np.array([[letter == base for base in "ACGT"] for letter in letters], np.float32)


def expected_sad(model: Enformer, chrom: str, pos: int, ref: str, alt: str) -> np.ndarray:
    """SAD with windows laid by hand: the same left flank, the alternate's right flank as long as it needs to be."""
    contig = GENOME[{"1": "chr1", "MT": "chrM"}.get(chrom, chrom)]
    start = pos - 1 - (LENGTH // 2 - 1)
    changed = contig[: pos - 1] + alt + contig[pos - 1 + len(ref) :]
    x = model(np.stack([one_hot_window(contig, start), one_hot_window(changed, start)]))["human"].numpy().astype(float)
    return (x[1] - x[0]).sum(0)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_every_kind_of_allele_is_scored_as_its_windows_say(
    folder: Path, model: Enformer, tmp_path: Path, batch_size: int
) -> None:
    table = run(folder, tmp_path / "out.parquet", SCORED, batch_size=batch_size)
    assert list(table["id"]) == [record[2] for record in SCORED]
    assert list(table["record"]) == list(range(len(SCORED)))
    for row, record in zip(table.itertuples(index=False), SCORED, strict=True):
        expected = expected_sad(model, record[0], record[1], record[3], record[4])
        found = np.array(row[7:], float)
        np.testing.assert_allclose(found, expected, atol=2e-3 * max(expected.std(), 1e-3), err_msg=record[2])
    assert not table.loc[table["id"] == "ref_is_alt", HUMAN].to_numpy().any()


def test_every_allele_is_scored_or_skipped_with_its_reason(folder: Path, tmp_path: Path) -> None:
    records = [record for pair in zip(SCORED, SKIPPED, strict=False) for record in pair]
    table = run(folder, tmp_path / "out.tsv", records)
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t", dtype={"chrom": str})
    assert list(table["id"]) == [record[2] for record in SCORED[: len(SKIPPED)]]
    assert list(zip(skipped["id"], skipped["reason"], strict=True)) == [(r[2], r[5].value) for r in SKIPPED]
    assert skipped["detail"].str.len().min() > 10
    assert sorted([*table["record"], *skipped["record"]]) == list(range(len(records)))
    counts = json.loads((tmp_path / "out.tsv.run.json").read_text())["counts"]
    assert counts["alleles_read"] == counts["alleles_scored"] + counts["alleles_skipped"] == len(records)
    assert counts["skipped_by_reason"]["ref_mismatch"] == 1


def test_several_alts_are_several_rows(folder: Path, tmp_path: Path) -> None:
    ref = reference("chr1", 3000)
    table = run(folder, tmp_path / "out.tsv", [("chr1", 3000, ".", ref, f"{other(ref)},*,{ref}GG")])
    assert list(zip(table["record"], table["allele"], table["alt"], strict=True)) == [
        (0, 1, other(ref)),
        (0, 3, f"{ref}GG"),
    ]
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t")
    assert skipped[["record", "allele", "alt"]].values.tolist() == [[0, 2, "*"]]


def test_a_line_that_is_no_record_is_skipped(folder: Path, tmp_path: Path) -> None:
    vcf = Path(write_vcf(tmp_path / "a.vcf", SCORED[:2]))
    vcf.write_text(vcf.read_text() + "chr1\tnine\n")
    score_vcf(
        ScoreSettings(
            InputSettings(str(vcf), str(folder / "genome.fa")),
            ScoringSettings(str(folder / "model")),
            output=OutputSettings(str(tmp_path / "out.tsv")),
        )
    )
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t")
    assert list(skipped["reason"]) == ["malformed_record"]
    assert "line 6" in skipped["detail"][0]
    assert len(pd.read_csv(tmp_path / "out.tsv", sep="\t")) == 2


@pytest.mark.slow
def test_a_list_of_variants_gives_what_the_vcf_gives(folder: Path, tmp_path: Path) -> None:
    expected = run(folder, tmp_path / "vcf.tsv", SCORED[:4])
    (tmp_path / "list.txt").write_text("".join(f"{c}:{pos}:{ref}:{alt}\n" for c, pos, _, ref, alt in SCORED[:4]))
    found = run(folder, tmp_path / "list.tsv", [], vcf=str(tmp_path / "list.txt"))
    assert found.drop(columns="id").equals(expected.drop(columns="id"))
    assert set(found["id"]) == {"."}


def test_selection_is_counted_apart(folder: Path, tmp_path: Path) -> None:
    table = run(folder, tmp_path / "out.tsv", SCORED, regions=("chr1:3000-3100", "chrM"))
    assert list(table["id"]) == ["snv", "same_place", "mnv", "mitochondrial"]
    assert list(table["record"]) == [0, 1, 2, 9]
    counts = json.loads((tmp_path / "out.tsv.run.json").read_text())["counts"]
    assert (counts["records"], counts["records_left_out"]) == (len(SCORED), len(SCORED) - 4)
    assert (counts["alleles_read"], counts["alleles_skipped"]) == (4, 0)


BASES = st.text("ACGTacgtN", min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.tuples(
            st.sampled_from(["chr1", "2", "chrM", "chr9"]),
            st.integers(0, 800),
            st.one_of(BASES, st.none()),  # None: what the FASTA has there
            st.integers(1, 30),
            st.lists(
                st.one_of(BASES, st.sampled_from(["*", "<DEL>", ".", "<NON_REF>", "A[chr2:5["])), min_size=1, max_size=3
            ),
        ),
        max_size=6,
    )
)
def test_any_allele_is_in_the_output_exactly_once(
    records: list[tuple], folder: Path, model: Enformer, tmp_path: Path
) -> None:
    lines = []
    for chrom, pos, ref, num_ref, alts in records:
        contig = GENOME.get({"2": "chr2"}.get(chrom, chrom), "")
        ref = ref or contig[max(pos - 1, 0) : max(pos - 1, 0) + num_ref] or "A"
        lines.append((chrom, pos, ".", ref, ",".join(alts)))
    table = run(folder, tmp_path / "out.tsv", lines, overwrite=True)
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t", keep_default_na=False)
    expected = [(i, a) for i, line in enumerate(lines) for a in range(1, line[4].count(",") + 2)]
    found = [
        *zip(table["record"], table["allele"], strict=True),
        *zip(skipped["record"], skipped["allele"], strict=True),
    ]
    assert sorted(found) == expected
    for row in table.itertuples(index=False):
        sad = expected_sad(model, {"2": "chr2"}.get(row.chrom, row.chrom), row.pos, row.ref, row.alt)
        np.testing.assert_allclose(np.array(row[7:], float), sad, atol=2e-3 * max(sad.std(), 1e-2))
