"""Stem and conv_tower over stretches of a few bins, in batches of one fixed shape."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import tensorflow as tf

from enformer_vep.genome.codes import N_CODE, Codes
from enformer_vep.genome.layout import FetchCodes, ModelInput
from enformer_vep.inference.host import HostLink
from enformer_vep.inference.receptive_field import ReceptiveField


class Patch(NamedTuple):
    """As many neighbouring bins of one sequence as one base can reach.

    Attributes:
      layout: the sequence.
      first_bin: number of the first bin in the window.
    """

    layout: ModelInput
    first_bin: int


class Patches:
    """Computes patches.

    Attributes:
      num_bins: bins of a patch.
      num_computed: patches that were computed.
    """

    def __init__(
        self,
        compute: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        field: ReceptiveField,
        fetch: FetchCodes,
        link: HostLink,
        batch_size: int,
    ) -> None:
        """Prepares to compute patches.

        Args:
          compute: turns codes uint8 [B, length] of patches with their context, and the numbers int32 [B] of their
            first bins, into float32 [B, num_bins, C].
          field: the model's receptive field.
          fetch: returns the reference's codes.
          link: the way to the device.
          batch_size: patches at a time.
        """
        self._compute = compute
        self._field = field
        self._fetch = fetch
        self._link = link
        self._batch_size = batch_size
        self.num_bins = field.max_bins_of_base
        self.num_computed = 0

    def compute(self, patches: Sequence[Patch]) -> list[tf.Tensor]:
        """Returns float32 [num_bins, C] for each patch, on the device."""
        self.num_computed += len(patches)

        def run(rows: Sequence[Patch]) -> tf.Tensor:
            codes = self._link.send(np.stack([self._codes(patch) for patch in rows]))
            first_bins = self._link.send(np.array([patch.first_bin for patch in rows], dtype=np.int32))
            return self._compute(codes, first_bins)

        return in_batches(run, patches, self._batch_size)

    def _codes(self, patch: Patch) -> Codes:
        """Returns the codes of a patch with its context, N beyond the window's ends."""
        start, end = self._field.bases_of(patch.first_bin, self.num_bins)
        first, stop = max(start, 0), min(end, patch.layout.length_bp)
        codes = np.full(end - start, N_CODE, dtype=np.uint8)
        codes[first - start : stop - start] = patch.layout.codes(self._fetch, first, stop)
        return codes


Row = TypeVar("Row")


def in_batches(run: Callable[[Sequence[Row]], tf.Tensor], rows: Sequence[Row], batch_size: int) -> list[tf.Tensor]:
    """Computes rows in batches of one shape, the last of which is padded; a single row is computed by itself.

    Args:
      run: turns a batch of rows into a tensor, along its first axis.
      rows: any number of rows.
      batch_size: rows at a time.

    Returns:
      The tensor of each row.
    """
    found: list[tf.Tensor] = []
    for first in range(0, len(rows), batch_size):
        batch = list(rows[first : first + batch_size])
        num_padded = 0 if len(batch) == 1 else batch_size - len(batch)
        found += tf.unstack(run(batch + batch[-1:] * num_padded))[: len(batch)]
    return found
