"""Identifies files by their content."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

WHOLE_FILE_BYTES = 256 * 2**20
"""Larger files are identified by samples of their bytes."""

NUM_SAMPLES = 64
SAMPLE_BYTES = 2**20


@dataclass(frozen=True)
class FileIdentity:
    """What is known of a file, whatever its name.

    Attributes:
      bytes: its length.
      sha256: digest of its content; None for a file over 256 MiB.
      sampled_sha256: for such a file, the digest of its length (as decimal digits) and of 64 pieces of 1 MiB at equal
        distances, the first and the last MiB among them.
    """

    bytes: int
    sha256: str | None = None
    sampled_sha256: str | None = None


def file_identity(path: str | Path) -> FileIdentity:
    """Identifies a file."""
    size = os.path.getsize(path)
    with open(path, "rb") as handle:
        if size <= WHOLE_FILE_BYTES:
            whole = hashlib.sha256()
            while piece := handle.read(SAMPLE_BYTES):
                whole.update(piece)
            return FileIdentity(size, sha256=whole.hexdigest())
        digest = hashlib.sha256(str(size).encode())
        for sample in range(NUM_SAMPLES):
            handle.seek((size - SAMPLE_BYTES) * sample // (NUM_SAMPLES - 1))
            digest.update(handle.read(SAMPLE_BYTES))
    return FileIdentity(size, sampled_sha256=digest.hexdigest())
