"""What an open model does besides scoring, compared with what the command line writes."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import enformer_vep as ev
from enformer_vep.cli import main
from tests.pipeline_runs import SCORED

CHROM, POS, _, REF, ALT = SCORED[0]
VARIANT = f"{CHROM}:{POS}:{REF}:{ALT}"
REGION = "chr1:2900-3300"


def command(name: str, what: str, folder: Path, out: Path, *options: str) -> Path:
    words = [name, what, "-f", str(folder / "genome.fa"), "-m", str(folder / "model"), "-o", str(out), "-q", *options]
    assert main(words) == 0
    return out


def test_predicted_regions_are_those_of_predict(folder: Path, opened: ev.Model, tmp_path: Path) -> None:
    found = opened.predict(REGION, tracks="1-2")
    written = pd.read_parquet(command("predict", REGION, folder, tmp_path / "out.parquet", "--tracks", "1-2"))
    assert found.values.dtype == np.float32
    assert found.tracks["identifier"].tolist() == ["human_1", "human_2"]
    for name in ("start", "end"):
        assert found.bins[name].tolist() == written[name].tolist()
    frame = found.to_frame()
    for track in ("human_1", "human_2"):
        np.testing.assert_array_equal(frame[track], written[track])
    array = found.to_xarray()
    assert array.dims == ("bin", "track")
    np.testing.assert_array_equal(array.sel(track="human_2"), found.values[:, 1])
    with pytest.raises(ev.InputError, match="max_windows"):
        opened.predict("chr1", max_windows=1)
    with pytest.raises(ev.InputError, match="no contig"):
        opened.predict("chr9:1-5")


def test_both_alleles_are_predicted(opened: ev.Model) -> None:
    found = opened.predict_alleles(VARIANT)
    assert found.reference.shape == found.difference.shape == (len(found.bins), 5)
    score = opened.score(VARIANT)["SAD:human_3"][0]
    assert found.difference[:, 3].sum() == pytest.approx(score, rel=1e-4)
    np.testing.assert_array_equal(found.alternate, found.reference + found.difference)
    assert found.to_xarray().sel(allele="reference").shape == found.reference.shape
    with pytest.raises(ev.InputError, match="cannot be predicted"):
        opened.predict_alleles((CHROM, POS, REF, "<DEL>"))
    with pytest.raises(ev.InputError, match="is not a variant"):
        opened.predict_alleles("rs1")


def test_saturated_regions_are_those_of_saturate(folder: Path, opened: ev.Model, tmp_path: Path) -> None:
    region = "chr1:3000-3003"
    found = opened.saturate(region, tracks="0", deletions=2)
    options = ("--tracks", "0", "--deletions", "2")
    written = pd.read_parquet(command("saturate", region, folder, tmp_path / "out.parquet", *options))
    table = found.table.drop(columns=["status", "detail"])
    pd.testing.assert_frame_equal(table, written, check_exact=True)
    matrix = found.matrix("SAD:human_0")
    assert matrix.shape == (4, 4)
    assert list(matrix.columns) == list("ACGT")
    assert ((matrix == 0).sum(axis=1) == 1).all()
    row = table[table["ref"].str.len() == 1].iloc[0]
    assert matrix.loc[(row["chrom"], row["pos"]), row["alt"]] == row["SAD:human_0"]
    with pytest.raises(ev.InputError, match="max_alleles"):
        opened.saturate("chr1", max_alleles=100)
    with pytest.raises(ev.InputError, match="is a prediction"):
        opened.saturate(region, stat="REF")
    with pytest.raises(ev.InputError, match="no column"):
        found.matrix("human_0")


@pytest.mark.parametrize("what", ["chr1:3000-3009", VARIANT])
def test_contributions_are_those_of_the_command(folder: Path, opened: ev.Model, tmp_path: Path, what: str) -> None:
    found = opened.contributions(what, tracks="0-1", width=10)
    options = ("--tracks", "0-1", "--width", "10")
    written = pd.read_parquet(command("contributions", what, folder, tmp_path / "out.parquet", *options))
    assert list(found.table.columns) == list(written.columns)
    for name in ("scalar", "sequence", "allele", "base"):
        assert found.table[name].tolist() == written[name].astype(str).tolist()
    for name in [column for column in written if ":" in column] + ["contribution"]:
        np.testing.assert_array_equal(found.table[name].astype(float), written[name].astype(float))
    assert len(found.values) == 2 * found.table["allele"].nunique()
    with pytest.raises(ev.InputError, match="max_gradients"):
        opened.contributions(what, max_gradients=1)


def test_a_variant_is_drawn_as_a_figure(opened: ev.Model) -> None:
    figure = opened.plot(VARIANT, top=2)
    assert isinstance(figure, Figure)
    assert pickle.loads(pickle.dumps(figure))._repr_png_()[:4] == b"\x89PNG"  # type: ignore[attr-defined]
    assert len(figure.axes) >= 4
    with pytest.raises(ev.InputError, match="cannot be plotted"):
        opened.plot((CHROM, POS, REF, "<DEL>"))


def test_regions_are_texts_or_paths_and_at_least_one(opened: ev.Model, tmp_path: Path) -> None:
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t3000\t3002\n")
    of_file, of_text = opened.predict(bed), opened.predict("chr1:3001-3002")
    np.testing.assert_array_equal(of_file.values, of_text.values)
    assert len(opened.saturate([bed]).table) == 6
    for method in (opened.predict, opened.saturate, opened.contributions):
        with pytest.raises(ev.InputError, match="expected a region"):
            method([])


def test_a_variant_is_explained_however_it_is_given(opened: ev.Model) -> None:
    expected = opened.contributions(VARIANT, tracks=[0], width=5).table
    for variant in (ev.Variant(CHROM, POS, REF, ALT), [(CHROM, POS, REF, ALT)]):
        pd.testing.assert_frame_equal(opened.contributions(variant, tracks=np.int64(0), width=5).table, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.saturate("chr1:3001-3033", max_alleles=100, deletions=10), "384 alleles.*at most 100"),
        (lambda model: model.saturate("chr1:3001-3033", deletions=-1), "deletions is -1: expected a whole number"),
        (lambda model: model.saturate("chr1:3001-3033", deletions=101), "at least 0 and at most 100"),
        (lambda model: model.contributions("chr1:3001-3033", width=0), "width is 0"),
        (lambda model: model.contributions("chr1:3001-3033", steps=-1), "steps is -1: .* at least 0$"),
        (lambda model: model.contributions("chr1:3001-3033", steps=False), "steps is False"),
        (lambda model: model.plot("chr1:3001:A:C", top=500), "top is 500: .* at most 20"),
        (lambda model: model.plot("chr1:3001:A:C", width=1), "width is 1: expected a number from 80 to 1000"),
    ],
)
def test_limits_are_those_of_the_command_line(opened: ev.Model, call: Callable, message: str) -> None:
    with pytest.raises(ev.InputError, match=message):
        call(opened)


def test_a_closed_model_says_so_and_may_be_closed_again(folder: Path) -> None:
    model = ev.open_model(folder / "model", folder / "genome.fa")
    model.close()
    model.close()
    for method in (model.score, model.predict, model.saturate, model.contributions):
        with pytest.raises(ev.InputError, match="the model is closed"):
            method("chr1:3000-3001" if method != model.score else "chr1:3000:A:C")
