"""Made-up contents of pages."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from enformer_vep.report.contents import (
    Contents,
    Counts,
    Detailed,
    Fact,
    GeneColumns,
    Histogram,
    Logo,
    LogoRow,
    NearGene,
    Profile,
    ShownAlleles,
    SkippedAllele,
    SkippedReason,
    Start,
    Tracks,
)

GROUPS = ("DNASE", "ATAC", "CHIP:HISTONE", "CHIP:TF", "CAGE")
NUM_TRACKS = 100
NUM_BINS = 896


def made_up(num: int, *, num_detailed: int = 3, ids: Sequence[str] = (), with_all: bool = True) -> Contents:
    """Contents with so many alleles on three contigs.

    Args:
      num: number of alleles.
      num_detailed: number of those that are shown in detail.
      ids: the IDs of the first.
      with_all: whether there are percentiles, genes and profiles.
    """
    rng = np.random.default_rng(1)
    groups = [GROUPS[number % len(GROUPS)] for number in range(NUM_TRACKS)]
    biosamples = [f"tissue number {number // len(GROUPS)}, adult" for number in range(NUM_TRACKS)]
    scores = (rng.standard_t(2, (num, len(GROUPS))) * 3).astype(np.float32)
    track = rng.integers(0, NUM_TRACKS // len(GROUPS), scores.shape) * len(GROUPS) + np.arange(len(GROUPS))
    alleles = ShownAlleles(
        {
            "chrom": [f"chr{row * 3 // max(num, 1) + 1}" for row in range(num)],
            "pos": [10_000 + 997 * row for row in range(num)],
            "id": [ids[row] if row < len(ids) else f"rs{1000 + row}" for row in range(num)],
            "ref": ["ACGT"[row % 4] for row in range(num)],
            "alt": ["CGTA"[row % 4] for row in range(num)],
            "record": list(range(num)),
            "allele": [1] * num,
        },
        track,
        scores,
        np.tanh(scores / 5) if with_all else None,
    )
    near = [
        NearGene(f"GENE{row // 10}", "+-"[row % 2], row - 50, float(scores[row, 4] / 10), "CAGE:a")
        for row in range(num)
    ]
    strongest = np.argsort(-alleles.strength, kind="stable")[:num_detailed].tolist() if num else []
    counts = np.array([np.histogram(np.log10(np.abs(column)), np.arange(-6, 6.1, 0.2))[0] for column in scores.T]).T
    return Contents(
        name="input.vcf",
        notice=None,
        facts=(Fact("Genome", "hg38.fa"), Fact("Command", "enformer-vep score " + "long" * 50)),
        counts=Counts(num + 30, num, 30),
        skipped=(SkippedReason("no_alt", 30, (SkippedAllele("chr1:5", ".", "A>.", "the record has no ALT allele"),)),),
        statistic="SAD",
        tracks=Tracks(
            [f"ENCFF{number:03d}AAA" for number in range(NUM_TRACKS)],
            [f"{group}:{biosample}" for group, biosample in zip(groups, biosamples, strict=True)],
            groups,
            biosamples,
        ),
        groups=GROUPS,
        alleles=alleles,
        histogram=Histogram(np.arange(-6, 5.9, 0.2).round(1).tolist(), counts, np.zeros(len(GROUPS), np.int64), 5),
        detailed=[_detailed(place, alleles, near, with_all=with_all) for place in strongest],
        genes=GeneColumns(near, near, "SADR") if with_all else None,
    )


def _detailed(place: int, alleles: ShownAlleles, near: Sequence[NearGene], *, with_all: bool) -> Detailed:
    rng = np.random.default_rng(place)
    scores = rng.standard_normal(NUM_TRACKS).astype(np.float32)
    if not with_all:
        return Detailed(place, scores)
    pos: Any = alleles.fields["pos"][place]
    tracks = tuple(alleles.track[place].tolist())
    reference = rng.gamma(0.3, 2, (NUM_BINS, len(tracks))).astype(np.float32)
    difference = np.zeros_like(reference)
    difference[440:455] = rng.standard_normal((15, len(tracks)))
    start = pos - NUM_BINS * 64
    genes = (Start("GENE1", "+", pos - 5000), Start("GENE2", "-", pos - 4000), Start("GENE3", "+", pos + 20_000))
    profile = Profile(start, 128, tracks, reference, difference, genes)
    return Detailed(place, scores, near[:4], profile, "", _logos(pos, rng))


def _logos(pos: int, rng: np.random.Generator) -> list[Logo]:
    letters = "".join(rng.choice(list("ACGT"), 41))
    heights = rng.standard_normal(41).astype(np.float32)
    heights[3] = np.nan
    rows = [LogoRow(allele, pos - 20, letters, heights, (20, 21)) for allele in ("REF", "ALT")]
    return [
        Logo("saturation", "SAD on DNASE:liver", (LogoRow("", pos - 20, letters, heights, (20, 21)),)),
        Logo("contributions", "the mean of the explained tracks of CAGE", tuple(rows)),
    ]


def hostile(text: str) -> Contents:
    """Contents in which every text of the input is this one."""
    made = made_up(3, num_detailed=1)
    fields = dict(made.alleles.fields) | {name: [text] * 3 for name in ("chrom", "id")}
    gene = NearGene(text, "+", 5, 1.0, text)
    (detailed,) = made.detailed
    assert detailed.profile is not None
    profile = replace(detailed.profile, genes=(Start(text, "+", 20_000),))
    logos = [replace(logo, explained=text) for logo in detailed.logos]
    num = len(made.tracks.groups)
    return replace(
        made,
        name=text,
        notice=text,
        facts=(Fact("Command", text),),
        skipped=(SkippedReason(text, 1, (SkippedAllele(text, text, text, text),)),),
        tracks=Tracks([text] * num, [text] * num, made.tracks.groups, [text] * num),
        alleles=replace(made.alleles, fields=fields),
        detailed=[replace(detailed, genes=[gene], profile=profile, logos=logos)],
        genes=GeneColumns([gene] * 3, [gene] * 3, "SADR"),
    )
