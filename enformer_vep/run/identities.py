"""The identities of all that a run is made with, as its record has them: files, genome, weights, tracks, software."""

import hashlib
import os
import platform
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enformer_vep import __version__

if TYPE_CHECKING:
    from enformer_vep.genome.saturation import SaturatedBases
    from enformer_vep.io.genome.fasta import Genome
    from enformer_vep.io.tracks.table import TrackTable
    from enformer_vep.io.vcf.selection import Selection
    from enformer_vep.model.weights import LoadedModel

WHOLE_FILE_BYTES = 256 * 2**20
"""Larger files are identified by samples of their bytes."""

NUM_SAMPLES = 64
SAMPLE_BYTES = 2**20

RECORDED_PACKAGES = ("tensorflow", "dm-sonnet", "numpy", "pysam", "pyfaidx", "pyarrow")


@dataclass(frozen=True)
class FileIdentity:
    """The identity of a file, whatever its name.

    Attributes:
      bytes: its length.
      sha256: digest of its content; None for a file over 256 MiB.
      sampled_sha256: for such a file, the digest of its length (as decimal digits) and of 64 pieces of 1 MiB at equal
        distances, the first and the last MiB among them.
    """

    bytes: int
    sha256: str | None = None
    sampled_sha256: str | None = None

    @property
    def digest(self) -> str:
        """The digest that there is."""
        return self.sha256 or self.sampled_sha256 or ""


def identify_file(path: str | Path) -> FileIdentity:
    """Identifies a file by its content."""
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


@dataclass(frozen=True)
class FastaIdentity(FileIdentity):
    """A FASTA and its index."""

    index: FileIdentity | None = None


def identify_fasta(genome: "Genome") -> FastaIdentity:
    """Identifies a FASTA and its index."""
    return FastaIdentity(**vars(identify_file(genome.path)), index=identify_file(genome.index_path))


@dataclass(frozen=True)
class ModelIdentity:
    """A model.

    Attributes:
      name: as it calls itself.
      file: the file that identifies its weights: the index of a checkpoint, or the one file that they are in.
      format: as `WeightsIdentity.file_format` names it.
      tensors_sha256: digest of the keys and checksums of its tensors.
      is_published: whether the tensors are the published ones.
      config: its sizes.
    """

    name: str
    file: FileIdentity
    format: str
    tensors_sha256: str
    is_published: bool
    config: dict[str, Any]


def identify_model(loaded: "LoadedModel") -> ModelIdentity:
    """Identifies a model by its weights and sizes."""
    return ModelIdentity(
        name=loaded.name,
        file=identify_file(loaded.identity.path),
        format=loaded.identity.file_format,
        tensors_sha256=loaded.identity.tensors_sha256,
        is_published=loaded.identity.is_published,
        config=loaded.model.config.to_dict(),
    )


@dataclass(frozen=True)
class TracksIdentity:
    """The number of tracks, and a digest of their table."""

    num_tracks: int
    sha256: str

    @classmethod
    def of(cls, tracks: "TrackTable") -> "TracksIdentity":
        """Identifies tracks by their table."""
        return cls(**tracks.record())


@dataclass(frozen=True)
class SelectionIdentity:
    """The numbers of regions and IDs that records are selected by, and a digest of them."""

    num_regions: int
    pass_only: bool
    num_include_ids: int | None
    sha256: str

    @classmethod
    def of(cls, selection: "Selection") -> "SelectionIdentity":
        """Identifies a selection."""
        return cls(**selection.record())


@dataclass(frozen=True)
class SaturationIdentity:
    """The bases whose changes are scored, how many of them are N and have none, the deletions, and a digest."""

    num_regions: int
    num_bases: int
    num_unknown_bases: int
    max_deletion_bp: int
    num_deletions_left_out: int
    sha256: str

    @classmethod
    def of(cls, bases: "SaturatedBases") -> "SaturationIdentity":
        """Identifies bases by their positions and letters."""
        digest = hashlib.sha256(bases.to_json()).hexdigest()
        return cls(
            num_regions=len(bases.regions),
            num_bases=bases.num_bases,
            num_unknown_bases=bases.num_unknown,
            max_deletion_bp=bases.max_deletion_bp,
            num_deletions_left_out=bases.num_deletions_left_out,
            sha256=digest,
        )


def versions() -> dict[str, str]:
    """Returns the versions of this package, Python, and the packages that numbers or files depend on."""
    by_name = {"enformer-vep": __version__, "python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            by_name[package] = version(package)
        except PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            by_name[package] = "unknown"
    return by_name


def peak_memory_bytes() -> int:
    """Returns the most memory that this process has held so far."""
    with suppress(OSError, StopIteration), open("/proc/self/status", encoding="ascii") as lines:
        # On Linux, getrusage never reports less than the memory of the process that started this one.
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes
