"""Does saturation find the bases that make a site?

    python -m benchmarks.saturation_truth              # 50 sites, some minutes on two cores

In the demo's made-up world, a site is bound if it matches its factor's consensus, and one wrong base breaks it.
`saturate` changes the bases of the strongest sites of a contig that the demo model was not trained on, and 10 bp to
either side. The strongest are those with the largest expected counts in their bin on their factor's own track, the
factors in turn; no other site of the factor touches what is changed. The effects are SADs on that track.

By the world's rules it is known which substitutions break a site. Reported are, for the sites of each factor:

- recovered: sites whose k most important bases are all bases of the site, with k the number of its bases of which every
  substitution breaks it. The importance of a base is the negative mean of its effects over four letters.
- AUROC: of the negative SAD, substitutions that break the site against all others of the same region; median and least.
- sign: the share of breaking substitutions whose SAD is negative.
- size: the median over sites of the mean |SAD| of breaking substitutions, as a multiple of that of the others.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.inputs import ROOT
from enformer_vep.demo.files import write_fasta
from enformer_vep.demo.motifs import FACTORS, Factor
from enformer_vep.demo.world import HELD_OUT_CONTIGS, TRACKS, Contig, chip_track, expected_counts, held_out_contig
from enformer_vep.genome.codes import Codes
from enformer_vep.genome.geometry import BIN_SIZE_BP
from enformer_vep.genome.saturation import importance

FLANK_BP = 10
MARGIN_BP = 100_000
"""Sites nearer to the contig's ends are left out, as their windows would reach beyond it."""


@dataclass(frozen=True)
class Site:
    """A site of a factor: where it begins on its contig, 0-based."""

    factor: Factor
    start: int

    @property
    def region(self) -> slice:
        """What is changed: the site, and bases to either side."""
        return slice(self.start - FLANK_BP, self.start + self.factor.length_bp + FLANK_BP)

    def breaks(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Returns which letters break the site: [bases of the region, 4]; the genome's own do not."""
        of_region = codes[self.region]
        found = np.zeros((len(of_region), 4), dtype=bool)
        for place in range(FLANK_BP, FLANK_BP + self.factor.length_bp):
            for letter in range(4):
                changed = of_region.copy()
                changed[place] = letter
                found[place, letter] = FLANK_BP not in self.factor.sites(changed)
        return found


@dataclass(frozen=True)
class Judged:
    """How well a site was seen."""

    is_recovered: bool
    auroc: float
    share_lowered: float
    size: float


def strongest_sites(contig: Contig, num_sites: int) -> list[Site]:
    """Returns the strongest sites, the factors in turn, each factor's in descending order of expected counts."""
    counts = expected_counts(contig.codes)
    of_factors = []
    for factor in FACTORS:
        starts = factor.sites(contig.codes)
        reach_bp = FLANK_BP + factor.length_bp
        is_alone = np.diff(starts, prepend=-reach_bp) >= reach_bp
        is_alone &= np.diff(starts, append=len(contig.codes) + reach_bp) >= reach_bp
        starts = starts[is_alone & (starts >= MARGIN_BP) & (starts < len(contig.codes) - MARGIN_BP)]
        strength = counts[(starts + factor.length_bp // 2) // BIN_SIZE_BP, TRACKS.index(chip_track(factor.name))]
        of_factors.append([Site(factor, int(start)) for start in starts[np.argsort(-strength, kind="stable")]])
    ranks = range(max(map(len, of_factors)))
    return [sites[rank] for rank in ranks for sites in of_factors if rank < len(sites)][:num_sites]


def judge(breaks: npt.NDArray[np.bool_], codes: Codes, effects: npt.NDArray[np.float32]) -> Judged:
    """Compares the effects of a region with the truth.

    Args:
      breaks: [bases, 4], which letters break the site in the middle of the region.
      codes: uint8 [bases], the genome's letters.
      effects: float32 [bases, 4] on the factor's own track.
    """
    is_own = np.arange(4) == codes[:, np.newaxis]
    of_bases = importance(effects[..., np.newaxis], 4)[:, 0]
    num_whole = int((breaks | is_own).all(axis=1).sum())
    top = np.argsort(-of_bases, kind="stable")[:num_whole]
    in_site = (top >= FLANK_BP) & (top < len(codes) - FLANK_BP)
    breaking, others = effects[breaks].astype(np.float64), effects[~breaks & ~is_own].astype(np.float64)
    is_lower = (breaking[:, np.newaxis] < others).mean() + (breaking[:, np.newaxis] == others).mean() / 2
    size = np.abs(breaking).mean() / np.abs(others).mean()
    return Judged(bool(in_site.all()), float(is_lower), float((breaking < 0).mean()), float(size))


def saturate(contig: Contig, sites: list[Site], model: str, folder: Path) -> list[npt.NDArray[np.float32]]:
    """Saturates the sites; returns of each the effects on its factor's own track: float32 [bases, 4]."""
    fasta, bed, out = (str(folder / name) for name in ("genome.fa", "sites.bed", "sites.npz"))
    write_fasta(Path(fasta), [contig])
    lines = (f"{contig.name}\t{site.region.start}\t{site.region.stop}\n" for site in sites)
    Path(bed).write_text("".join(lines))
    tracks = ",".join(chip_track(factor.name) for factor in FACTORS)
    words = ["saturate", bed, "-f", fasta, "-m", model, "--tracks", tracks, "-o", out]
    subprocess.run([sys.executable, "-m", "enformer_vep", *words], check=True, cwd=ROOT)
    with np.load(out) as arrays:
        effects, positions, names = arrays["effects"], arrays["pos"], list(arrays["tracks"])
    places = {int(pos) - 1: place for place, pos in enumerate(positions)}
    found = []
    for site in sites:
        first = places[site.region.start]
        found.append(
            effects[first : first + site.region.stop - site.region.start, :, names.index(chip_track(site.factor.name))]
        )
    return found


def report(sites: list[Site], judged: list[Judged]) -> list[str]:
    """Returns the table, as Markdown: a row per factor, and one for all."""
    rows = ["| factor | sites | recovered | AUROC, median and least | sign | size |", "|---|---|---|---|---|---|"]
    for name in (*(factor.name for factor in FACTORS), "all"):
        found = [one for site, one in zip(sites, judged, strict=True) if name in (site.factor.name, "all")]
        if not found:
            continue
        aurocs = [one.auroc for one in found]
        rows.append(
            f"| {name} | {len(found)} | {sum(one.is_recovered for one in found)} | {np.median(aurocs):.3f}, "
            f"{min(aurocs):.3f} | {np.mean([one.share_lowered for one in found]):.1%} "
            f"| {np.median([one.size for one in found]):.0f} |"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo", help="as of `enformer-vep saturate`")
    parser.add_argument("--sites", type=int, default=50, help="number of sites")
    arguments = parser.parse_args()
    contig = held_out_contig(next(iter(HELD_OUT_CONTIGS)))
    sites = strongest_sites(contig, arguments.sites)
    with tempfile.TemporaryDirectory() as folder:
        found = saturate(contig, sites, arguments.model, Path(folder))
    judged = [
        judge(site.breaks(contig.codes), contig.codes[site.region], effects)
        for site, effects in zip(sites, found, strict=True)
    ]
    print("\n".join(report(sites, judged)))


if __name__ == "__main__":
    main()
