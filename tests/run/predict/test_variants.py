"""Predicted tracks of both alleles: the full engine's numbers on every bin, and every allele in the list."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enformer_vep.model.enformer import Enformer
from tests.pipeline_runs import GENOME, SCORED, SKIPPED, reference
from tests.run.predict.predict_runs import LENGTHS, full, full_windows, predict, read, tolerance
from tests.support import write_vcf

NAMED = {record[2]: record for record in SCORED}
AT_ENDS = [NAMED[name] for name in ("snv", "near_start", "lower_case", "short_contig")]
KINDS = (".ref", ".alt", ".diff")


def first_bin(pos: int) -> int:
    """Where the first of the 16 scored bins of a centred window begins: its first REF base is the last of bin 7."""
    return pos - 8 * 128


def changed(contig: str, pos: int, ref: str, alt: str) -> dict[str, str]:
    sequence = GENOME[contig]
    return {contig: sequence[: pos - 1] + alt + sequence[pos - 1 + len(ref) :]}


def both(model: Enformer, contig: str, pos: int, ref: str, alt: str) -> tuple[np.ndarray, np.ndarray]:
    """The full engine's predictions of the reference and of the altered genome, the left flank in its place."""
    start = first_bin(pos) - 4 * 128
    return full(model, contig, start), full_windows(model, contig, [start], genome=changed(contig, pos, ref, alt))[0]


def kept(contig: str, pos: int) -> tuple[slice, list[tuple[int, int]]]:
    """The bins that overlap the contig, and where they begin and end there."""
    ends = [(first_bin(pos) + 128 * number, first_bin(pos) + 128 * number + 128) for number in range(16)]
    within = [number for number, (start, end) in enumerate(ends) if end > 0 and start < LENGTHS[contig]]
    cut = [(max(0, ends[number][0]), min(LENGTHS[contig], ends[number][1])) for number in within]
    return slice(within[0], within[-1] + 1), cut


def vcf_of(tmp_path: Path, records: Sequence[tuple]) -> str:
    return write_vcf(tmp_path / "in.vcf", [record[:5] for record in records])


def test_every_bin_is_the_full_engines(folder: Path, tmp_path: Path, model: Enformer) -> None:
    vcf, out = vcf_of(tmp_path, AT_ENDS), tmp_path / "out"
    assert predict(folder, out, "--vcf", vcf, "--tracks", "3,0", "--indels", "left") == 0
    listed = pd.read_csv(out / "alleles.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert {path.name for path in out.iterdir()} == {*listed["folder"], "alleles.tsv", "tracks.tsv", "run.json"}
    for (contig, pos, _, ref, alt), row in zip(AT_ENDS, listed.itertuples(), strict=True):
        assert (row.chrom, row.pos, row.ref, row.alt, row.reason) == (contig, str(pos), ref, alt, "")
        assert (int(row.start), int(row.end)) == (first_bin(pos), first_bin(pos) + 2048)
        bins, ends = kept(contig, pos)
        of_reference, of_alternate = both(model, contig, pos, ref, alt)
        wanted = dict(zip(KINDS, (of_reference, of_alternate, of_alternate - of_reference), strict=True))
        assert len(list((out / row.folder).iterdir())) == 6
        for kind, values in wanted.items():
            for track in (3, 0):
                lines = read(out / row.folder, track, contig, kind)
                assert [line[:2] for line in lines] == ends
                allowed = tolerance(of_reference, of_alternate)
                np.testing.assert_allclose([line[2] for line in lines], values[bins, track], **allowed)
        assert np.abs(wanted[".diff"]).max() > 0
    # chr1:60 reaches beyond the contig's start, and the first bin there is cut; the window of chr2 beyond both ends.
    assert kept("chr1", 60)[1][0] == (0, 60)
    assert kept("chr2", 350)[1][0] == (0, 94)
    assert kept("chr2", 350)[1][-1] == (606, 700)
    run = json.loads((out / "run.json").read_text())
    assert (run["kind"], run["placement"], run["alleles"]["num_alleles"]) == ("predict", "centred", 4)
    assert run["views"] == {"reverse_complement": False, "shifts": [0], "indels": "left"}
    assert (run["alleles_read"], run["alleles_predicted"], run["skipped_by_reason"]) == (4, 4, {})
    assert run["paths"]["variants"] == vcf


def test_the_table_and_the_store_have_the_same_numbers(folder: Path, tmp_path: Path, model: Enformer) -> None:
    zarr = pytest.importorskip("zarr")
    records = [NAMED["near_start"], SKIPPED[3], NAMED["snv"]]
    vcf, table_path, store_path = vcf_of(tmp_path, records), tmp_path / "out.parquet", tmp_path / "out.zarr"
    assert predict(folder, table_path, "--vcf", vcf) == 0
    assert predict(folder, store_path, "--vcf", vcf) == 0
    table = pd.read_parquet(table_path)
    names = [f"human_{track}" for track in range(5)]
    columns = [f"{kind}:{name}" for kind in ("ref", "alt", "diff") for name in names]
    assert list(table.columns) == ["record", "allele", "chrom", "start", "end", *columns]
    assert json.loads(pq.read_schema(table_path).metadata[b"enformer_vep.run"])["kind"] == "predict"
    store = zarr.open_group(store_path, mode="r")
    for record, (contig, pos, _, ref, alt) in [(0, NAMED["near_start"]), (2, NAMED["snv"])]:
        bins, ends = kept(contig, pos)
        rows = table[table["record"] == record]
        assert list(zip(rows["start"], rows["end"], strict=True)) == ends
        assert set(rows["chrom"]) == {contig}
        assert set(rows["allele"]) == {1}
        of_reference, of_alternate = both(model, contig, pos, ref, alt)
        expected = np.concatenate([of_reference, of_alternate, of_alternate - of_reference], axis=1)[bins]
        np.testing.assert_allclose(rows[columns].to_numpy(), expected, **tolerance(expected))
        arrays = np.concatenate([store[name][record] for name in ("reference", "alternate", "difference")], axis=1)
        np.testing.assert_array_equal(arrays[bins], rows[columns].to_numpy())
        outside = np.delete(arrays, np.r_[bins], axis=0)
        assert np.isnan(outside).all()
        assert (store["contig"][record], store["start"][record]) == (contig, first_bin(pos))
    assert set(table["record"]) == {0, 2}
    assert np.isnan(store["reference"][1]).all()
    assert store["reason"][:].tolist() == ["", "contig_not_in_fasta", ""]
    assert store["chrom"][:].tolist() == ["chr1", "chr3", "chr1"]
    assert store["pos"][:].tolist() == [60, 3000, 3000]
    assert store["identifier"][:].tolist() == names
    assert store.attrs["run"]["alleles_skipped"] == 1
    listed = pd.read_csv(tmp_path / "out.parquet.alleles.tsv", sep="\t", keep_default_na=False)
    assert list(listed["reason"]) == ["", "contig_not_in_fasta", ""]


@pytest.mark.parametrize("indels", ["average", "stitch"])
def test_alleles_that_change_the_length(folder: Path, tmp_path: Path, model: Enformer, indels: str) -> None:
    contig, pos, ref, alt = "chr1", 3000, reference("chr1", 3000), reference("chr1", 3000) + "ACGTACGTAC"
    words = ["--vcf", f"{contig}:{pos}:{ref}:{alt}", "--indels", indels]
    assert predict(folder, tmp_path / "out.parquet", *words) == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    start = first_bin(pos) - 4 * 128
    of_reference = full(model, contig, start)
    # With the right flank in its place, the altered window begins 10 bp further right in the altered genome.
    altered = changed(contig, pos, ref, alt)
    left, right = full_windows(model, contig, [start, start + 10], genome=altered)
    is_left = (np.arange(16) < 7)[:, None]  # the inserted bases follow the last base of bin 7
    alternate = (left + right) / 2 if indels == "average" else np.where(is_left, left, right)
    expected = np.concatenate([of_reference, alternate, alternate - of_reference], axis=1)
    np.testing.assert_allclose(table.iloc[:, 5:].to_numpy(), expected, **tolerance(expected))


@pytest.mark.slow
def test_strands_shifts_and_placement(folder: Path, tmp_path: Path, model: Enformer) -> None:
    contig, pos, _, ref, alt = NAMED["snv"]
    views = ["--reverse-complement", "--shifts", "0,5", "--window", "grid"]
    assert predict(folder, tmp_path / "out.parquet", "--vcf", f"{contig}:{pos}:{ref}:{alt}", *views) == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    first = first_bin(pos) // 128 * 128
    assert list(table["start"]) == [first + 128 * number for number in range(16)]
    means = []
    for genome in (GENOME, changed(contig, pos, ref, alt)):
        starts = [first - 512, first - 512 - 5]
        forward = full_windows(model, contig, starts, genome=genome)
        mirrored = full_windows(model, contig, starts, genome=genome, strand="-")
        means.append(np.mean([*forward, *(values[::-1] for values in mirrored)], axis=0))
    expected = np.concatenate([*means, means[1] - means[0]], axis=1)
    np.testing.assert_allclose(table.iloc[:, 5:].to_numpy(), expected, **tolerance(expected))


def test_every_allele_is_listed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    ref = reference("chr1", 3000)
    one, two = sorted(set("ACGT") - {ref})[:2]
    vcf = tmp_path / "in.vcf"
    lines = [
        f"chr1\t3000\trs1\t{ref}\t{one},{two},*",
        "chr1\tx\t.\tA\tC",
        f"1\t3000\trs2\t{ref}\t{one}",
        f"1\t3000\trs3\t{ref}\t{one}",
        f"chr1\t3000\trs4\t{ref}\t{ref}{'A' * 30}",
        f"chr1\t3000\trs5\t{ref}\t{ref}{'A' * 29}C",
        *("\t".join(map(str, record[:5])) for record in SKIPPED),
    ]
    vcf.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n" + "\n".join(lines) + "\n")
    assert predict(folder, tmp_path / "out", "--vcf", str(vcf), "--tracks", "0") == 0
    listed = pd.read_csv(tmp_path / "out" / "alleles.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert list(zip(listed["record"], listed["allele"], strict=True)) == [
        ("0", "1"),
        ("0", "2"),
        ("0", "3"),
        *((str(number), "1") for number in range(1, 6 + len(SKIPPED))),
    ]
    reasons = ["", "", "spanning_deletion", "malformed_record", "", "", "", "", *(r[5].value for r in SKIPPED)]
    assert list(listed["reason"]) == reasons
    assert "line 4 is not a VCF record: POS is 'x'" in listed["detail"][3]
    folders = [
        f"chr1_3000_{ref}_{one}",
        f"chr1_3000_{ref}_{two}",
        f"1_3000_{ref}_{one}",
        f"1_3000_{ref}_{one}_2",
        f"chr1_3000_{ref}_{ref}AAAAAAA-31bp",
        f"chr1_3000_{ref}_{ref}AAAAAAA-31bp_2",
    ]
    assert [name for name in listed["folder"] if name] == folders
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == set(folders)
    same = [(tmp_path / "out" / name / "human_0.alt.bw").read_bytes() for name in folders[2:4]]
    assert same[0] == same[1]
    assert capsys.readouterr().err == ""


def test_nothing_can_be_predicted(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    zarr = pytest.importorskip("zarr")
    for out in ("out", "out.parquet", "out.zarr"):
        vcf = vcf_of(tmp_path, [SKIPPED[3], SKIPPED[5]])
        command = ["--vcf", vcf, "--tracks", "0"]
        assert predict(folder, tmp_path / out, *command) == 0
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 0
    assert len(pd.read_csv(tmp_path / "out" / "alleles.tsv", sep="\t")) == 2
    assert zarr.open_group(tmp_path / "out.zarr", mode="r")["reason"][:].tolist() == ["contig_not_in_fasta", "no_alt"]
