"""Sequence as numbers: codes, one_hot, reverse complement, and an allele placed in its window.

`codes` are uint8 with A C G T N = 0 1 2 3 4, in either case; everything that is not A, C, G or T is N.
"""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]

N_CODE = 4


def _code_of_byte() -> Codes:
    codes = np.full(256, N_CODE, dtype=np.uint8)
    for code, (upper, lower) in enumerate(zip(b"ACGT", b"acgt", strict=True)):
        codes[[upper, lower]] = code
    return codes


_CODE_OF_BYTE = _code_of_byte()
_COMPLEMENT = np.array([3, 2, 1, 0, N_CODE], dtype=np.uint8)
_ONE_HOT = np.eye(5, 4, dtype=np.float32)  # the row of N is zeros


def encode(sequence: str | bytes) -> Codes:
    """Encodes a sequence of letters as codes uint8 [length]."""
    letters = sequence.encode("latin-1", "replace") if isinstance(sequence, str) else sequence
    return _CODE_OF_BYTE[np.frombuffer(letters, dtype=np.uint8)]


def one_hot(codes: Codes) -> npt.NDArray[np.float32]:
    """Turns codes [..., length] into float32 [..., length, 4] in the order A C G T; N is all zeros."""
    return _ONE_HOT[codes]


def reverse_complement(codes: Codes) -> Codes:
    """Returns the codes [..., length] of the other strand, read 5' to 3'."""
    return _COMPLEMENT[codes[..., ::-1]]


def place_alleles(
    region: Codes, *, offset_bp: int, num_ref_bp: int, alternate: Codes, length_bp: int
) -> tuple[Codes, Codes]:
    """Makes the reference and the alternate sequence of one allele.

    Both begin at the region's first base. The alternate has the same left flank, the ALT allele in place of REF, and
    then as much of the reference as fills the window: more for a deletion, less for an insertion.

    Args:
      region: codes of the reference from the window's start on, long enough for both windows.
      offset_bp: where REF begins in the region.
      num_ref_bp: length of REF.
      alternate: codes of ALT.
      length_bp: length of the windows.

    Returns:
      Two codes uint8 [length_bp]: reference and alternate. The arguments are not changed.

    Raises:
      ValueError: the region is too short.
    """
    needed_bp = length_bp + max(0, num_ref_bp - len(alternate))
    if len(region) < needed_bp:
        raise ValueError(f"the region must hold at least {needed_bp} bp, got {len(region)}")
    reference = region[:length_bp].copy()
    right = region[offset_bp + num_ref_bp :]
    num_right_bp = max(0, length_bp - offset_bp - len(alternate))
    placed = np.concatenate([region[:offset_bp], alternate, right[:num_right_bp]])[:length_bp]
    return reference, placed
