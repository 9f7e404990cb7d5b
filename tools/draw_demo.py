"""Draws docs/demo.png: a stretch of the held-out contig, what the demo model predicts there, and a broken enhancer.

pip install matplotlib; python tools/draw_demo.py docs/demo.png
"""

import sys

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from enformer_vep.demo.motifs import BASES, FACTORS
from enformer_vep.demo.variants import SiteVariant, draw_variants
from enformer_vep.demo.world import (
    OPEN_TRACK,
    TRACKS,
    Contig,
    cage_track,
    chip_track,
    expected_counts,
    held_out_contig,
    noisy_counts,
    site_centres,
)
from enformer_vep.genome.codes import Codes, one_hot
from enformer_vep.model.location import locate_model
from enformer_vep.model.weights import load_model

CONTIG = "made_up_1"
ACTIVATOR = "GATA"
MARGIN_KB = 6


def choose(contig: Contig, margin_bp: int) -> SiteVariant:
    """The broken GATA enhancer, away from the contig's ends, whose named promoter is farthest away."""
    drawn = draw_variants([contig], {"enhancer_break": 40}, seed=1)
    inside = range(margin_bp, len(contig.codes) - margin_bp)
    of_activator = [variant for variant in drawn if variant.factor == ACTIVATOR and variant.pos in inside]
    return max(of_activator, key=lambda variant: abs((variant.promoter or 0) - variant.pos))


def changed(codes: Codes, variant: SiteVariant) -> Codes:
    alternate = codes.copy()
    alternate[variant.pos - 1] = BASES.index(variant.alt)
    return alternate


def main() -> None:
    contig = held_out_contig(CONTIG)
    model = load_model(locate_model("demo")).model
    geometry = model.config.geometry
    variant = choose(contig, geometry.sequence_length_bp)
    assert variant.promoter is not None
    # A window on the contig's own grid of bins, the variant about in its middle.
    first = (variant.pos - geometry.sequence_length_bp // 2) // geometry.bin_size_bp
    start = first * geometry.bin_size_bp
    alternate = changed(contig.codes, variant)
    reference_track, alternate_track = (
        model(one_hot(codes[start : start + geometry.sequence_length_bp])[np.newaxis])["human"].numpy()[0]
        for codes in (contig.codes, alternate)
    )
    bins = np.arange(geometry.num_bins) + first + geometry.crop_bins
    kb = bins * geometry.bin_size_bp / 1_000
    counts = noisy_counts(contig)[bins]
    expected = expected_counts(contig.codes)[bins]
    expected_change = (expected_counts(alternate) - expected_counts(contig.codes))[bins]
    ends = sorted((variant.pos / 1_000, variant.promoter / 1_000))
    limits = (ends[0] - MARGIN_KB, ends[1] + MARGIN_KB)

    shown = [chip_track(ACTIVATOR), chip_track("TBP"), OPEN_TRACK, cage_track(ACTIVATOR)]
    figure, axes = plt.subplots(len(shown) + 2, 1, figsize=(10, 9), sharex=True, layout="constrained")
    for row, factor in enumerate(FACTORS):
        centres = site_centres(contig.codes, factor) / 1_000
        colour = {ACTIVATOR: "tab:red", "TBP": "tab:blue"}.get(factor.name, "tab:gray")
        axes[0].plot(centres, np.full(len(centres), row), "|", color=colour, markersize=9)
    axes[0].set_yticks(range(len(FACTORS)), [factor.name for factor in FACTORS], fontsize=7)
    axes[0].set_title("sites in the sequence", loc="left", fontsize=9)
    for axis, track in zip(axes[1:-1], shown, strict=True):
        number = TRACKS.index(track)
        axis.fill_between(kb, counts[:, number], step="post", color="lightgray", label="counted, with noise")
        axis.step(kb, expected[:, number], where="post", color="black", linewidth=0.8, label="expected by the rules")
        axis.step(kb, reference_track[:, number], where="post", color="tab:orange", linewidth=1, label="predicted")
        axis.set_title(f"{track}, counts in a bin", loc="left", fontsize=9)
    axes[2].legend(fontsize=7, loc="upper center", ncols=3)
    number = TRACKS.index(cage_track(ACTIVATOR))
    change = alternate_track[:, number] - reference_track[:, number]
    axes[-1].step(kb, expected_change[:, number], where="post", color="black", linewidth=0.8)
    axes[-1].step(kb, change, where="post", color="tab:orange", linewidth=1)
    axes[-1].set_title(
        f"change of {cage_track(ACTIVATOR)} by {variant.ref}>{variant.alt} at {variant.pos:,} (dashed), "
        f"which breaks one {ACTIVATOR} site",
        loc="left",
        fontsize=9,
    )
    axes[-1].set_xlabel(f"{CONTIG}, kb")
    axes[-1].set_xlim(limits)
    for axis in axes:
        axis.axvline(variant.pos / 1_000, color="tab:red", linestyle="--", linewidth=0.8)
    figure.savefig(sys.argv[1], dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
