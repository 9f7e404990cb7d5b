"""How well do gradients rank the substitutions that saturation then computes exactly?

    python -m benchmarks.gradient_ranking                 # the demo's model and held-out contig, 3 sites of each factor
    python -m benchmarks.gradient_ranking --sites 6 --steps 0

Around sites of each factor, every substitution is scored exactly, as its SAD in the window of the region on the
factor's own track; and to first order, as g[b] - g[ref] of the gradient g at the sequence, and of integrated gradients.
The table has Spearman's correlation over the substitutions of a region, with their signs; the share of those with at
least half of the largest effect that have the right sign; and the share of the site's bases that are among as many
positions with the largest mean effect. Medians over regions, and the lowest and the highest in brackets.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

CONTIG = "made_up_1"
MARGIN_BP = 120_000
"""Sites nearer to the contig's ends are left out."""


MEASURES = ("rho", "right signs", "bases of the site")


class Site(NamedTuple):
    """A site of a factor, and a region around its middle: 0-based and half-open."""

    factor: str
    start: int
    end: int
    region: range


class World:
    """The demo's model and a contig that it was not trained on."""

    def __init__(self, device: str | None) -> None:
        from enformer_vep.inference.device import import_tensorflow, prepare_device

        prepare_device(device)
        import_tensorflow()
        from enformer_vep.demo.world import held_out_contig
        from enformer_vep.model.gradients import InputGradients
        from enformer_vep.model.location import locate_model
        from enformer_vep.model.weights import load_model

        self.codes = held_out_contig(CONTIG).codes
        self.model = load_model(locate_model("demo")).model
        self.gradients = InputGradients(self.model, "human")

    def fetch(self, interval: Any) -> np.ndarray:
        """Returns codes of the contig, which no window leaves."""
        return self.codes[interval.start : interval.end]

    def sites(self, num: int, width_bp: int) -> Iterator[Site]:
        """Yields sites of each factor, evenly spaced among all of them."""
        from enformer_vep.demo.motifs import FACTORS

        for factor in FACTORS:
            starts = factor.sites(self.codes)
            starts = starts[(starts > MARGIN_BP) & (starts < len(self.codes) - MARGIN_BP)]
            for start in starts[len(starts) // (2 * num) :: len(starts) // num][:num]:
                first = int(start) + factor.length_bp // 2 - width_bp // 2
                yield Site(factor.name, int(start), int(start) + factor.length_bp, range(first, first + width_bp))

    def exact(self, site: Site, tracks: list[int]) -> np.ndarray:
        """Returns the SADs of every substitution: float64 [tracks, bases, 4], 0 for the base that stands there."""
        from enformer_vep.genome.edit import Edit
        from enformer_vep.genome.variant import Variant
        from enformer_vep.genome.views import Comparison, ViewSettings
        from enformer_vep.genome.windows import IndelPolicy
        from enformer_vep.inference.comparer import reusing_engine
        from enformer_vep.inference.engine import EngineSettings
        from enformer_vep.scoring import STATISTICS

        geometry = self.model.config.geometry
        window = self.window(site)
        first = site.region[0] - window.start
        offsets = range(first, first + len(site.region))
        engine = reusing_engine(self.model, self.fetch, EngineSettings("human", tracks, variant_offsets=offsets))
        places = [(at, base) for at in site.region for base in range(4) if base != self.codes[at]]
        regions = np.ones((1, geometry.num_bins), np.float32)

        def comparisons() -> Iterator[Comparison]:
            for at, base in places:
                variant = Variant(CONTIG, at + 1, "ACGT"[self.codes[at]], "ACGT"[base])
                edit = Edit.of(variant, CONTIG, self.fetch, window.length)
                yield Comparison(ViewSettings(indels=IndelPolicy.LEFT).views(window, edit, geometry), regions)

        effects = np.zeros((len(tracks), len(site.region), 4))
        for (at, base), scores in zip(places, engine.compare(comparisons(), [STATISTICS["SAD"]]), strict=True):
            effects[:, at - site.region[0], base] = scores["SAD"][0]
        return effects

    def first_order(self, site: Site, tracks: list[int], steps: int) -> np.ndarray:
        """Returns the same to first order, by the gradient at the sequence or by integrated gradients."""
        from enformer_vep.genome.layout import ModelInput
        from enformer_vep.inference.mean_gradients import MeanGradients
        from enformer_vep.model.gradients import Target
        from enformer_vep.run.explain.contribution_arrays import first_order_effects

        window = self.window(site)
        bins = np.ones(self.model.config.num_bins, np.float32)
        targets = [Target(bins, np.array([track], np.int32), np.ones(1, np.float32)) for track in tracks]
        wanted = range(site.region.start - window.start, site.region.stop - window.start)
        found = np.zeros((len(tracks), len(wanted), 4), np.float32)
        layout = ModelInput.of(window)
        MeanGradients(self.gradients, self.fetch, steps=steps).add(layout, targets, wanted, found)
        return first_order_effects(found, np.broadcast_to(self.codes[site.region], found.shape[:2]))

    def window(self, site: Site) -> Any:
        """Returns the window around the middle of a region."""
        from enformer_vep.genome.variant import Interval

        geometry = self.model.config.geometry
        start = (site.region.start + site.region.stop - 1) // 2 - geometry.variant_offset_bp
        return Interval(CONTIG, start, start + geometry.sequence_length_bp)


def compared(exact: np.ndarray, found: np.ndarray, site: Site, codes: np.ndarray) -> tuple[float, float, float]:
    """Returns Spearman's rho over substitutions, the share of right signs, and that of the site's bases that are found.

    Args:
      exact: float64 [bases, 4].
      found: the same, by gradients.
      site: the site.
      codes: uint8 [bases].
    """
    is_substitution = np.arange(4) != codes[:, np.newaxis]
    ranks = [pd.Series(effects[is_substitution]).rank() for effects in (exact, found)]
    place = np.arange(site.start, site.end) - site.region.start
    largest = np.argsort(-np.abs(found.sum(axis=1)))[: len(place)]
    is_large = np.abs(exact) >= np.abs(exact).max() / 2
    has_sign = np.sign(found[is_large]) == np.sign(exact[is_large])
    return float(np.corrcoef(*ranks)[0, 1]), float(has_sign.mean()), float(np.isin(place, largest).mean())


def measure(arguments: argparse.Namespace) -> pd.DataFrame:
    """Compares all sites; returns a row for each of them and method."""
    from enformer_vep.demo.world import TRACKS, chip_track

    world = World(arguments.device)
    steps = {"gradient": 0} | (
        {f"integrated gradients, {arguments.steps} steps": arguments.steps} if arguments.steps else {}
    )
    rows = []
    for number, site in enumerate(world.sites(arguments.sites, arguments.width)):
        tracks = [TRACKS.index(chip_track(site.factor))]
        (exact,) = world.exact(site, tracks)
        for method, num_steps in steps.items():
            (found,) = world.first_order(site, tracks, num_steps)
            rows.append((method, site.factor, *compared(exact, found, site, world.codes[site.region])))
            print(f"{number + 1}: {site.factor} at {site.start + 1:,}: {rows[-1]}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows, columns=["method", "factor", *MEASURES])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=3, help="of each factor")
    parser.add_argument("--width", type=int, default=60, help="bases of a region")
    parser.add_argument("--steps", type=int, default=10, help="of integrated gradients; 0 for none")
    parser.add_argument("--device", help="cpu or gpu")
    table = measure(parser.parse_args())
    print(f"| method | regions | {' | '.join(MEASURES)} |")
    print("|---|---|" + "---|" * len(MEASURES))
    for method, of_method in table.groupby("method", sort=False):
        values = [
            f"{of_method[name].median():.2f} ({of_method[name].min():.2f} to {of_method[name].max():.2f})"
            for name in MEASURES
        ]
        print(f"| {method} | {len(of_method)} | {' | '.join(values)} |")
    methods = table["method"].unique()
    print(f"\n| factor | median rho: {' | '.join(methods)} |\n|---|{'---|' * len(methods)}")
    for factor, rho in table.pivot_table("rho", "factor", "method", "median", sort=False)[methods].iterrows():
        print(f"| {factor} | {' | '.join(f'{value:.2f}' for value in rho)} |")


if __name__ == "__main__":
    main()
