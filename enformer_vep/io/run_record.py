"""The run record: what was run, on what, with what, and what came of it."""

import hashlib
import os
from pathlib import Path
from typing import Any

WHOLE_FILE_BYTES = 256 * 2**20
"""Larger files are known by samples of their bytes."""

NUM_SAMPLES = 64
SAMPLE_BYTES = 2**20


def file_identity(path: str | Path) -> dict[str, Any]:
    """Identifies a file by its content.

    Args:
      path: the file. Of standard input ('-') and pipes, which can be read only once, just the path is given.

    Returns:
      `path`, `bytes`, and `sha256`; for a file over 256 MiB, instead of `sha256`, `sampled_sha256` of its length (as
      decimal digits) and 64 pieces of 1 MiB at equal distances, the first and the last MiB among them.
    """
    if not os.path.isfile(path):
        return {"path": str(path)}
    size = os.path.getsize(path)
    identity = {"path": os.path.abspath(path), "bytes": size}
    with open(path, "rb") as handle:
        if size <= WHOLE_FILE_BYTES:
            whole = hashlib.sha256()
            while piece := handle.read(SAMPLE_BYTES):
                whole.update(piece)
            return identity | {"sha256": whole.hexdigest()}
        digest = hashlib.sha256(str(size).encode())
        for sample in range(NUM_SAMPLES):
            handle.seek((size - SAMPLE_BYTES) * sample // (NUM_SAMPLES - 1))
            digest.update(handle.read(SAMPLE_BYTES))
    return identity | {"sampled_sha256": digest.hexdigest()}
