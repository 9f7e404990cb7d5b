"""DeepMind's own numbers for nine variants, at a small and at the official size (see tests/data/README.md)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
import tensorflow as tf

from enformer_vep.genome.codes import one_hot
from enformer_vep.genome.layout import ModelInput
from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.comparer import full_engine, reusing_engine
from enformer_vep.inference.device import Precision, cpu_information
from enformer_vep.inference.engine import ByStatistic, EngineSettings
from enformer_vep.inference.receptive_field import ReceptiveField
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.model.arithmetic import Arithmetic, arithmetic
from enformer_vep.model.config import OFFICIAL_CONFIG
from enformer_vep.model.differences import DifferenceTransformer
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import locate_model
from enformer_vep.model.sources.bundle import read_bundle_index
from enformer_vep.model.sources.checkpoint import ATTRIBUTE_SUFFIX
from enformer_vep.model.weights import load_model
from tests.comparisons import SUMS, look_at
from tests.support import DATA, needs_bfloat16, precisions

pytestmark = pytest.mark.slow

PREDICTION_TOLERANCE = 2e-4
"""Relative, of a track's sum or of one bin."""

SCORE_TOLERANCE = 2e-3
"""Relative to the spread of a variant's scores over tracks."""

HAS_BFLOAT16 = bool(cpu_information()[1] & {"avx512_bf16", "amx_bf16", "bf16"})
LOW_PRECISION_TOLERANCE = {"mixed": 0.015, "bfloat16": 0.05} if HAS_BFLOAT16 else {"mixed": 0.05, "bfloat16": 0.1}
"""Root mean square over tracks of the error of SADs, relative to their standard deviation over tracks.

Without instructions for them, products in bfloat16 are less exact: on an AVX2 CPU 0.035 and 0.065 were seen.
"""

BINS = [0, 1, 446, 447, 448, 894, 895]
"""The bins of `ref_bins` and `alt_bins`, of the first 8 tracks."""


def golden_comparisons(golden: np.lib.npyio.NpzFile, fasta: str) -> tuple[ReferenceCodes, list[Comparison]]:
    """The genome, and how each of the variants is looked at."""
    genome = Genome(fasta)
    codes = ReferenceCodes(genome)
    comparisons = []
    for line in golden["variants"]:
        chrom, pos, ref, alt = line.split("\t")
        variant = Variant(chrom, int(pos), ref, alt)
        assert genome.check_variant(variant, chrom) is None
        comparisons.append(look_at(variant, codes.fetch, OFFICIAL_CONFIG.geometry))
    return codes, comparisons


def assert_golden(golden: np.lib.npyio.NpzFile, head: str, record: int, found: ByStatistic) -> None:
    np.testing.assert_allclose(found["REF"][0], golden[f"{head}/ref_sum"][record], rtol=PREDICTION_TOLERANCE)
    np.testing.assert_allclose(found["ALT"][0], golden[f"{head}/alt_sum"][record], rtol=PREDICTION_TOLERANCE)
    for statistic in ("SAD", "SAR"):
        expected = golden[f"{head}/{statistic.lower()}"][record]
        error = np.abs(found[statistic][0] - expected).max()
        assert error < SCORE_TOLERANCE * expected.std(), f"{statistic}: {error / expected.std():.2e} of the spread"


def spread_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square over tracks of the error, relative to the standard deviation over tracks."""
    return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())


def assert_golden_bins(
    golden: np.lib.npyio.NpzFile, record: int, model: Enformer, codes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Every head as the model gives it: some bins, and all that their sums give."""
    reference, alternate = (model(one_hot(of_allele)[np.newaxis]) for of_allele in codes)
    for head in (head for head in reference if f"{head}/ref_bins" in golden):
        r, a = (x[head].numpy()[0].astype(np.float64) for x in (reference, alternate))
        for allele, x in (("ref", r), ("alt", a)):
            expected = golden[f"{head}/{allele}_bins"][record]
            np.testing.assert_allclose(x[BINS, :8], expected, rtol=PREDICTION_TOLERANCE)
        sums = {
            "REF": r.sum(0),
            "ALT": a.sum(0),
            "SAD": (a - r).sum(0),
            "SAR": (np.log2(1 + a) - np.log2(1 + r)).sum(0),
        }
        assert_golden(golden, head, record, {name: of_sum[np.newaxis] for name, of_sum in sums.items()})


def both_codes(comparison: Comparison, codes: ReferenceCodes) -> tuple[np.ndarray, np.ndarray]:
    (view,) = comparison.views
    assert isinstance(view.alternate, ModelInput)
    return view.reference.codes(codes.fetch), view.alternate.codes(codes.fetch)


@pytest.fixture(scope="module")
def small_model(small_checkpoint: Path) -> Enformer:
    return load_model(locate_model(str(small_checkpoint))).model


@pytest.mark.parametrize("is_reusing", [False, True], ids=["full", "reusing"])
def test_small_model(small_model: Enformer, real_genome: str, *, is_reusing: bool) -> None:
    golden = np.load(DATA / "small.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    assert len(comparisons) == 9
    make = reusing_engine if is_reusing else full_engine
    engine = make(small_model, codes.fetch, EngineSettings("human", batch_size=2))
    chosen = (0, 6)  # an SNV and a deletion
    for record, scores in zip(chosen, engine.compare((comparisons[record] for record in chosen), SUMS), strict=True):
        assert_golden(golden, "human", record, scores)


@pytest.mark.full
@pytest.mark.parametrize(("head", "chosen"), [("human", range(9)), ("mouse", range(4, 6))])
def test_all_of_the_small_model(small_model: Enformer, real_genome: str, head: str, chosen: range) -> None:
    golden = np.load(DATA / "small.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    engine = reusing_engine(small_model, codes.fetch, EngineSettings(head, batch_size=2))
    for record, scores in zip(chosen, engine.compare((comparisons[record] for record in chosen), SUMS), strict=True):
        assert_golden(golden, head, record, scores)


@pytest.mark.full
def test_small_model_bin_by_bin(small_model: Enformer, real_genome: str) -> None:
    golden = np.load(DATA / "small.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    for record, comparison in enumerate(comparisons):
        assert_golden_bins(golden, record, small_model, both_codes(comparison, codes))


def test_reverse_complement_is_no_symmetry_of_the_model(small_model: Enformer, real_genome: str) -> None:
    """So that a window laid the wrong way round could not pass for the right one."""
    golden = np.load(DATA / "small.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    mirrored = comparisons[0].views[0].reference.reverse_complement()
    found = small_model(one_hot(mirrored.codes(codes.fetch))[np.newaxis])["human"].numpy()[0].sum(0)
    assert np.abs(found / golden["human/ref_sum"][0] - 1).max() > PREDICTION_TOLERANCE


@pytest.mark.full
@pytest.mark.xdist_group("official_size")
def test_a_full_checkpoint_has_the_published_keys(full_checkpoint: Path) -> None:
    expected = {key: tuple(shape) for key, shape in json.loads((DATA / "keys_full.json").read_text()).items()}
    entries = read_bundle_index(full_checkpoint / "model.index").entries
    found = {
        key.removeprefix("module/").removesuffix(ATTRIBUTE_SUFFIX): entry.shape
        for key, entry in entries.items()
        if key.startswith("module/")
    }
    assert found == expected


@pytest.fixture(scope="module")
def full_model(full_checkpoint: Path) -> Enformer:
    model = load_model(locate_model(str(full_checkpoint))).model
    assert model.config == OFFICIAL_CONFIG
    return model


@pytest.mark.full
@pytest.mark.xdist_group("official_size")
def test_full_model(full_model: Enformer, real_genome: str) -> None:
    """One bin by bin by the plain model, and all nine by the engine that is used."""
    golden = np.load(DATA / "full.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    assert_golden_bins(golden, 5, full_model, both_codes(comparisons[5], codes))
    engine = reusing_engine(full_model, codes.fetch, EngineSettings("human"))
    for record, scores in enumerate(engine.compare(comparisons, SUMS)):
        assert_golden(golden, "human", record, scores)


@pytest.mark.full
@pytest.mark.xdist_group("official_size")
@pytest.mark.parametrize("precision", precisions("mixed", "bfloat16"))
def test_full_model_in_low_precision(full_model: Enformer, real_genome: str, precision: Precision) -> None:
    """An MNV and a deletion."""
    golden = np.load(DATA / "full.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    chosen = (4, 6)
    engine = reusing_engine(full_model, codes.fetch, EngineSettings("human", precision=precision))
    found = engine.compare((comparisons[record] for record in chosen), SUMS)
    for record, scores in zip(chosen, found, strict=True):
        error = spread_error(scores["SAD"][0], golden["human/sad"][record])
        assert error < LOW_PRECISION_TOLERANCE[precision]


@needs_bfloat16
@pytest.mark.full
@pytest.mark.xdist_group("official_size")
def test_effects_a_hundred_times_smaller_are_as_exact(full_model: Enformer, real_genome: str) -> None:
    """The change that enters the transformer is scaled; the right answer is the difference in float32 throughout."""
    golden = np.load(DATA / "full.npz")
    codes, comparisons = golden_comparisons(golden, real_genome)
    reference, alternate = both_codes(comparisons[0], codes)
    first_bin = 765
    start, end = ReceptiveField.of(OFFICIAL_CONFIG).bases_of(first_bin, 6)
    one_hots = (one_hot(of_allele[start:end])[np.newaxis] for of_allele in (reference, alternate))
    reference_patch, alternate_patch = (full_model.tower_bins(x).numpy() for x in one_hots)
    tower = tf.function(full_model.conv_tower, autograph=False)(one_hot(reference)[np.newaxis])
    transformer = DifferenceTransformer(full_model, "human", [range(OFFICIAL_CONFIG.heads["human"])])
    exact, rounded = Arithmetic(is_fused=True), Arithmetic(tf.bfloat16, is_fused=True)

    @tf.function(autograph=False)
    def sads(tower: tf.Tensor, d: tf.Tensor) -> list[tf.Tensor]:
        """SADs in float32, in mixed and in bfloat16."""
        found = []
        for of_reference, of_alternate in ((exact, exact), (exact, rounded), (rounded, rounded)):
            with arithmetic(of_reference), tf.control_dependencies(found):
                _, kept = transformer.reference(tf.identity(tower), of_alternate.product_dtype)
            with arithmetic(of_alternate):
                (difference,) = transformer.difference(kept, d, tf.constant([first_bin]))
            found.append(tf.reduce_sum(difference, axis=1)[0])
        return found

    d = alternate_patch - reference_patch
    found = [x.numpy() for x in sads(tower, d)]
    assert spread_error(found[0], golden["human/sad"][0]) < SCORE_TOLERANCE
    for scaled in (found, [x.numpy() for x in sads(tower, d / 100)]):
        assert spread_error(scaled[1], scaled[0]) < LOW_PRECISION_TOLERANCE["mixed"]
        assert spread_error(scaled[2], scaled[0]) < LOW_PRECISION_TOLERANCE["bfloat16"]


@pytest.mark.full
@pytest.mark.xdist_group("official_size")
def test_real_variants_at_full_size(full_checkpoint: Path, shared_data: Path, tmp_path: Path) -> None:
    """The command on real records of every kind: each allele accounted for, in less than 3 GB."""
    chosen = choose_real_records(shared_data / "variants" / "hg38_chr1_real_variants.vcf.gz", tmp_path / "real.vcf")
    out = tmp_path / "real.parquet"
    command = [sys.executable, "-m", "enformer_vep", "score", str(tmp_path / "real.vcf"), "-o", str(out)]
    command += [
        "-f",
        str(shared_data / "genome" / "hg38_sparse.fa.gz"),
        "-m",
        str(full_checkpoint),
    ]
    command += ["--track-table", str(shared_data / "tracks" / "targets_human.txt")]
    completed = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert completed.returncode == 0, completed.stderr
    scores = pd.read_parquet(out)
    skipped = pd.read_csv(f"{out}.skipped.tsv", sep="\t")
    found = [
        *zip(scores["record"], scores["allele"], strict=True),
        *zip(skipped["record"], skipped["allele"], strict=True),
    ]
    assert sorted(found) == [(i, a + 1) for i, alts in enumerate(chosen) for a in range(len(alts))]
    assert len(scores) >= 5
    assert set(skipped["reason"]) == {"spanning_deletion", "no_alt", "symbolic_alt"}
    assert list(scores.columns[7:9]) == ["SAD:ENCFF833POA", "SAD:ENCFF110QGM"]
    values = scores.iloc[:, 7:].to_numpy()
    assert values.shape == (len(scores), 5313)
    assert np.isfinite(values).all()
    assert (np.abs(values).max(axis=1) > 0).all()
    record = json.loads(Path(f"{out}.run.json").read_text())
    assert record["peak_memory_bytes"] < 3.0e9
    # A reference window is at most 17 tiles and two patches; an insertion or deletion half as much; an SNV one patch.
    bins, num_shifts = record["tower_bins"], (scores["ref"].str.len() != scores["alt"].str.len()).sum()
    num_references = record["transformer_passes"] - len(scores)
    assert num_references < len(scores)
    assert bins["computed"] <= num_references * (17 * 96 + 12) + num_shifts * (9 * 96 + 18) + len(scores) * 6
    assert bins["reused"] >= len(scores) * 764
    print(completed.stderr, {name: record[name] for name in ("seconds_scoring", "peak_memory_bytes", "counts")})


def choose_real_records(source: Path, target: Path) -> list[tuple[str, ...]]:
    """Writes the first real record of each of several kinds to a VCF; returns their ALTs."""
    kinds = {
        "snv": lambda ref, alts: len(ref) == len(alts[0]) == 1 and len(alts) == 1 and alts[0] in "ACGT",
        "two SNVs": lambda ref, alts: (
            len(alts) == 2 and all(len(alt) == len(ref) == 1 for alt in alts) and "*" not in alts
        ),
        "deletion": lambda ref, alts: len(alts) == 1 and alts[0] == ref[0] and len(ref) > 3,
        "star": lambda ref, alts: "*" in alts and len(alts) == 2,
        "no ALT": lambda ref, alts: alts == (".",),
        "symbolic": lambda ref, alts: len(alts) == 1 and alts[0].startswith("<"),
    }
    chosen = {}
    with pysam.VariantFile(str(source)) as records, pysam.VariantFile(str(target), "w", header=records.header) as out:
        for record in records:
            alts = record.alts or (".",)
            kind = next((kind for kind in kinds if kind not in chosen and kinds[kind](record.ref, alts)), None)
            if kind and record.pos < 900_000:
                chosen[kind] = alts
                out.write(record)
    assert set(chosen) == set(kinds)
    return list(chosen.values())
