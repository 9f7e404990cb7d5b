"""What is derived from a saturation: the same from each format, by hand, in the forms that others read."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from enformer_vep.cli import main
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.genome.variant import Interval
from enformer_vep.io.arrays.saturation_arrays import EffectArrays, EffectBlock, open_sink
from enformer_vep.run.score.results import (
    RUN_METADATA,
    SATURATION_METADATA,
    TRACKS_METADATA,
    tracks_to_json,
)
from tests.pipeline_runs import GENOME
from tests.run.explain.saturations import saturate, substitutions
from tests.support import ZARR, named_tracks, needs_zarr

PAGE = Path(__file__).parents[3] / "docs" / "saturate.md"

TRACKS = ["SAD:human_3", "SAD:human_1"]
SUFFIXES = (".parquet", ".npz", ZARR)


@pytest.fixture(scope="module")
def saved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two overlapping regions of 12 bp and one alone, with two N, in every format."""
    made = tmp_path_factory.mktemp("saved")
    regions = ("chr2:401-412", "chr1:54-65", "chr1:49-60")
    assert saturate(folder, made / "raw.parquet", *regions, "--deletions", "1") == 0
    for suffix in (".npz", ".zarr") if find_spec("zarr") else (".npz",):
        assert derive(made / "raw.parquet", "--effects", str(made / f"raw{suffix}")) == 0
    return made


def derive(saturation: Path, *words: str) -> int:
    return main(["derive", str(saturation), *words, "-q"])


def by_hand(saved: Path) -> dict[str, np.ndarray]:
    """The effects of tracks 3 and 1: float32 [bases, 4, 2] by contig."""
    table = pd.read_parquet(saved / "raw.parquet")
    return {
        contig: substitutions(table[table["chrom"] == contig], contig, start, end, TRACKS)
        for contig, start, end in (("chr1", 49, 65), ("chr2", 401, 412))
    }


@needs_zarr
def test_the_examples_of_the_page_read_the_arrays(saved: Path, capsys: pytest.CaptureFixture) -> None:
    examples = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        names = {"peaks.npz": saved / "raw.npz", "peaks.zarr": saved / "raw.zarr", "ENCFF833POA": "human_1"}
        for name, value in names.items():
            example = example.replace(name, str(value))
        exec(example, {})
    strongest, statistic, of_zarr = capsys.readouterr().out.splitlines()
    effects = by_hand(saved)
    largest, contig = max((np.nanmax(np.abs(values[..., 1])), name) for name, values in effects.items())
    assert strongest.startswith(f"{contig} ")
    shown = [abs(float(number)) for number in re.findall(r"-?\d+\.\d+", strongest)]
    assert max(shown) == pytest.approx(largest, rel=1e-4)
    assert statistic == "SAD"
    assert of_zarr == "SAD (29, 4, 5)"


def test_derived_arrays_are_those_of_the_run(folder: Path, saved: Path, tmp_path: Path) -> None:
    assert saturate(folder, tmp_path / "out.npz", "chr2:401-412", "chr1:54-65", "chr1:49-60", "--deletions", "1") == 0
    assert derive(saved / "raw.parquet", "--effects", str(tmp_path / "again.npz")) == 0
    assert (tmp_path / "again.npz").read_bytes() == (saved / "raw.npz").read_bytes()
    with np.load(tmp_path / "out.npz") as made, np.load(saved / "raw.npz") as derived:
        assert made.files == derived.files
        for name in made.files:
            np.testing.assert_array_equal(made[name], derived[name])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("mean_of", [4, 3])
def test_centred_effects_and_importance(saved: Path, tmp_path: Path, suffix: str, mean_of: int) -> None:
    outputs = ("--centred", str(tmp_path / "centred.npz"), "--importance", str(tmp_path / "bw"))
    choice = ("--mean-of", str(mean_of), "--tracks", "human_3,human_1")
    assert derive(saved / f"raw{suffix}", *outputs, *choice) == 0
    effects = np.concatenate(list(by_hand(saved).values()))
    mean = effects.astype(np.float64).sum(axis=1, keepdims=True) / mean_of
    with np.load(tmp_path / "centred.npz") as centred, np.load(saved / "raw.npz") as raw:
        np.testing.assert_array_equal(centred["effects"], (effects - mean).astype(np.float32))
        np.testing.assert_array_equal(centred["deletions"], raw["deletions"][..., [3, 1]])
        assert centred["tracks"].tolist() == ["human_3", "human_1"]
        assert json.loads(str(centred["attributes"]))["mean_of"] == mean_of
    assert {path.name for path in (tmp_path / "bw").iterdir()} == {"human_3.bw", "human_1.bw", "tracks.tsv", "run.json"}
    record = json.loads((tmp_path / "bw" / "run.json").read_text())
    assert (record["mean_of"], record["run"]["saturation"]["num_bases"]) == (mean_of, 29)
    for number, track in enumerate((3, 1)):
        with pyBigWig.open(str(tmp_path / "bw" / f"human_{track}.bw")) as file:
            assert file.chroms() == {name: len(sequence) for name, sequence in GENOME.items()}
            intervals = [*file.intervals("chr1"), *file.intervals("chr2")]
        places = [*range(50, 65), *range(400, 412)]  # 49 and 50 are N
        assert [line[:2] for line in intervals] == [(place, place + 1) for place in places]
        expected = (-mean[2:, 0, number]).astype(np.float32)
        np.testing.assert_array_equal(np.float32([line[2] for line in intervals]), expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_input_of_modisco(saved: Path, tmp_path: Path, suffix: str) -> None:
    assert derive(saved / f"raw{suffix}", "--modisco", str(tmp_path / "of.all"), "--tracks", "human_3,human_1") == 0
    one_hot, scores = (np.load(tmp_path / f"of.all.{name}.npz")["arr_0"] for name in ("ohe", "hypothetical"))
    assert one_hot.shape == scores.shape == (3, 4, 12)
    assert one_hot.dtype == scores.dtype == np.float32
    sequences = [GENOME["chr2"][400:412], GENOME["chr1"][53:65], GENOME["chr1"][48:60]]
    expected = [[[float(base == letter) for base in sequence] for letter in "ACGT"] for sequence in sequences]
    np.testing.assert_array_equal(one_hot, np.array(expected))
    effects = by_hand(saved)
    of_regions = np.stack([effects["chr2"], effects["chr1"][5:17], effects["chr1"][:12]])  # [regions, bp, 4, tracks]
    centred = of_regions - of_regions.mean(axis=2, keepdims=True)
    np.testing.assert_allclose(scores, np.nan_to_num(centred.mean(axis=3)).transpose(0, 2, 1), rtol=1e-4, atol=1e-6)
    assert not scores[2, :, :2].any()  # N
    np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-5)


def write_by_hand(path: Path, sequences: list[str], missing: tuple[int, ...] = ()) -> None:
    """Writes the arrays of spans with one track, whose substitutions are all 1; some bases lack theirs."""
    spans = tuple(Interval("chr1", 100 * place, 100 * place + len(text)) for place, text in enumerate(sequences))
    bases = SaturatedBases({"chr1": 6000}, spans, spans, tuple(f"A{sequence}C" for sequence in sequences))
    tracks = named_tracks({"one": ""})
    metadata = {
        TRACKS_METADATA: tracks_to_json(tracks),
        RUN_METADATA: b'{"head": "human"}',
        SATURATION_METADATA: bases.to_json(),
    }
    effects = np.ones((bases.num_bases, 4, 1), dtype=np.float32)
    effects[np.arange(bases.num_bases), bases.codes] = 0
    effects[list(missing), 3] = np.nan
    with path.open("wb") as stream:
        sink = open_sink(stream, EffectArrays(bases, "SAD", ["one"], metadata))
        sink.put(EffectBlock(0, effects, np.empty((bases.num_bases, 0, 1), dtype=np.float32)))
        sink.close()


def test_modisco_needs_one_length_and_all_effects(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "made.npz"
    write_by_hand(path, ["ACG", "ACGA"])
    assert derive(path, "--modisco", str(tmp_path / "m")) == 2
    assert "TF-MoDISco reads regions of one length, but these have 3 to 4 bp" in capsys.readouterr().err
    write_by_hand(path, ["ACG", "CGA"], missing=(3, 5))
    assert derive(path, "--modisco", str(tmp_path / "m"), "--importance", str(tmp_path / "bw")) == 2
    assert "2 bases lack effects (first: chr1:101)" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"made.npz"}
    assert derive(path, "--importance", str(tmp_path / "bw")) == 0
    assert "2 bases left out: not all of their substitutions were scored" in capsys.readouterr().err
    with pyBigWig.open(str(tmp_path / "bw" / "one.bw")) as file:
        assert file.intervals("chr1") == tuple((place, place + 1, -0.75) for place in (0, 1, 2, 101))
    write_by_hand(path, ["ACG"], missing=(0, 1, 2))
    assert derive(path, "--importance", str(tmp_path / "none")) == 2
    assert "no base has the effects of all of its substitutions" in capsys.readouterr().err


def test_bad_input_is_one_line(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    raw, out = saved / "raw.npz", str(tmp_path / "out.npz")
    (tmp_path / "cut.npz").write_bytes(raw.read_bytes()[:2000])
    (tmp_path / "none.parquet").write_text("x")
    assert derive(raw, "--centred", str(tmp_path / "centred.npz")) == 0
    cases = [
        ([str(raw)], "nothing to derive: name an output with --effects"),
        ([str(tmp_path / "no.npz"), "--effects", out], "no such file"),
        ([str(tmp_path / "no.tsv"), "--effects", out], "unknown format"),
        ([str(tmp_path / "none.parquet"), "--effects", out], "is not a Parquet file"),
        ([str(tmp_path / "cut.npz"), "--effects", out], "is not an output of 'enformer-vep saturate', or is damaged"),
        ([str(tmp_path / "centred.npz"), "--effects", out], "has centred effects"),
        ([str(raw), "--effects", str(raw), "--overwrite"], "is the saturation itself"),
        ([str(raw), "--effects", str(tmp_path / "out.h5")], "expected a name that ends in .npz or .zarr"),
        ([str(raw), "--effects", out, "--centred", out], "an output is named twice"),
        ([str(raw), "--centred", str(tmp_path / "centred.npz")], "exists: choose another output, or use --overwrite"),
        ([str(raw), "--effects", out, "--tracks", "human_9"], "human_9"),
    ]
    for words, message in cases:
        capsys.readouterr()
        assert main(["derive", *words]) == 2, words
        error = capsys.readouterr().err
        assert error.startswith("enformer-vep: error: ")
        assert error.count("\n") == 1
        assert message in error
    assert not Path(out).exists()


def test_a_bigwig_file_of_each_of_many_tracks_has_to_be_asked_for(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("enformer_vep.run.explain.derive.MAX_UNCHOSEN_TRACKS", 4)
    assert derive(saved / "raw.npz", "--importance", str(tmp_path / "bw")) == 2
    assert "which tracks? --importance makes a bigWig file each of 5: choose some" in capsys.readouterr().err
    assert derive(saved / "raw.npz", "--importance", str(tmp_path / "bw"), "--tracks", "0-4") == 0


def test_an_earlier_output_is_replaced_and_nothing_else(saved: Path, tmp_path: Path) -> None:
    outputs = ("--importance", str(tmp_path / "bw"), "--centred", str(tmp_path / "c.npz"), "--tracks", "human_1")
    assert derive(saved / "raw.npz", *outputs) == 0
    assert derive(saved / "raw.npz", *outputs) == 2
    assert derive(saved / "raw.npz", *outputs, "--overwrite") == 0
    (tmp_path / "bw" / "mine.txt").write_text("keep")
    assert derive(saved / "raw.npz", *outputs, "--overwrite") == 2
    assert (tmp_path / "bw" / "mine.txt").read_text() == "keep"
