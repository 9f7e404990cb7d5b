"""The cache folder, and the place of every fetched file in it."""

from dataclasses import dataclass
from pathlib import Path

from enformer_vep.fetch.remote import GENOMES

APPLICATION = "enformer-vep"


@dataclass(frozen=True)
class Cache:
    """The folder in which fetched files are kept.

    A file under its final name is whole and checked. What is being downloaded, or was placed by hand and is not yet
    checked, lies in `downloads`.

    Attributes:
      folder: the folder, which need not exist.
    """

    folder: Path

    @classmethod
    def at(cls, folder: str | Path | None) -> "Cache":
        """Returns the cache at a folder; without one, at the user's cache folder of this program."""
        if folder is not None:
            return cls(Path(folder).expanduser())
        import platformdirs

        return cls(platformdirs.user_cache_path(APPLICATION))

    @property
    def weights(self) -> Path:
        """The folder of the official weights."""
        return self.folder / "models" / "enformer"

    def track_table(self, head: str) -> Path:
        """The published table of a head's tracks."""
        return self.folder / "tracks" / f"targets_{head}.txt"

    def genome(self, name: str) -> Path:
        """The bgzipped FASTA of a genome, beside which are its indexes `.fai` and `.gzi`."""
        return self.folder / "genomes" / f"{name}.fa.gz"

    @property
    def downloads(self) -> Path:
        """The folder of what is not yet finished, under the places of `remote.RemoteFile`."""
        return self.folder / "downloads"

    def lock(self, name: str) -> Path:
        """The file that is locked while something is fetched."""
        return self.folder / "locks" / f"{name}.lock"

    def fetched_genomes(self) -> list[str]:
        """Returns the names of the genomes that are there."""
        return [name for name in GENOMES if self.genome(name).is_file()]
