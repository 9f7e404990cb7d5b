"""Merges the outputs of `score --shard K/N` into the output of a single run."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.tables.formats import alleles_per_group
from enformer_vep.io.tables.outputs import OutputPaths, SummaryKind
from enformer_vep.io.tables.row_reader import open_parquet
from enformer_vep.io.tables.row_writer import ParquetRows, TableColumns
from enformer_vep.run.record_json import Difference, to_json_values
from enformer_vep.run.run_record import (
    Counts,
    MergeCourse,
    RunCourse,
    RunIdentity,
    RunRecord,
    ShardRecord,
    read_run_record,
)
from enformer_vep.run.score.parts import WorkFolder
from enformer_vep.run.score.results import RUN_METADATA, TRACKS_METADATA, WholeFiles, to_json
from enformer_vep.wording import cause, listed, plural

BATCH_ROWS = 1000
"""Rows of a shard that are read at a time."""


@dataclass(frozen=True)
class ShardOutput:
    """The output of one shard: its files and its run record, whose parts that a shard always has are not None."""

    paths: OutputPaths
    identity: RunIdentity
    shard: ShardRecord
    counts: Counts
    course: RunCourse

    def origin(self) -> dict[str, object]:
        """Describes the shard in the record of the merged run."""
        return {"path": str(self.paths.table)} | to_json_values(self.shard) | to_json_values(self.course)


def merge_shards(out: str, parts: Sequence[str], *, overwrite: bool = False, command: str = "") -> str:
    """Merges shards.

    Args:
      out: the output, in the format of the shards.
      parts: the shards' outputs, in any order; the files beside each are read too.
      overwrite: whether existing files are overwritten.
      command: the command line, for the run record.

    Returns:
      A line that says what was done.

    Raises:
      InputError: a shard is missing or duplicated, shards belong to different runs, or their format differs from OUT's.
      EnformerVepError: the output cannot be written, or a shard does not match its run record.
    """
    paths = OutputPaths(out)
    if paths.is_standard_output:
        raise InputError("merge cannot write to standard output: name a file as OUT")
    paths.check(overwrite=overwrite)
    shards = sorted((_open_shard(part, paths) for part in parts), key=lambda shard: shard.shard.number)
    _check_complete(shards)
    paths = _all_paths(out, shards[0].identity)
    paths.check(overwrite=overwrite)
    counts = Counts.of_shards([shard.counts for shard in shards])
    run = RunRecord(shards[0].identity, None, counts)
    with WorkFolder(paths.work) as work, WholeFiles(paths) as files, files.writing():
        if work.finished():
            raise InputError(f"an unfinished run is in {paths.work}: choose another output, or finish that run first")
        num_alleles = (_merge_parquet if paths.is_parquet else _merge_text)(shards, paths, files, run)
        skipped = [shard.paths.skipped for shard in shards]
        _merge_lines(skipped, files.open(paths.skipped), counts.alleles_skipped, "skip")
        if num_alleles != counts.alleles_scored:
            raise EnformerVepError(
                f"the shards contain {num_alleles} alleles, but their run records say {counts.alleles_scored}: "
                "score the shards again"
            )
        if paths.summary:
            summaries = [shard.paths.summary for shard in shards if shard.paths.summary]
            _merge_lines(summaries, files.open(paths.summary), counts.alleles_scored, "summarize")
        if paths.genes:
            _merge_genes(shards, paths.genes, files, run)
        if paths.tracks and shards[0].paths.tracks:
            files.open(paths.tracks).write(shards[0].paths.tracks.read_bytes())
        seconds = sum(shard.course.seconds_scoring for shard in shards)
        course = MergeCourse(command, seconds, tuple(shard.origin() for shard in shards))
        files.open(paths.run).write(to_json(replace(run, course=course).to_dict()))
        files.finish()
        work.discard_at_exit()
    scored = f"{counts.alleles_scored} of {counts.alleles_read} alleles scored"
    return f"merged {plural(len(shards), 'shard')}: {scored}; results: {out}"


def _open_shard(part: str, paths: OutputPaths) -> ShardOutput:
    shard = OutputPaths(part)
    if (shard.is_parquet, shard.is_gzipped) != (paths.is_parquet, paths.is_gzipped):
        raise InputError(f"{part} and {paths.table} differ in format: give OUT the file extension of the shards")
    _check_files(part, shard)
    record = read_run_record(shard.run)
    shard = _all_paths(part, record.identity)
    _check_files(part, shard)
    if record.shard is None or not isinstance(record.course, RunCourse):
        raise InputError(f"{part} is not a shard: it was not written with --shard K/N")
    return ShardOutput(shard, record.identity, record.shard, record.counts, record.course)


def _all_paths(out: str, identity: RunIdentity) -> OutputPaths:
    summary: SummaryKind = "beside" if identity.output.summary == "beside" else "none"
    return OutputPaths(out, summary=summary, genes=identity.genes is not None)


def _check_files(part: str, shard: OutputPaths) -> None:
    for path in shard.all:
        if not path.is_file():
            raise InputError(f"no such file: {path}: expected {part} to be the output of a finished run")


def _check_complete(shards: Sequence[ShardOutput]) -> None:
    """Raises InputError for gaps, duplicates and overlaps, and for shards of different runs."""
    first = shards[0]
    for other in shards[1:]:
        if differences := first.identity.differences(other.identity):
            raise _mismatch(other, first, "run", differences[0])
        if differences := first.shard.differences_in_division(other.shard):
            raise _mismatch(other, first, "division", differences[0])
    num_shards = first.shard.of
    numbers = [shard.shard.number for shard in shards]
    if duplicates := sorted({number for number in numbers if numbers.count(number) > 1}):
        number = duplicates[0]
        raise InputError(f"shard {number}/{num_shards} is duplicated: expected it once, found {numbers.count(number)}")
    if missing := sorted(set(range(1, num_shards + 1)) - set(numbers)):
        shown = listed(f"{number}/{num_shards}" for number in missing)
        raise InputError(f"missing {len(missing):,} of {plural(num_shards, 'shard')}: {shown}")
    ends = [0, *(shard.shard.end_allele for shard in shards)]
    for shard, end in zip(shards, ends, strict=False):
        if shard.shard.first_allele != end:
            raise InputError(f"{shard.paths.table} does not start where the previous shard ends, at allele {end}")


def _mismatch(other: ShardOutput, first: ShardOutput, of_what: str, difference: Difference) -> InputError:
    return InputError(
        f"{other.paths.table} belongs to a different {of_what} than {first.paths.table}: {difference.item} is "
        f"{difference.second}, not {difference.first}"
    )


def _merge_parquet(shards: Sequence[ShardOutput], paths: OutputPaths, files: WholeFiles, run: RunRecord) -> int:
    """Writes the shards' rows in row groups as a single run does; returns the number of alleles."""
    num_tracks = run.identity.tracks.num_tracks
    is_long = run.identity.output.layout == "long" and run.identity.output.summary != "only"
    group_rows = alleles_per_group("long", num_tracks) * num_tracks if is_long else None
    sources = [shard.paths.table for shard in shards]
    return _num_alleles(_merge_rows(sources, files.open(paths.table), run, group_rows), run)


def _merge_genes(shards: Sequence[ShardOutput], path: Path, files: WholeFiles, run: RunRecord) -> None:
    """Joins the shards' tables of genes, and checks the number of their rows."""
    sources = [shard.paths.genes for shard in shards if shard.paths.genes]
    if path.suffix == ".parquet":
        num_rows = _merge_rows(sources, files.open(path), run)
    else:
        num_rows = _copy_lines(sources, files.open(path), is_gzipped=False)
    if num_rows != run.counts.gene_rows:
        raise EnformerVepError(
            f"the shards' tables of genes have {num_rows} rows, but their run records say {run.counts.gene_rows}: "
            "score the shards again"
        )


def _merge_rows(sources: Sequence[Path], target: BinaryIO, run: RunRecord, group_rows: int | None = None) -> int:
    """Writes the rows of Parquet files in row groups of one size, with the metadata of a run; returns their number."""
    with open_parquet(sources[0]) as table:
        schema, metadata = table.schema_arrow, table.schema_arrow.metadata or {}
    if TRACKS_METADATA not in metadata:
        raise InputError(f"{sources[0]} has no track table in its metadata: score it again")
    columns = TableColumns(dict(zip(schema.names, schema.types, strict=True)))
    num_rows = 0
    try:
        with ParquetRows(
            target, columns, metadata | {RUN_METADATA: to_json(run.to_dict())}, group_rows=group_rows
        ) as rows:
            for batch in _batches(sources):
                rows.write(batch.columns)
                num_rows += len(batch)
    except pa.ArrowException as error:
        raise EnformerVepError(f"a shard is damaged: {cause(error)}") from error
    return num_rows


def _batches(sources: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """Yields the rows of Parquet files. One file is open at a time: the footer of a wide one takes 15 MB in memory."""
    schema: pa.Schema | None = None
    for path in sources:
        with open_parquet(path) as table:
            schema = schema or table.schema_arrow
            if not table.schema_arrow.equals(schema):
                raise EnformerVepError(f"the columns of {path} are not those of {sources[0]}: score the shard again")
            yield from table.iter_batches(batch_size=BATCH_ROWS)


def _merge_text(shards: Sequence[ShardOutput], paths: OutputPaths, files: WholeFiles, run: RunRecord) -> int:
    """Copies the shards' lines below one header; returns the number of alleles."""
    stream = files.open(paths.table)
    sources = [shard.paths.table for shard in shards]
    if paths.is_gzipped:
        target = BgzipWriter(stream)
        num_lines = _copy_lines(sources, target, is_gzipped=True)
        target.close()
    else:
        num_lines = _copy_lines(sources, stream, is_gzipped=False)
    return _num_alleles(num_lines, run)


def _num_alleles(num_rows: int, run: RunRecord) -> int:
    return num_rows // run.identity.tracks.num_tracks if run.identity.output.layout == "long" else num_rows


def _merge_lines(sources: Sequence[Path], target: BinaryIO, expected: int, verb: str) -> None:
    """Copies tables of which one row is one allele, and checks their number."""
    num_lines = _copy_lines(sources, target, is_gzipped=False)
    if num_lines != expected:
        raise EnformerVepError(
            f"the shards {verb} {num_lines} alleles, but their run records say {expected}: score the shards again"
        )


def _copy_lines(sources: Sequence[Path], target: BinaryIO | BgzipWriter, *, is_gzipped: bool) -> int:
    """Copies tables with the same header; returns the number of lines below it."""
    header = None
    num_lines = 0
    for path in sources:
        with cast("BinaryIO", gzip.open(path)) if is_gzipped else path.open("rb") as source:
            line = source.readline()
            if header is None:
                header = line
                target.write(header)
            elif line != header:
                raise InputError(f"the columns of {path} differ from those of {sources[0]}")
            for line in source:
                target.write(line)
                num_lines += 1
    return num_lines
