"""Contributions of regions: the plain gradient's numbers, corrected or not, in every format."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyBigWig
import pytest
import tensorflow as tf

from enformer_vep.cli import main
from enformer_vep.genome.codes import encode, one_hot
from enformer_vep.genome.layout import ModelInput, Span
from enformer_vep.io.arrays.zarr_folder import whole_zarr
from enformer_vep.model.enformer import Enformer
from enformer_vep.run.explain.contribution_arrays import Contributions
from enformer_vep.run.explain.sequences import ExplainedSequence
from tests.pipeline_runs import GENOME
from tests.support import TINY_CONFIG

MIDDLE = TINY_CONFIG.geometry.variant_offset_bp
REGION = "chr1:3001-3061"
FIRST = 3000
WINDOW = 3030 - MIDDLE
"""Where the window of REGION begins: its middle base, 3,030 counted from 0, stands where a variant does."""


def run(folder: Path, out: Path | str, *words: str) -> int:
    return main(["contributions", *words, "-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", str(out), "-q"])


def letters(contig: str, start: int, length: int = TINY_CONFIG.sequence_length_bp) -> str:
    padded = "N" * 10_000 + GENOME[contig].upper() + "N" * 10_000
    return padded[start + 10_000 : start + 10_000 + length]


def plain_gradient(model: Enformer, sequence: np.ndarray, tracks: list[int], bins: range = range(16)) -> np.ndarray:
    """Of the mean of tracks, summed over bins, through the whole model at once: float32 [L, 4]."""
    x = tf.constant(sequence[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(x)
        predicted = tf.gather(model(x)["human"][0, bins.start : bins.stop], tracks, axis=1)
        value = tf.reduce_sum(predicted) / len(tracks)
    return tape.gradient(value, x)[0].numpy()


def expected(model: Enformer, tracks: list[int], bins: range = range(16)) -> tuple[np.ndarray, np.ndarray]:
    """The one_hot of REGION and its uncorrected gradients."""
    sequence = one_hot(encode(letters("chr1", WINDOW)))
    place = slice(FIRST - WINDOW, FIRST - WINDOW + 61)
    return sequence[place], plain_gradient(model, sequence, tracks, bins)[place]


def close(values: np.ndarray, wanted: np.ndarray) -> None:
    assert values.shape == wanted.shape
    np.testing.assert_allclose(values, wanted, atol=3e-5 * np.nanmax(np.abs(wanted)))


def test_the_table_has_corrected_gradients(folder: Path, tmp_path: Path, model: Enformer) -> None:
    assert run(folder, tmp_path / "out.parquet", REGION, "--tracks", "3,0") == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert len(table) == 2 * 61
    for number, rows in table.groupby("scalar", observed=True, sort=False):
        sequence, gradient = expected(model, [int(number[-1])])
        centred = gradient - gradient.mean(axis=1, keepdims=True)
        close(rows[[f"hypothetical:{letter}" for letter in "ACGT"]].to_numpy(), centred)
        close(rows["contribution"].to_numpy(), (centred * sequence).sum(axis=1))
        effects = gradient - (gradient * sequence).sum(axis=1, keepdims=True)
        close(rows[[f"effect:{letter}" for letter in "ACGT"]].to_numpy(), effects)
        assert "".join(rows["base"]) == letters("chr1", FIRST, 61)
        assert list(rows["pos"]) == list(range(FIRST + 1, FIRST + 62))
    assert list(table["scalar"].unique()) == ["human_3", "human_0"]
    assert set(table["chrom"]) == {"chr1"}
    assert set(table["sequence"]) == {REGION}
    assert set(table["allele"]) == {""}

    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[b"enformer_vep.tracks"])["identifier"] == ["human_3", "human_0"]
    record, course = (json.loads(text) for text in (metadata[b"enformer_vep.run"], _record(tmp_path, "out.parquet")))
    assert record.items() <= course.items()
    assert (record["kind"], record["scalars"]) == ("contributions", ["human_3", "human_0"])
    assert record["sequences"].items() >= {"num_sequences": 1, "num_bases": 61}.items()
    assert (record["is_corrected"], course["num_gradients"], "integrated" in record) == (True, 2, False)


def _record(folder: Path, name: str) -> str:
    return (folder / f"{name}.run.json").read_text()


def test_the_notebooks_form_over_some_bins(folder: Path, tmp_path: Path, model: Enformer) -> None:
    bins = range(7, 10)
    start = WINDOW + (4 + 7) * 128  # the crop leaves out 4 bins
    words = ["--bins", f"chr1:{start + 1}-{start + 3 * 128}", "--mean-by", "all", "--uncorrected"]
    assert run(folder, tmp_path / "out.npz", REGION, *words, "--modisco", str(tmp_path / "modisco")) == 0
    sequence, gradient = expected(model, list(range(5)), bins)
    arrays = np.load(tmp_path / "out.npz")
    assert list(arrays["scalar"]) == ["mean_all"]
    close(arrays["hypothetical"], gradient[np.newaxis, np.newaxis])
    assert np.array_equal(arrays["one_hot"], sequence[np.newaxis])
    assert list(arrays["letters"]) == [letters("chr1", FIRST, 61)]
    window = one_hot(encode(letters("chr1", WINDOW)))
    close(arrays["value"], model(window[np.newaxis])["human"].numpy()[:, 7:10].mean(axis=2).sum(keepdims=True)[:, :1])
    assert np.array_equal(np.load(tmp_path / "modisco.ohe.npz")["arr_0"], arrays["one_hot"].transpose(0, 2, 1))
    scores = np.load(tmp_path / "modisco.hypothetical.npz")["arr_0"]
    assert np.array_equal(scores, arrays["hypothetical"][0].transpose(0, 2, 1))
    assert json.loads(str(arrays["run"]))["is_corrected"] is False


def test_means_of_groups(folder: Path, tmp_path: Path, model: Enformer) -> None:
    descriptions = ["DNASE:a", "CHIP:H3K4me3:a", "CHIP:CTCF:a", "CAGE:a", "DNASE:b"]
    table = pd.DataFrame({"index": range(5), "identifier": list("abcde"), "description": descriptions})
    table.to_csv(tmp_path / "tracks.txt", sep="\t", index=False)
    words = [REGION, "--mean-by", "group", "--track-table", str(tmp_path / "tracks.txt"), "--uncorrected"]
    assert run(folder, tmp_path / "out.npz", *words) == 0
    arrays = np.load(tmp_path / "out.npz")
    assert list(arrays["scalar"]) == ["mean_DNASE", "mean_CHIP_HISTONE", "mean_CHIP_TF", "mean_CAGE"]
    for scalar, tracks in enumerate(([0, 4], [1], [2], [3])):
        close(arrays["hypothetical"][scalar, 0], expected(model, tracks)[1])


@pytest.mark.slow
def test_the_mean_of_both_strands(folder: Path, tmp_path: Path, model: Enformer) -> None:
    assert run(folder, tmp_path / "out.npz", REGION, "--tracks", "2", "--uncorrected", "--reverse-complement") == 0
    mirrored = one_hot(encode(letters("chr1", WINDOW)))[::-1, ::-1]
    other = plain_gradient(model, np.ascontiguousarray(mirrored), [2])[::-1, ::-1]
    place = slice(FIRST - WINDOW, FIRST - WINDOW + 61)
    close(np.load(tmp_path / "out.npz")["hypothetical"][0, 0], (expected(model, [2])[1] + other[place]) / 2)


def test_integrated_gradients_are_the_mean_along_the_path(folder: Path, tmp_path: Path, model: Enformer) -> None:
    assert run(folder, tmp_path / "out.npz", REGION, "--tracks", "2", "--uncorrected", "--steps", "3") == 0
    sequence = one_hot(encode(letters("chr1", WINDOW)))
    gradient = np.mean([plain_gradient(model, np.float32(at) * sequence, [2]) for at in (1 / 6, 0.5, 5 / 6)], axis=0)
    arrays = np.load(tmp_path / "out.npz")
    close(arrays["hypothetical"][0, 0], gradient[FIRST - WINDOW : FIRST - WINDOW + 61])
    ends = [float(model(x[np.newaxis])["human"].numpy()[..., 2].sum()) for x in (sequence, 0 * sequence)]
    assert [arrays["value"][0, 0], arrays["baseline"][0, 0]] == pytest.approx(ends, rel=1e-5)
    course = json.loads(_record(tmp_path, "out.npz"))
    error = abs((gradient * sequence).sum() - (ends[0] - ends[1])) / abs(ends[0] - ends[1])
    assert course["largest_completeness_error"] == pytest.approx(error, rel=0.01)
    assert course["integrated"]["steps"] == course["num_gradients"] == 3


def test_bigwig_files_have_the_bases_of_the_contig(folder: Path, tmp_path: Path) -> None:
    bed = tmp_path / "some.bed"
    bed.write_text("chr2\t0\t30\nchr1\t3000\t3061\nchr2\t600\t650\n")
    words = [str(bed), "--tracks", "3", "--width", "61", "--modisco", str(tmp_path / "modisco")]
    assert run(folder, tmp_path / "out", *words) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"human_3.bw", "tracks.tsv", "run.json"}
    one_hots = np.load(tmp_path / "modisco.ohe.npz")["arr_0"]  # [sequences, 4, bases]
    contributions = (np.load(tmp_path / "modisco.hypothetical.npz")["arr_0"] * one_hots).sum(axis=1)
    with pyBigWig.open(str(tmp_path / "out" / "human_3.bw")) as file:
        assert file.chroms() == {name: len(sequence) for name, sequence in GENOME.items()}
        np.testing.assert_array_equal(file.values("chr1", 3000, 3061), contributions[1])
        # The middle of 0-30 is base 14, so that its 61 bases begin 16 before the contig.
        np.testing.assert_array_equal(file.values("chr2", 0, 45), contributions[0, 16:])
        assert np.isnan(file.values("chr2", 45, 594)).all()
        np.testing.assert_array_equal(file.values("chr2", 594, 655), contributions[2])
    assert not one_hots[0, :, :16].any()


def test_a_store_has_the_same_arrays(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    layout = ModelInput((Span("chr1", 95, 125),))
    sequences = [ExplainedSequence(f"chr1:{at}", "", "chr1", layout, range(at, at + 4), np.ones(2)) for at in (3, 9)]
    codes = [np.array([0, 3, 4, 2], np.uint8), np.array([1, 1, 0, 2], np.uint8)]
    hypothetical = np.arange(3 * 8 * 4, dtype=np.float32).reshape(3, 8, 4)
    positions = [sequence.positions(120) for sequence in sequences]
    assert [list(of_sequence) for of_sequence in positions] == [[99, 100, 101, 102], [105, 106, 107, 108]]
    values, scalars = np.arange(6.0).reshape(3, 2), ["a", "b", "c"]
    contributions = Contributions(sequences, codes, positions, scalars, hypothetical, values, values / 2)
    arrays = contributions.arrays()
    with whole_zarr(tmp_path / "out.zarr", {"kind": "contributions"}) as made:
        for name, array in arrays.items():
            made.add(name, array)
    store = zarr.open_group(tmp_path / "out.zarr", mode="r")
    assert {name: store[name][...].tolist() for name in arrays} == {name: a.tolist() for name, a in arrays.items()}
    assert arrays["hypothetical"].shape == (3, 2, 4, 4)
    assert arrays["hypothetical"][1, 1, 2, 3] == hypothetical[1, 6, 3]
    assert list(arrays["letters"]) == ["ATNG", "CCAG"]
    assert arrays["one_hot"][0].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]
