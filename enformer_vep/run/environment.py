"""What a run ran in: versions of software, and memory."""

import platform
import resource
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from enformer_vep import __version__

RECORDED_PACKAGES = ("tensorflow", "dm-sonnet", "numpy", "pysam", "pyfaidx", "pyarrow")


def versions() -> dict[str, str]:
    """Returns the versions of this package, Python, and the packages that numbers or files depend on."""
    found = {"enformer-vep": __version__, "python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            found[package] = "unknown"
    return found


def peak_memory_bytes() -> int:
    """Returns the most memory that this process has held so far."""
    with suppress(OSError, StopIteration), open("/proc/self/status", encoding="ascii") as lines:
        # On Linux, getrusage never reports less than the memory of the process that started this one.
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes
