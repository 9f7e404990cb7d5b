import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pysam
import pytest

from enformer_vep.genome.variant import Variant
from enformer_vep.io.tables import row_writer
from enformer_vep.io.tables.formats import TableSettings, open_table
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tracks.table import unnamed_tracks
from enformer_vep.io.vcf.alleles import VcfAllele

TRACKS = unnamed_tracks("human", 2)
ALLELES = [
    VcfAllele(Variant("chr1", 10, "A", "C"), 0, 1, "rs1"),
    VcfAllele(Variant("chrX", 2_500_000_000, "AC", "A"), 1, 1),
    VcfAllele(Variant("chrX", 2_500_000_001, "AC", "A"), 2, 1),
]
SCORES = np.array([[0.1, -1e-20, 3, 1e30], [1 / 3, 0, -0.25, 7e-4], [1, 2, 3, 4]], np.float32)
VARIANT_COLUMNS = ["chrom", "pos", "id", "ref", "alt", "record", "allele"]
SCORE_COLUMNS = ["SAD:human_0", "SAD:human_1", "SAR:human_0", "SAR:human_1"]


def write(
    out: Path,
    *,
    layout: str = "wide",
    dtype: str = "float32",
    pieces: tuple[int, ...] = (2,),
    num_alleles: int | None = None,
) -> pd.DataFrame:
    """Writes the table in pieces that end at these alleles, and reads it."""
    settings = TableSettings(("SAD", "SAR"), TRACKS, layout, dtype)
    with out.open("wb") as stream, np.errstate(over="ignore"):
        file = open_table(stream, OutputPaths(str(out)), settings, {b"key": b"value"}, num_alleles=num_alleles)
        for start, end in zip((0, *pieces), (*pieces, len(ALLELES)), strict=True):
            file.write(ALLELES[start:end], SCORES[start:end])
        file.close()
    return pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t")


NAMES = ["out.parquet", "out.tsv", "out.tsv.gz"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [1, 2, 10_000])
def test_a_wide_table_holds_every_row_and_exact_float32s(
    name: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", rows)
    found = write(tmp_path / name)
    assert list(found.columns) == VARIANT_COLUMNS + SCORE_COLUMNS
    assert found[VARIANT_COLUMNS].values.tolist() == [
        ["chr1", 10, "rs1", "A", "C", 0, 1],
        ["chrX", 2_500_000_000, ".", "AC", "A", 1, 1],
        ["chrX", 2_500_000_001, ".", "AC", "A", 2, 1],
    ]
    assert np.array_equal(found[SCORE_COLUMNS].to_numpy(np.float32), SCORES)


@pytest.mark.parametrize("layout", ["wide", "list", "long"])
def test_knowing_the_number_of_alleles_changes_no_byte(layout: str, tmp_path: Path) -> None:
    write(tmp_path / "unknown.parquet", layout=layout)
    write(tmp_path / "known.parquet", layout=layout, num_alleles=len(ALLELES))
    assert (tmp_path / "known.parquet").read_bytes() == (tmp_path / "unknown.parquet").read_bytes()
    # A wrong number costs row groups, and no row.
    assert len(write(tmp_path / "wrong.parquet", layout=layout, num_alleles=0)) == len(
        pd.read_parquet(tmp_path / "known.parquet")
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_long_table_has_a_row_for_each_track(name: str, tmp_path: Path) -> None:
    found = write(tmp_path / name, layout="long")
    assert list(found.columns) == [*VARIANT_COLUMNS, "track", "SAD", "SAR"]
    assert list(found["track"]) == ["human_0", "human_1"] * 3
    assert list(found["pos"]) == [10, 10, 2_500_000_000, 2_500_000_000, 2_500_000_001, 2_500_000_001]
    assert np.array_equal(found["SAD"].to_numpy(np.float32), SCORES[:, :2].ravel())
    assert np.array_equal(found["SAR"].to_numpy(np.float32), SCORES[:, 2:].ravel())


def test_a_list_table_has_a_list_for_each_statistic(tmp_path: Path) -> None:
    found = write(tmp_path / "out.parquet", layout="list")
    assert list(found.columns) == [*VARIANT_COLUMNS, "SAD", "SAR"]
    assert np.array_equal(np.stack(found["SAR"]), SCORES[:, 2:])
    assert str(pq.read_schema(tmp_path / "out.parquet").field("SAD").type).startswith("fixed_size_list<")


@pytest.mark.parametrize("name", NAMES)
def test_float16(name: str, tmp_path: Path) -> None:
    found = write(tmp_path / name, dtype="float16")
    with np.errstate(over="ignore"):
        expected = SCORES.astype(np.float16)
    assert np.isinf(expected[0, 3])
    assert np.array_equal(found[SCORE_COLUMNS].to_numpy(np.float16), expected)


@pytest.mark.parametrize("layout", ["wide", "list", "long"])
def test_the_bytes_do_not_depend_on_the_pieces(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 2)
    for name in ("a.parquet", *([] if layout == "list" else ["a.tsv.gz"])):
        contents = set()
        for pieces in ((), (1,), (2,), (1, 2)):
            write(tmp_path / name, layout=layout, pieces=pieces)
            contents.add((tmp_path / name).read_bytes())
        assert len(contents) == 1


def test_row_groups_and_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", 2)
    write(tmp_path / "out.parquet")
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)] == [2, 1]
    assert file.schema_arrow.metadata == pq.read_schema(tmp_path / "out.parquet").metadata == {b"key": b"value"}
    assert file.metadata.metadata[b"key"] == b"value"


def test_text_is_written_with_the_fewest_digits(tmp_path: Path) -> None:
    write(tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text().splitlines()[1] == "chr1\t10\trs1\tA\tC\t0\t1\t0.1\t-1e-20\t3\t1e+30"


def test_tabix_indexes_compressed_text(tmp_path: Path) -> None:
    out = tmp_path / "out.tsv.gz"
    found = write(out)
    assert gzip.decompress(out.read_bytes()).count(b"\n") == 1 + len(found) == 4
    # as tabix -s1 -b2 -e2 -S1; here by CSI, as two positions are beyond what TBI reaches
    pysam.tabix_index(str(out), seq_col=0, start_col=1, end_col=1, line_skip=1, csi=True, min_shift=20)
    with pysam.TabixFile(str(out), index=f"{out}.csi") as index:
        assert index.contigs == ["chr1", "chrX"]
        assert [line.split("\t")[1] for line in index.fetch("chrX", 2_500_000_000)] == ["2500000001"]
        assert [line.split("\t")[2] for line in index.fetch("chr1", 9, 10)] == ["rs1"]


def test_bytes_that_are_no_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.io.tables.test_formats.ALLELES", [VcfAllele(Variant("chr1", 1, "A", "C"), 0, 1, "caf\udce9")]
    )
    monkeypatch.setattr("tests.io.tables.test_formats.SCORES", SCORES[:1])
    with pytest.raises(UnicodeDecodeError):
        write(tmp_path / "out.tsv", pieces=())
    assert b"\tcaf\xe9\t" in (tmp_path / "out.tsv").read_bytes()  # as the VCF had it
    assert list(write(tmp_path / "out.parquet", pieces=())["id"]) == ["caf\ufffd"]  # Parquet holds UTF-8 alone
