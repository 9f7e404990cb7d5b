"""Pages for the tests, and where on a figure things are drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from enformer_vep.genome.genes import Gene
from enformer_vep.genome.variant import Interval
from enformer_vep.plots.content import Letters, LogoColumns, TrackLogos, TrackProfile, VariantPage

NUM_BINS = 896
START = 5_500_000
SHOWN = Interval("chr7", START, START + NUM_BINS * 128)
VARIANT = START + NUM_BINS * 64 - 1


def named_gene(number: int, start: int, end: int, strand: str = "+") -> Gene:
    tss = start if strand == "+" else end - 1
    return Gene(f"ENSG{number}", f"GENE{number}", "chr7", strand, (tss,), 1, (start, end))


def track(name: str = "K562", *, logos: TrackLogos | None = None, scale: float = 1.0) -> TrackProfile:
    rng = np.random.default_rng(len(name))
    reference = (scale * rng.gamma(0.3, 20, NUM_BINS)).astype(np.float32)
    difference = np.zeros(NUM_BINS, np.float32)
    difference[447:450] = np.float32(scale) * np.float32([-8, 5, -3])
    return TrackProfile(name, f"ENC{name[:5]}", "DNASE", -0.25, reference, difference, logos)


def page(**changes: Any) -> VariantPage:
    values: dict[str, Any] = {
        "title": ["chr7:5557343", "C>T", "(rs1)"],
        "subtitle": "hg38.fa, model enformer, human head",
        "notice": "",
        "variant": Interval("chr7", VARIANT, VARIANT + 1),
        "shown": SHOWN,
        "first_bin_start": START,
        "bin_size_bp": 128,
        "tracks": [track()],
        "effect_name": "SADR",
    }
    return VariantPage(**(values | changes))


def logos(num: int = 41) -> tuple[TrackLogos, LogoColumns]:
    letters = "ACGT" * (num // 4) + "A" * (num % 4)
    scores = np.linspace(-1, 2, num, dtype=np.float32)
    drawn = Letters(letters, scores, range(num))
    return TrackLogos(drawn, drawn), LogoColumns(tuple(range(VARIANT - 20, VARIANT - 20 + num)), range(20, 21))


def boxes(figure: Figure, artists: Sequence[Artist]) -> list[Bbox]:
    """Where things are drawn, in dots."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [artist.get_window_extent(canvas.get_renderer()) for artist in artists]


def texts(figure: Figure) -> list[Text]:
    """All texts that are drawn, those of axes and legends among them."""
    FigureCanvasAgg(figure).draw()
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def written(figure: Figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]
