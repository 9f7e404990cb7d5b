"""Sequence as numbers: codes, one_hot and reverse complement.

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
