"""The names of a run's files, and whether they can be written."""

from pathlib import Path
from typing import Literal, get_args

from enformer_vep.errors import OutputError
from enformer_vep.io.files import check_parent
from enformer_vep.wording import option

STANDARD_OUTPUT = "-"
SUFFIXES = (".parquet", ".tsv", ".tsv.gz")

NPZ_SUFFIX = ".npz"
ZARR_SUFFIX = ".zarr"
SATURATION_SUFFIXES = (".parquet", NPZ_SUFFIX, ZARR_SUFFIX)
"""Of the effects of every change of a region: as a table, or as arrays."""

SATURATION_KIND = "enformer-vep saturation"
"""The format that such arrays name."""

Layout = Literal["wide", "list", "long"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
Dtype = Literal["float32", "float16"]
DTYPES: tuple[Dtype, ...] = get_args(Dtype)
SummaryKind = Literal["none", "beside", "only"]
"""No summary, one in OUT.summary.tsv beside the scores, or one that is OUT itself, instead of the scores."""
SUMMARY_KINDS: tuple[SummaryKind, ...] = get_args(SummaryKind)

SKIPPED_SUFFIX = ".skipped.tsv"
RUN_SUFFIX = ".run.json"
TRACKS_SUFFIX = ".tracks.tsv"
SUMMARY_SUFFIX = ".summary.tsv"
GENES_STEM = ".genes"
WORK_SUFFIX = ".parts"


class OutputPaths:
    """Where a run's files go.

    Beside the table stand OUT.skipped.tsv, OUT.run.json, for text OUT.tracks.tsv, and if wanted OUT.summary.tsv and
    OUT.genes.parquet or OUT.genes.tsv. While the run lasts, OUT.parts holds its finished parts.
    """

    def __init__(
        self,
        out: str,
        *,
        default_stem: str = "out",
        summary: SummaryKind = "none",
        genes: bool = False,
        suffixes: tuple[str, ...] = SUFFIXES,
    ) -> None:
        """Derives the names of all files.

        Args:
          out: OUT, '-' for text on standard output.
          default_stem: with '-', the files beside the table are named as if OUT were this path with '.tsv'.
          summary: whether there is a summary, and where.
          genes: whether there is a table of genes.
          suffixes: the file extensions of the supported formats.

        Raises:
          OutputError: OUT's file extension is not one of a supported format.
        """
        self.is_standard_output = out == STANDARD_OUTPUT
        if not self.is_standard_output and not out.endswith(suffixes):
            raise OutputError(f"cannot tell the format of {out!r}: expected a name that ends in {', '.join(suffixes)}")
        self.table = Path(f"{default_stem}.tsv" if self.is_standard_output else out)
        self.is_parquet = self.table.name.endswith(".parquet")
        self.is_gzipped = self.table.name.endswith(".gz")
        self.is_folder = self.table.name.endswith(ZARR_SUFFIX)
        self.skipped = self._beside(SKIPPED_SUFFIX)
        self.run = self._beside(RUN_SUFFIX)
        self.tracks = None if self.is_parquet else self._beside(TRACKS_SUFFIX)
        self.summary = self._beside(SUMMARY_SUFFIX) if summary == "beside" else None
        self.genes = self._beside(f"{GENES_STEM}{'.parquet' if self.is_parquet else '.tsv'}") if genes else None
        self.work = self._beside(WORK_SUFFIX)

    def _beside(self, suffix: str) -> Path:
        return self.table.with_name(self.table.name + suffix)

    def _may_be_folder(self, path: Path) -> bool:
        return self.is_folder and path == self.table

    @property
    def all(self) -> list[Path]:
        """Every file that a finished run leaves."""
        table = [] if self.is_standard_output else [self.table]
        return [*table, self.skipped, self.run, *(path for path in (self.tracks, self.summary, self.genes) if path)]

    def is_whole(self) -> bool:
        """Returns whether every file exists, as after a finished run."""
        return not self.is_standard_output and all(
            path.is_dir() if self._may_be_folder(path) else path.is_file() for path in self.all
        )

    def check(self, *, overwrite: bool) -> None:
        """Checks that the files can be written, and writes nothing.

        Raises:
          OutputError: the folder is missing or cannot be written, or a file exists and must not be replaced.
        """
        check_parent(self.table)
        if self.is_folder:
            from enformer_vep.io.arrays.zarr_folder import check_zarr_folder  # which imports NumPy

            check_zarr_folder(self.table, SATURATION_KIND, overwrite=overwrite)
        for path in self.all:
            if path.is_dir() and not self._may_be_folder(path):
                raise OutputError(f"{path} is a folder: choose the name of a file")
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists: choose another output, or use {option('--overwrite')}")
        if self.work.exists() and not self.work.is_dir():
            raise OutputError(f"{self.work} is a file, but the run needs this name for its work folder: move it away")
