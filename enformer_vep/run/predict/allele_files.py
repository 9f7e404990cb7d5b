"""The files of predicted alleles: folders of bigWig files, one table, or one Zarr store, and a list of all alleles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from enformer_vep.genome.tiling import bins_within
from enformer_vep.io.arrays.bigwig import BIGWIG_SUFFIX, write_bigwig
from enformer_vep.io.arrays.zarr_folder import ZarrArrays, ZarrRows
from enformer_vep.io.files import FolderNames, whole_file, whole_folder
from enformer_vep.io.tables.prediction_table import PredictionTable
from enformer_vep.io.tables.row_writer import write_line
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.run.model_run import EngineCourse
from enformer_vep.run.predict.files import ALLELES_NAME, ALLELES_SUFFIX, RUN_SUFFIX, Described, beside
from enformer_vep.run.predict.settings import PredictOutput
from enformer_vep.run.record_json import record_text
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from enformer_vep.run.score.scorer import VariantProfile

KINDS = ("ref", "alt", "diff")
"""The predictions of every track: the reference's, the alternate's, and the second less the first."""

ARRAYS = ("reference", "alternate", "difference")
"""The same in a Zarr store."""

Float32s = npt.NDArray[np.float32]


class AlleleWriter(Protocol):
    """Takes alleles in the order of the input."""

    def write(self, allele: VcfAllele, profile: VariantProfile | Unscored) -> None:
        """Writes an allele's predictions, or why there are none."""
        ...

    def finish(self, course: EngineCourse) -> None:
        """Writes the run record, after the last allele."""
        ...


class _Listed(NamedTuple):
    """An allele in the list: its bins' interval and its folder, or why it was skipped."""

    allele: VcfAllele
    start: int | None = None
    end: int | None = None
    folder: str = ""
    reason: str = ""
    detail: str = ""

    @classmethod
    def of(cls, allele: VcfAllele, profile: VariantProfile | Unscored, folder: str = "") -> "_Listed":
        if isinstance(profile, Unscored):
            return cls(allele, reason=profile.reason.value, detail=profile.detail)
        return cls(allele, profile.bins.start, profile.bins.end, folder)

    def line(self, columns: tuple[str, ...]) -> list[str]:
        """Returns the columns as text, empty where there is nothing."""
        values = {**self._asdict(), **self.allele.fields._asdict()}
        return ["" if values[name] is None else str(values[name]) for name in columns]


@contextmanager
def open_allele_writer(
    output: PredictOutput, described: Described, num_alleles: int, num_bins: int
) -> Iterator[AlleleWriter]:
    """Opens the output, which appears under its name when the block ends and everything was written.

    Args:
      output: the folder or file.
      described: the run and its tracks.
      num_alleles: alleles that will be written, those that are skipped among them.
      num_bins: bins of a window that are predicted.

    Raises:
      EnformerVepError: it cannot be written.
    """
    if output.is_table:
        columns = [f"{kind}:{name}" for kind in KINDS for name in described.tracks.identifiers]
        with (
            whole_file(output.path) as stream,
            whole_file(beside(output.path, RUN_SUFFIX)) as record,
            whole_file(beside(output.path, ALLELES_SUFFIX)) as listed,
            PredictionTable(
                stream,
                described.contigs,
                columns,
                described.bin_size_bp,
                described.table_metadata(),
                keys=("record", "allele"),
            ) as table,
        ):
            yield _Table(table, described, listed, lambda text: record.write(text))
        return
    if output.is_arrays:
        with described.whole_arrays(output.path) as arrays:
            yield _Arrays(arrays, described, num_alleles, num_bins)
        return
    with whole_folder(output.path) as folder, (folder / ALLELES_NAME).open("wb") as listed:
        yield _BigWigs(folder, described, listed)


class _BigWigs:
    """bigWig cannot hold bins that overlap, so every allele has a folder of its own."""

    def __init__(self, folder: Path, described: Described, listed: BinaryIO) -> None:
        self._folder = folder
        self._described = described
        self._names = FolderNames()
        self._listed = listed
        self._columns = (*SKIPPED_COLUMNS, "start", "end", "folder")
        write_line(listed, self._columns)

    def write(self, allele: VcfAllele, profile: VariantProfile | Unscored) -> None:
        name = ""
        if not isinstance(profile, Unscored):
            name = self._names.name(allele.variant)
            (self._folder / name).mkdir()
            self._write_tracks(self._folder / name, profile)
        write_line(self._listed, _Listed.of(allele, profile, name).line(self._columns))

    def _write_tracks(self, folder: Path, profile: VariantProfile) -> None:
        described = self._described
        contigs, bin_size_bp = described.contigs, described.bin_size_bp
        span = bins_within(profile.bins, contigs[profile.bins.contig], bin_size_bp)
        for kind, values in zip(KINDS, _values(profile), strict=True):
            for name, of_track in zip(described.tracks.identifiers, values[span.first : span.stop].T, strict=True):
                write_bigwig(folder / f"{name}.{kind}{BIGWIG_SUFFIX}", contigs, [span], of_track, bin_size_bp)

    def finish(self, course: EngineCourse) -> None:
        self._listed.flush()
        self._described.finish_folder(self._folder, course)


class _Table:
    def __init__(
        self, table: PredictionTable, described: Described, listed: BinaryIO, write_record: Callable[[bytes], Any]
    ) -> None:
        self._table = table
        self._described = described
        self._listed = listed
        self._write_record = write_record
        self._columns = (*SKIPPED_COLUMNS, "start", "end")
        write_line(listed, self._columns)

    def write(self, allele: VcfAllele, profile: VariantProfile | Unscored) -> None:
        write_line(self._listed, _Listed.of(allele, profile).line(self._columns))
        if isinstance(profile, Unscored):
            return
        described = self._described
        span = bins_within(profile.bins, described.contigs[profile.bins.contig], described.bin_size_bp)
        values = np.concatenate([of_kind[span.first : span.stop] for of_kind in _values(profile)], axis=1)
        self._table.add(span, values, (allele.record, allele.allele))

    def finish(self, course: EngineCourse) -> None:
        self._write_record(record_text(self._described.identity, course))


class _Arrays:
    """Every allele has its row, which is NaN where nothing is predicted."""

    def __init__(self, arrays: ZarrArrays, described: Described, num_alleles: int, num_bins: int) -> None:
        self._arrays = arrays
        self._described = described
        shape = (num_alleles, num_bins, len(described.tracks.identifiers))
        self._row_shape = (1, *shape[1:])
        self._values = [ZarrRows(arrays.create(name, shape, "float32")) for name in ARRAYS]
        self._listed: list[_Listed] = []
        self._contigs: list[str] = []

    def write(self, allele: VcfAllele, profile: VariantProfile | Unscored) -> None:
        self._listed.append(_Listed.of(allele, profile))
        rows = [np.full(self._row_shape, np.nan, np.float32) for _ in ARRAYS]
        if isinstance(profile, Unscored):
            self._contigs.append("")
        else:
            contig = profile.bins.contig
            self._contigs.append(contig)
            span = bins_within(profile.bins, self._described.contigs[contig], self._described.bin_size_bp)
            for row, values in zip(rows, _values(profile), strict=True):
                row[0, span.first : span.stop] = values[span.first : span.stop]
        for array, row in zip(self._values, rows, strict=True):
            array.write(row)

    def finish(self, course: EngineCourse) -> None:
        for array in self._values:
            array.finish()
        for number, name in enumerate(AlleleFields._fields):
            self._arrays.add(name, [_utf8(listed.allele.fields[number]) for listed in self._listed])
        self._arrays.add("contig", self._contigs)
        self._arrays.add("start", np.array([listed.start or 0 for listed in self._listed], np.int64))
        self._arrays.add("reason", [listed.reason for listed in self._listed])
        self._arrays.add("detail", [_utf8(listed.detail) for listed in self._listed])
        self._described.finish_arrays(self._arrays, course)


def _utf8(value: Any) -> Any:
    """Replaces what is not UTF-8 in a text, which Zarr cannot store."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value


def _values(profile: VariantProfile) -> tuple[Float32s, Float32s, Float32s]:
    """Returns the predictions in the order of KINDS: float32 [bins, tracks] each."""
    return profile.reference, profile.alternate, profile.difference
