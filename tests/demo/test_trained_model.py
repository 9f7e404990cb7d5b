"""What the demo model has learned of its world, on contigs and variants that it never saw."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from demo_training import Predict, correlations

from enformer_vep.cli import main
from enformer_vep.demo.files import site_records, write_fasta, write_vcf
from enformer_vep.demo.motifs import BASES
from enformer_vep.demo.recovery import measure_recovery
from enformer_vep.demo.variants import TEST_SEED, TEST_VARIANTS, SiteVariant, draw_variants
from enformer_vep.demo.world import (
    CAGE_TRACKS,
    CHIP_TRACKS,
    HELD_OUT_CONTIGS,
    TRACKS,
    Contig,
    cage_track,
    held_out_contig,
)
from enformer_vep.genome.codes import one_hot
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import locate_model
from enformer_vep.model.weights import load_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def contigs() -> dict[str, Contig]:
    return {name: held_out_contig(name) for name in HELD_OUT_CONTIGS}


@pytest.fixture(scope="module")
def variants(contigs: dict[str, Contig]) -> list[SiteVariant]:
    return draw_variants(list(contigs.values()), TEST_VARIANTS, seed=TEST_SEED)


@pytest.fixture
def model() -> Enformer:
    return load_model(locate_model("demo")).model


def predictor(model: Enformer) -> Predict:
    graph = tf.function(lambda windows: model(windows)["human"])
    return lambda windows: graph(windows).numpy()


@pytest.mark.full
def test_the_signal_of_a_contig_that_it_never_saw(model: Enformer, contigs: dict[str, Contig]) -> None:
    found = correlations(predictor(model), contigs["made_up_1"], model.config.geometry)
    assert {track: r for track, r in found.items() if track in CHIP_TRACKS and r < 0.8} == {}
    assert {track: r for track, r in found.items() if track in CAGE_TRACKS and r < 0.6} == {}
    card = (locate_model("demo").prefix.parent / "model_card.md").read_text(encoding="utf-8")
    assert {track: r for track, r in found.items() if abs(r - float(card.split(f"| {track} | ")[1][:5])) > 0.002} == {}


@pytest.mark.full
def test_the_truth_about_300_variants(tmp_path: Path, contigs: dict[str, Contig], variants: list[SiteVariant]) -> None:
    records = site_records(variants)
    write_fasta(tmp_path / "genome.fa", list(contigs.values()))
    write_vcf(tmp_path / "variants.vcf", list(contigs.values()), records)
    out = tmp_path / "scores.parquet"
    options = ["-f", str(tmp_path / "genome.fa"), "-m", "demo", "-o", str(out), "-q"]
    assert main(["score", str(tmp_path / "variants.vcf"), *options]) == 0
    scores = pd.read_parquet(out)
    assert len(scores) == 300
    recovery = measure_recovery(scores, dict(enumerate(variants)))
    assert recovery.auroc >= 0.98
    assert recovery.num_signs == 160
    assert recovery.num_right_signs >= 0.95 * recovery.num_signs


def share_lowered(predict: Predict, model: Enformer, contigs: dict[str, Contig], broken: list[SiteVariant]) -> float:
    """Share of broken enhancers whose promoter, 10 to 25 kb away, has less CAGE of their cell type."""
    geometry = model.config.geometry
    lowered = []
    for variant in broken:
        assert variant.promoter is not None
        start = variant.pos - 1 - geometry.variant_offset_bp
        codes = contigs[variant.chrom].codes[max(start, 0) : start + geometry.sequence_length_bp]
        before = max(-start, 0)
        padding = (before, geometry.sequence_length_bp - len(codes) - before)
        reference = np.pad(codes, padding, constant_values=4)
        alternate = reference.copy()
        alternate[geometry.variant_offset_bp] = BASES.index(variant.alt)
        number = geometry.bin_of(variant.promoter - 1 - start)
        assert number is not None
        near = slice(number - 1, number + 2)
        track = TRACKS.index(cage_track(variant.factor))
        counts = [predict(one_hot(allele)[np.newaxis])[0, near, track].sum() for allele in (reference, alternate)]
        lowered.append(counts[1] < counts[0])
    return float(np.mean(lowered))


@pytest.mark.full
def test_a_broken_enhancer_lowers_its_promoter_and_only_by_attention(
    model: Enformer, contigs: dict[str, Contig], variants: list[SiteVariant]
) -> None:
    broken = [variant for variant in variants if variant.kind == "enhancer_break"]
    broken = broken[::2]
    assert len(broken) == 10
    predict = predictor(model)
    assert share_lowered(predict, model, contigs, broken) >= 0.8
    for block in model.transformer_blocks:
        block.attention.output.w.assign(tf.zeros_like(block.attention.output.w))
        block.attention.output.b.assign(tf.zeros_like(block.attention.output.b))
    assert share_lowered(predict, model, contigs, broken) == 0


def test_it_is_small_and_says_what_it_is() -> None:
    folder = locate_model("demo").prefix.parent
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000
    card = (folder / "model_card.md").read_text()
    assert "world's seed" in card
    assert "means nothing biologically" in card
    assert all(track in card for track in TRACKS)
