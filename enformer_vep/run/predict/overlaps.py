"""Averages the predictions of overlapping windows, bin by bin."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.tiling import BinSpan, Tile

Float32s = npt.NDArray[np.float32]


def averaged(predicted: Iterable[tuple[Tile, Float32s]], windows_per_bin: int) -> Iterator[tuple[BinSpan, Float32s]]:
    """Yields the wanted bins in their order, each with the mean of the windows that it is in: float32 [bins, tracks].

    The scored bins of a window are as many stretches as windows have each bin; a stretch is complete when the window
    that begins with it is there. So no more than the bins of one window are held, as sums in float64.

    Args:
      predicted: the windows, as `tiles` orders them, each with its prediction: float32 [scored bins, tracks].
      windows_per_bin: how many windows each wanted bin is in.
    """
    sums: dict[tuple[str, int], npt.NDArray[np.float64]] = {}
    for tile, values in predicted:
        contig, stride = tile.window.contig, len(values) // windows_per_bin
        for at in range(0, len(values), stride):
            first = tile.first + at
            if tile.wanted(first, first + stride):
                of_stretch = values[at : at + stride]
                known = sums.get((contig, first))
                sums[contig, first] = of_stretch.astype(np.float64) if known is None else known + of_stretch
        if wanted := tile.wanted(tile.first, tile.first + stride):
            mean = (sums.pop((contig, tile.first)) / windows_per_bin).astype(np.float32)
            for span in wanted:
                yield span, mean[tile.scored(span)]
