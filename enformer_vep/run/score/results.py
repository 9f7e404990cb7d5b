"""Writes a run's files under temporary names, and renames them when all of them are complete."""

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.io.arrays.saturation_arrays import EffectArrays, SaturationArrays, open_sink
from enformer_vep.io.files import flush_folder
from enformer_vep.io.tables.formats import TableFile, TableSettings, open_table
from enformer_vep.io.tables.gene_table import (
    GENE_SUMMARY_FIELDS,
    GeneTableFile,
    GeneTableSettings,
    open_gene_table,
    summarize_genes,
)
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_writer import write_line
from enformer_vep.io.tables.summary_table import SummaryFile, open_summary
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.run.background.percentiles import Percentiles
from enformer_vep.run.run_record import RunRecord
from enformer_vep.run.score.parts import Part, SkippedAllele

_PLACE = ("record", "allele")
SKIPPED_COLUMNS = (*_PLACE, *(name for name in AlleleFields._fields if name not in _PLACE), "reason", "detail")

TRACKS_METADATA = b"enformer_vep.tracks"
RUN_METADATA = b"enformer_vep.run"
SATURATION_METADATA = b"enformer_vep.saturation"


class WholeFiles:
    """Files that appear together under their final names when all are complete. Used in a `with` block.

    They are written in a work folder on the same file system. If the block ends before `finish`, none is left. A file
    that cannot be written (a full disk, a folder that was removed) raises EnformerVepError.
    """

    def __init__(self, paths: OutputPaths) -> None:
        self._paths = paths
        self._temporary: dict[Path, Path] = {}
        self._streams: list[BinaryIO] = []

    def __enter__(self) -> "WholeFiles":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:
            with suppress(OSError):  # the file is removed anyway, so an error in writing its last bytes does not matter
                stream.close()
        for temporary in self._temporary.values():
            with suppress(OSError):
                _remove(temporary)

    def open(self, path: Path) -> BinaryIO:
        """Opens one of the files for writing."""
        temporary = self._paths.work / f"whole-{path.name}"
        stream = temporary.open("wb")
        self._temporary[path] = temporary
        self._streams.append(stream)
        return stream

    def open_folder(self, path: Path) -> Path:
        """Creates an output that is a folder, under its temporary name, which is returned."""
        temporary = self._temporary[path] = self._paths.work / f"whole-{path.name}"
        _remove(temporary)  # what is left of a run that was killed
        temporary.mkdir()
        return temporary

    def open_table(self) -> BinaryIO:
        """Opens the table's file, or standard output."""
        return sys.stdout.buffer if self._paths.is_standard_output else self.open(self._paths.table)

    def finish(self) -> None:
        """Flushes the files to disk and renames them, the table last.

        An existing table is removed first: if the program were killed in between, it would otherwise be left beside the
        run record of another run.
        """
        with self.writing():
            for stream in self._streams:
                stream.flush()
                if isinstance(stream, io.BufferedWriter):
                    os.fsync(stream.fileno())
                stream.close()
            if (table := self._temporary.get(self._paths.table)) is not None:
                if table.is_dir():
                    flush_folder(table)
                _remove(self._paths.table)
            for path in reversed(self._paths.all):
                os.replace(self._temporary.pop(path), path)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turns an error in writing into one line; a pipe that is no longer read is not such an error."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EnformerVepError(
                f"cannot write {self._paths.table} or a file beside it: {error.strerror or error}"
            ) from error


class ResultWriter:
    """Writes the parts of a run, in order, into its files."""

    def __init__(
        self,
        files: WholeFiles,
        paths: OutputPaths,
        settings: TableSettings,
        run: RunRecord,
        genes: GeneTableSettings | None = None,
        percentiles: Percentiles | None = None,
    ) -> None:
        """Starts the tables and the list of skipped alleles.

        Args:
          files: the run's files, under temporary names.
          paths: their names.
          settings: how scores are written.
          run: the record of the run without its course, which is the same for equal runs. Goes into Parquet.
          genes: how genes are written; None if no gene is scored.
          percentiles: makes the percentiles of scores, if settings has them.
        """
        self._percentiles = percentiles
        self._files = files
        self._paths = paths
        self._tracks = settings.tracks
        self._genes = genes
        self._table: TableFile | None = None
        self._summary: SummaryFile | None = None
        self._gene_table: GeneTableFile | None = None
        metadata = {TRACKS_METADATA: tracks_to_json(settings.tracks), RUN_METADATA: to_json(run.to_dict())}
        if settings.saturated is not None:
            metadata[SATURATION_METADATA] = settings.saturated.to_json()
        with files.writing():
            self._skipped = files.open(paths.skipped)
            write_line(self._skipped, SKIPPED_COLUMNS)
            self._open_tables(settings, metadata, run.counts.alleles_scored)

    def _open_tables(self, settings: TableSettings, metadata: Mapping[bytes, bytes], num_alleles: int) -> None:
        if settings.saturated is not None and not self._paths.is_parquet:
            self._table = self._open_arrays(settings, settings.saturated, metadata)
            return
        table = self._files.open_table()
        of_genes = {} if self._genes is None else GENE_SUMMARY_FIELDS
        if settings.summary == "only":
            self._summary = open_summary(table, settings, like=self._paths, metadata=metadata, more=of_genes)
        else:
            self._table = open_table(table, self._paths, settings, metadata, num_alleles=num_alleles)
            if self._paths.summary:
                self._summary = open_summary(self._files.open(self._paths.summary), settings, more=of_genes)
        if self._genes is not None and self._paths.genes:
            stream = self._files.open(self._paths.genes)
            self._gene_table = open_gene_table(stream, self._paths, self._genes, metadata)

    def _open_arrays(
        self, settings: TableSettings, saturated: SaturatedBases, metadata: Mapping[bytes, bytes]
    ) -> TableFile:
        path = self._paths.table
        target = self._files.open_folder(path) if self._paths.is_folder else self._files.open(path)
        (statistic,) = settings.statistics
        described = EffectArrays(saturated, statistic, settings.tracks.identifiers, metadata)
        return SaturationArrays(open_sink(target, described), described)

    def write(self, part: Part) -> None:
        """Adds the alleles of a part."""
        with self._files.writing(), np.errstate(over="ignore"):
            if part.alleles:
                self._write_alleles(part)
            for skipped in part.skipped:
                write_line(self._skipped, _skipped_fields(skipped))

    def _write_alleles(self, part: Part) -> None:
        of_genes: list[list[Any]] = []
        if self._genes is not None and self._gene_table is not None and part.genes is not None:
            self._gene_table.write(part.alleles, part.genes)
            of_genes = summarize_genes(self._genes, part.alleles, part.genes)
        percentiles = None if self._percentiles is None else self._percentiles(part.alleles, part.scores)
        if self._table is not None:
            self._table.write(part.alleles, part.scores, percentiles)
        if self._summary is not None:
            self._summary.write(part.alleles, part.scores, percentiles, of_genes)

    def finish(self, run_record: RunRecord) -> None:
        """Writes the rest, and renames every file.

        Args:
          run_record: the whole run record, which is written beside the table.
        """
        with self._files.writing():
            for table in (self._table, self._summary, self._gene_table):
                if table is not None:
                    table.close()
            self._files.open(self._paths.run).write(to_json(run_record.to_dict()))
            if self._paths.tracks:
                self._files.open(self._paths.tracks).write(self._tracks.to_tsv())
        self._files.finish()


def to_json(record: dict[str, Any]) -> bytes:
    """Writes a record as indented JSON."""
    return (json.dumps(record, indent=2) + "\n").encode()


def tracks_to_json(tracks: TrackTable) -> bytes:
    """Writes a track table as JSON, one list per column, which is a third shorter than one object per track."""
    return json.dumps(tracks.table.to_dict("list"), separators=(",", ":")).encode()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _skipped_fields(skipped: SkippedAllele) -> Sequence[str]:
    values = {**skipped.allele.fields._asdict(), "reason": skipped.reason.value, "detail": skipped.detail}
    return [str(values[name]) for name in SKIPPED_COLUMNS]
