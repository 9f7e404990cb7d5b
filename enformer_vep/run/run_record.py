"""The run record: the inputs, settings, versions and results of a run."""

import hashlib
import json
import os
import platform
import resource
import sys
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from enformer_vep import __version__
from enformer_vep.errors import InputError
from enformer_vep.wording import cause

RECORDED_PACKAGES = ("tensorflow", "dm-sonnet", "numpy", "pysam", "pyfaidx", "pyarrow")

WHOLE_FILE_BYTES = 256 * 2**20
"""Larger files are identified by samples of their bytes."""

NUM_SAMPLES = 64
SAMPLE_BYTES = 2**20


def file_identity(path: str | Path) -> dict[str, Any]:
    """Identifies a file by its content.

    Args:
      path: the file.

    Returns:
      `bytes` and `sha256`. For a file over 256 MiB, `sampled_sha256` replaces `sha256`: the digest of its length (as
      decimal digits) and of 64 pieces of 1 MiB at equal distances, the first and the last MiB among them.
    """
    size = os.path.getsize(path)
    identity: dict[str, Any] = {"bytes": size}
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


def versions() -> dict[str, str]:
    """Returns the versions of this package, Python, and the packages that numbers or files depend on."""
    found = {"enformer-vep": __version__, "python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            found[package] = "unknown"
    return found


def how_it_went(started: datetime, seconds_scoring: float) -> dict[str, Any]:
    """Returns times and memory of a run that ends now."""
    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds_scoring": round(seconds_scoring, 3),
        "seconds_total": round((datetime.now(timezone.utc) - started).total_seconds(), 3),
        "peak_memory_bytes": peak_memory_bytes(),
    }


def peak_memory_bytes() -> int:
    """Returns the most memory that this process has held so far."""
    with suppress(OSError, StopIteration), open("/proc/self/status", encoding="ascii") as lines:
        # On Linux, getrusage never reports less than the memory of the process that started this one.
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes


def read_run_record(path: Path) -> dict[str, Any]:
    """Reads a run record.

    Raises:
      InputError: the file cannot be read, or is not a run record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a run record: {cause(error)}") from error
    if not isinstance(record, dict) or "counts" not in record or "format" not in record:
        raise InputError(f"{path} is not a run record: expected JSON with 'format' and 'counts'")
    return record


def is_run_record(path: Path) -> bool:
    """Returns whether a file is the record of a run of this program."""
    try:
        versions_then = read_run_record(path).get("versions")
    except InputError:
        return False
    return isinstance(versions_then, dict) and "enformer-vep" in versions_then


def difference(first: Any, second: Any, name: str) -> tuple[str, Any, Any] | None:
    """Finds the first item in which two values of a record differ.

    Returns:
      The item's name as a path with dots, and its two values; None if all items are equal.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        for key in {**second, **first}:
            if found := difference(first.get(key), second.get(key), f"{name}.{key}"):
                return found
        return None
    return None if first == second else (name, first, second)
