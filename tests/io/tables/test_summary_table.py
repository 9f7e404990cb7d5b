from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.genome.variant import Variant
from enformer_vep.io.tables import row_writer
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.summary_table import TrackGroups, open_summary, summary_types
from enformer_vep.io.vcf.alleles import VcfAllele
from tests.support import named_tracks

DESCRIPTIONS = ["DNASE:lung", "CAGE:K562", "CHIP:CTCF:liver", "CAGE:HepG2", "CHIP:H3K4me3:liver", "CAGE:brain"]
TRACKS = named_tracks({f"T{i}": description for i, description in enumerate(DESCRIPTIONS)})
SETTINGS = TableSettings(("SAD", "SAR"), TRACKS)
ALLELES = [VcfAllele(Variant("chr1", 10 + i, "A", "C"), i, 1, f"rs{i}") for i in range(3)]
SCORES = np.array(
    [
        # SAD of tracks 0 to 5, then SAR.
        [1, 3, 5, -4, 0, 2, 0, 0, 0, 0, 0, 0],  # CAGE: 3, -4, 2: strongest -4 (T3), norm sqrt(29), one is negative
        [-1, 2, 5, -2, 0.5, 2, 1, 1, 1, 1, 1, 1],  # CAGE: 2, -2, 2: the first of three equals is T1, two are positive
        [0.1, 0, 0, 0, 1e-30, 1e30, 1, 2, 3, 4, 5, 6],
    ],
    np.float32,
)
GROUPS = ["DNASE", "CHIP:HISTONE", "CHIP:TF", "CAGE"]
COLUMNS = [
    f"{statistic}:{group}:{field}"
    for statistic in ("SAD", "SAR")
    for group in GROUPS
    for field in ("track", "description", "score", "norm", "num_agree")
]


def write(out: Path, pieces: tuple[int, ...] = (2,)) -> pd.DataFrame:
    with out.open("wb") as stream:
        file = open_summary(stream, SETTINGS, like=OutputPaths(str(out)), metadata={b"key": b"value"})
        for start, end in zip((0, *pieces), (*pieces, len(ALLELES)), strict=True):
            file.write(ALLELES[start:end], SCORES[start:end])
        file.close()
    return pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t")


@pytest.mark.parametrize("name", ["out.parquet", "out.tsv", "out.tsv.gz"])
def test_a_row_has_the_strongest_track_of_each_group(name: str, tmp_path: Path) -> None:
    found = write(tmp_path / name)
    assert list(found.columns) == ["chrom", "pos", "id", "ref", "alt", "record", "allele", *COLUMNS]
    assert found["id"].tolist() == ["rs0", "rs1", "rs2"]
    cage = found[[column for column in COLUMNS if column.startswith("SAD:CAGE:")]].values.tolist()
    assert cage[0] == ["T3", "CAGE:HepG2", -4, pytest.approx(29**0.5), 1]
    assert cage[1] == ["T1", "CAGE:K562", 2, pytest.approx(12**0.5), 2]
    assert cage[2] == ["T5", "CAGE:brain", pytest.approx(1e30), pytest.approx(1e30), 1]
    assert found["SAD:CHIP:HISTONE:track"].tolist() == ["T4"] * 3
    # Where nothing changes, the first track stands for the group, and all of them agree in being 0.
    assert found.loc[0, ["SAR:CAGE:track", "SAR:CAGE:score", "SAR:CAGE:norm", "SAR:CAGE:num_agree"]].tolist() == [
        "T1",
        0,
        0,
        3,
    ]


@pytest.mark.parametrize("rows", [1, 2, 10_000])
def test_the_bytes_of_parquet_do_not_depend_on_the_parts(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writer, "ROW_GROUP_ROWS", rows)
    write(tmp_path / "a.parquet", pieces=(2,))
    write(tmp_path / "b.parquet", pieces=(1, 2))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == -(-3 // rows)
    assert pq.read_schema(tmp_path / "a.parquet").metadata[b"key"] == b"value"


def test_parquet_has_numbers_as_numbers(tmp_path: Path) -> None:
    found = write(tmp_path / "out.parquet").dtypes
    assert found["SAD:CAGE:score"] == np.float32
    assert found["SAD:CAGE:num_agree"] == np.int32


PERCENTILES = np.tile(np.float32([[0.1, -0.2, 0.3, -0.4, np.nan, 0.4]]), (3, 2))


@pytest.mark.parametrize("name", ["out.parquet", "out.tsv"])
def test_percentiles_of_the_strongest_track_and_the_largest_of_the_group(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    with out.open("wb") as stream:
        file = open_summary(stream, replace(SETTINGS, has_percentiles=True), like=OutputPaths(str(out)))
        file.write(ALLELES, SCORES, PERCENTILES)
        file.close()
    found = pd.read_parquet(out) if out.suffix == ".parquet" else pd.read_csv(out, sep="\t")
    fields = ["num_agree", "percentile", "largest_percentile", "largest_percentile_track"]
    columns = [f"SAD:CAGE:{field}" for field in fields]
    assert list(found.columns)[list(found.columns).index(columns[0]) :][:4] == columns
    # CAGE is T1, T3 and T5; the strongest are T3, T1 and T5, and the first of two equal percentiles is T3's.
    assert found["SAD:CAGE:percentile"].tolist() == pytest.approx([-0.4, -0.2, 0.4])
    assert found["SAD:CAGE:largest_percentile"].tolist() == pytest.approx([-0.4] * 3)
    assert found["SAD:CAGE:largest_percentile_track"].tolist() == ["T3"] * 3
    assert found["SAR:CHIP:HISTONE:largest_percentile"].isna().all()


@settings(max_examples=50)
@given(st.data())
def test_groups_agree_with_a_plain_loop(data: st.DataObject) -> None:
    num_tracks = data.draw(st.integers(1, 8))
    labels = data.draw(st.lists(st.sampled_from(["DNASE", "CAGE", "OTHER"]), min_size=num_tracks, max_size=num_tracks))
    number = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
    rows = data.draw(st.lists(st.lists(number, min_size=2 * num_tracks, max_size=2 * num_tracks), max_size=3))
    scores = np.array(rows, np.float32).reshape(len(rows), 2 * num_tracks)
    found = list(TrackGroups.of(labels).strongest(scores))
    assert len(found) == 2 * len(set(labels))
    for statistic, group, strongest in found:
        members = [i for i, label in enumerate(labels) if label == group]
        for row in range(len(rows)):
            values = {i: rows[row][statistic * num_tracks + i] for i in members}
            best = max(members, key=lambda i, values=values: (abs(values[i]), -i))
            assert strongest.track[row] == best
            assert strongest.score[row] == values[best]
            assert strongest.norm[row] == pytest.approx(sum(x * x for x in values.values()) ** 0.5)
            assert strongest.num_agree[row] == sum(np.sign(x) == np.sign(values[best]) for x in values.values())


def test_columns_of_tracks_without_descriptions_are_of_one_group() -> None:
    found = summary_types(TableSettings(("SAD",), named_tracks({"human_0": ""})))
    assert list(found) == [f"SAD:OTHER:{field}" for field in ("track", "description", "score", "norm", "num_agree")]
