"""Scores as INFO of their VCF: the numbers of the tables, in every form of them, and nothing else changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pysam
import pytest

from enformer_vep.cli import main
from enformer_vep.io.tables.score_rows import ScoreRows
from enformer_vep.io.tables.summary_table import TrackGroups
from enformer_vep.run.annotate import course as annotate
from enformer_vep.run.identities import SelectionIdentity
from enformer_vep.run.score_table import ScoreTable
from tests.scored_vcfs import TRACKS, read_alleles, score

VCF = (
    b"##fileformat=VCFv4.2\n"
    b'##FILTER=<ID=low,Description="a, b">\n'
    b'##INFO=<ID=AF,Number=A,Type=Float,Description="a">\n'
    b'##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    b"##contig=<ID=chr1,length=1000000>\n##contig=<ID=chr2,length=1000>\n"
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts 1\ts\xc3\xa92\n"
    b"chr1\t100\trs1;x|y\tA\tC\t5.0\tPASS\tAF=0.5\tGT\t0/1\t./.\n"
    b"chr1\t150\t.\ta\tC,<DEL>,ACG,*\t.\t.\t.\tGT\t0|2\t3/4\n"
    b"chr1\t150\t.\tA\t.\t.\t.\tAF=.\tGT\t0\t0\n"
    b"chr1\t200\t.\tACC\tT\t1e3\tlow\tAF=0.1;DB;XX=%3B;\tGT\t0/0\t1\n"
    b"chr2\t1\t.\tN\t<NON_REF>\t.\t.\tAF=1\tGT\t0/0\t1\n"
    b"chr2\t7\tlast\tG\tT\t.\t.\tDB\tGT\t0/0\t1\n"
)

GROUPS = ["DNASE", "CHIP_HISTONE", "CAGE"]


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    path = tmp_path / "input.vcf"
    path.write_bytes(VCF)
    return str(path)


def run(vcf: str, scores: Path, out: Path, *more: str, code: int = 0) -> Path:
    assert main(["annotate", vcf, str(scores), "-o", str(out), *more]) == code
    return out


def entries(path: Path, key: str = "ENFORMER") -> list[list[Any]]:
    """The values of each record, as pysam reads them."""
    with pysam.VariantFile(str(path)) as file:
        return [list(record.info.get(key, ())) for record in file]


def expected(scores: Path, statistic: str, *, has_percentiles: bool, genes: bool) -> dict[tuple[int, int], list[str]]:
    """What the entries of scored alleles must say, made of the scores by the definition."""
    table = ScoreTable.find(str(scores))
    rows = ScoreRows(table.paths, table.settings, (statistic,), range(len(TRACKS.identifiers)))
    found = {}
    for fields, values in rows.read(("record", "allele"), 1000):
        for record, allele, row in zip(fields["record"].to_pylist(), fields["allele"].to_pylist(), values, strict=True):
            texts = ["scored"]
            texts.append(("", "ABC", "a b;c=d|é", "a b;c=d|é")[record % 4] if genes else "")  # gene 2 scores twice
            for members in TrackGroups.of(TRACKS.groups).members.values():
                best = max(members, key=lambda track: abs(row[track]))
                of_score = np.float32(row[best])
                percentile = str(of_score / np.float32(1000)) if has_percentiles and abs(of_score) > 1 else ""
                texts += [TRACKS.identifiers[best], str(of_score), percentile]
            found[record, allele] = [*texts, ""]
    return found


def same(entry: str, texts: Sequence[str]) -> bool:
    """Compares an entry with what it must say; numbers as float32s, which they are to the last bit."""
    found = [unquote(text) for text in entry.split("|")]
    numbers = [text.endswith(("_SCORE", "_PERCENTILE")) for text in ("", "", *annotate.subfields(GROUPS)[2:])]
    return len(found) == len(texts) and all(
        (a == b) if not (number and b) else np.float32(a) == np.float32(b)
        for a, b, number in zip(found, texts, numbers, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "layout", "summary", "genes", "has_percentiles"),
    [
        ("s.parquet", "wide", "none", None, False),
        ("s.parquet", "wide", "none", "tracks", True),
        ("s.parquet", "list", "none", "summary", True),
        ("s.parquet", "list", "none", None, False),
        ("s.parquet", "long", "beside", "tracks", False),
        ("s.parquet", "long", "none", None, True),
        ("s.tsv", "wide", "none", "summary", False),
        ("s.tsv", "wide", "beside", "tracks", True),
        ("s.tsv", "long", "none", None, True),
        ("s.tsv.gz", "wide", "none", "tracks", False),
        ("s.tsv.gz", "long", "none", "summary", True),
    ],
)
def test_entries_are_the_strongest_of_the_scores(
    vcf: str, tmp_path: Path, name: str, layout: str, summary: str, genes: str | None, has_percentiles: bool
) -> None:
    scores = score(
        vcf, tmp_path / name, layout=layout, summary=summary, gene_columns=genes, has_percentiles=has_percentiles
    )
    out = run(vcf, scores, tmp_path / "out.vcf.gz", "--stat", "SAR", "-q")
    wanted = expected(scores, "SAR", has_percentiles=has_percentiles, genes=genes is not None)
    reasons = {(each.allele.record, each.allele.allele): each.reason.value for each in read_alleles(vcf)[1]}
    found = entries(out)
    assert found[2] == []  # no ALT
    for record, values in enumerate(found):
        for allele, entry in enumerate(values, start=1):
            reason = reasons.get((record, allele))
            assert same(entry, wanted[record, allele]) if reason is None else entry == reason + "|" * 11
    assert [len(values) for values in found] == [1, 4, 0, 1, 1, 1]
    assert reasons == {(1, 2): "symbolic_alt", (1, 4): "spanning_deletion", (2, 1): "no_alt", (4, 1): "symbolic_alt"}


@pytest.mark.parametrize("name", ["s.parquet", "s.tsv", "s.tsv.gz"])
def test_a_summary_alone_will_do(vcf: str, tmp_path: Path, name: str) -> None:
    options: dict[str, Any] = {"gene_columns": "summary", "has_percentiles": True}
    (tmp_path / "all").mkdir()
    whole = run(vcf, score(vcf, tmp_path / "all" / name, **options), tmp_path / "all.vcf", "-q")
    alone = run(vcf, score(vcf, tmp_path / name, summary="only", **options), tmp_path / "alone.vcf", "-q")
    assert entries(alone) == entries(whole)


def test_every_other_byte_stays_as_it_is(vcf: str, tmp_path: Path) -> None:
    out = run(vcf, score(vcf, tmp_path / "s.parquet"), tmp_path / "out.vcf", "--info", "ENC1,assay:CAGE", "-q")
    added = [line for line in out.read_bytes().splitlines(keepends=True) if line not in VCF.splitlines(keepends=True)]
    header = [line for line in added if line.startswith(b"#")]
    assert len(header) == 5
    records = [line for line in added if not line.startswith(b"#")]
    bare = out.read_bytes()
    for line in header:
        bare = bare.replace(line, b"")
    for line in records:
        info = line.split(b"\t")[7]
        kept = [entry for entry in info.split(b";") if not entry.startswith(b"ENFORMER")]
        bare = bare.replace(info, b";".join(kept) or b".")
    assert bare == VCF.replace(b"XX=%3B;\t", b"XX=%3B\t")  # a ';' at the end now separates


def test_fields_of_tracks_have_the_scores(vcf: str, tmp_path: Path) -> None:
    scores = score(vcf, tmp_path / "s.parquet", summary="beside", has_percentiles=True)
    out = run(vcf, scores, tmp_path / "out.vcf.gz", "--info", "CNhs1,ENC1,/quoted/", "--stat", "SAR", "-q")
    table = pd.read_parquet(scores).set_index(["record", "allele"])
    with pysam.VariantFile(str(out)) as file:
        keys = [key for key in file.header.info if key.startswith("ENFORMER_")]
        described = [file.header.info[key].description for key in keys]
    assert keys == ["ENFORMER_SAR_CNhs1", "ENFORMER_SAR_ENC1", "ENFORMER_SAR_ENC_4_____"]
    assert '\\"quoted\\" c=d, é \\\\ 100%' in described[2]
    for key, track in zip(keys, ("CNhs1", "ENC1", "ENC|4;=, é"), strict=True):
        for record, values in enumerate(entries(out, key)):
            for allele, value in enumerate(values, start=1):
                if (record, allele) in table.index:
                    assert np.float32(value) == table.loc[(record, allele), f"SAR:{track}"]
                else:
                    assert value is None
    assert [len(values) for values in entries(out, keys[0])] == [1, 4, 0, 1, 0, 1]


def test_earlier_annotations_are_replaced(vcf: str, tmp_path: Path) -> None:
    first = run(vcf, score(vcf, tmp_path / "1.parquet"), tmp_path / "1.vcf", "--info", "0-4", "-q")
    first.write_bytes(first.read_bytes().replace(b"DB;", b"DB;ENFORMER=old;ENFORMERX=mine;"))
    again = score(str(first), tmp_path / "2.parquet", statistics=("SAR",))
    second = run(str(first), again, tmp_path / "2.vcf", "--info", "ENC1", "-q")
    text = second.read_text()
    assert text.count("##INFO=<ID=ENFORMER,") == text.count("##enformer_vep=<") == 1
    assert "ENFORMER_SAD" not in text
    assert [line.count("ENFORMER=") for line in text.splitlines() if line[0] != "#"] == [1, 1, 0, 1, 1, 1]
    assert "ENFORMERX=mine" in text
    third = run(str(second), score(str(second), tmp_path / "3.parquet", statistics=("SAR",)), tmp_path / "3.vcf", "-q")
    assert "ENFORMER_" not in third.read_text()


def test_percentiles_beside_float16_are_not_rounded(vcf: str, tmp_path: Path) -> None:
    scores = score(vcf, tmp_path / "s.tsv", dtype="float16", has_percentiles=True)
    out = run(vcf, scores, tmp_path / "out.vcf", "-q")
    table = pd.read_csv(scores, sep="\t", dtype=str)
    texts = [dict(zip(annotate.subfields(GROUPS), each[0].split("|"), strict=True)) for each in entries(out) if each]
    for text, (_, row) in zip([texts[0], texts[-1]], table.iloc[[0, -1]].iterrows(), strict=True):
        track = text["CHIP_HISTONE_TRACK"]
        assert np.float32(text["CHIP_HISTONE_PERCENTILE"]) == np.float32(row[f"SAD_percentile:{track}"])
        assert np.float32(text["CHIP_HISTONE_SCORE"]) == np.float32(np.float16(row[f"SAD:{track}"]))


def test_records_that_were_not_selected_stay_without(vcf: str, tmp_path: Path) -> None:
    selection = SelectionIdentity(1, False, None, "g")
    scores = score(vcf, tmp_path / "s.parquet", left_out=(0, 3), selection=selection)
    out = run(vcf, scores, tmp_path / "out.vcf", "-q")
    assert [len(values) for values in entries(out)] == [0, 4, 0, 0, 1, 1]
    assert out.read_bytes().splitlines()[-6] == VCF.splitlines()[-6]
