"""The lengths that Enformer fixes: window, bins and crop, and where a variant stands in its window.

All positions here are offsets into a window: 0-based, in base pairs or in bins as the name says.
"""

from dataclasses import dataclass

SEQUENCE_LENGTH_BP = 196_608
"""Length of the official model's input window."""

BIN_SIZE_BP = 128
"""Base pairs that one output bin stands for."""

NUM_BINS = 896
"""Bins that the official model predicts and that are scored: the central 114,688 bp of its window."""


@dataclass(frozen=True)
class Geometry:
    """How one model's window divides into bins.

    Attributes:
      sequence_length_bp: length of the input window.
      num_bins: bins that are predicted, in the middle of the window.
      bin_size_bp: length of one bin.

    Raises:
      ValueError: the window is not a whole, even number of bins, or the crop is not the same at both ends.
    """

    sequence_length_bp: int = SEQUENCE_LENGTH_BP
    num_bins: int = NUM_BINS
    bin_size_bp: int = BIN_SIZE_BP

    def __post_init__(self) -> None:
        if self.bin_size_bp < 1 or self.num_bins < 1:
            raise ValueError(f"bin_size_bp and num_bins must be at least 1, got {self.bin_size_bp} and {self.num_bins}")
        if self.sequence_length_bp < 1 or self.sequence_length_bp % (2 * self.bin_size_bp):
            raise ValueError(
                f"sequence_length_bp must be a multiple of two bins ({2 * self.bin_size_bp} bp), "
                f"got {self.sequence_length_bp}"
            )
        if self.num_bins > self.num_tower_bins or (self.num_tower_bins - self.num_bins) % 2:
            raise ValueError(
                f"num_bins must be at most {self.num_tower_bins} and leave the same crop at both ends, got "
                f"{self.num_bins}"
            )

    @property
    def num_tower_bins(self) -> int:
        """Positions along the window after the conv_tower (1,536 officially)."""
        return self.sequence_length_bp // self.bin_size_bp

    @property
    def crop_bins(self) -> int:
        """Tower bins dropped at each end before scoring (320 officially)."""
        return (self.num_tower_bins - self.num_bins) // 2

    @property
    def scored_tower_bins(self) -> range:
        """The tower bins that the crop leaves."""
        return range(self.crop_bins, self.crop_bins + self.num_bins)

    @property
    def variant_offset_bp(self) -> int:
        """Where the first REF base stands in a centred window: L/2 - 1 (98,303 officially).

        This is the convention of basenji's SAD and of DeepMind's VCF notebook, and the last base of a bin (447).
        """
        return self.sequence_length_bp // 2 - 1

    def bin_of(self, offset_bp: int) -> int | None:
        """Returns the scored bin that holds the base at this offset into the window, None if it is cropped."""
        bin_index = offset_bp // self.bin_size_bp - self.crop_bins
        return bin_index if 0 <= bin_index < self.num_bins else None
