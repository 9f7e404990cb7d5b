"""Makes a background of outputs of `score`: how the scores of each statistic and track are distributed."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.genome.variant import AlleleClasses
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.tables.background_file import BackgroundWriter, Distribution, TrackKey
from enformer_vep.io.tables.score_rows import ScoreColumns
from enformer_vep.run.background.distribution import NUM_POINTS, NUM_TAIL, distribution_of_sorted
from enformer_vep.run.background.record import BACKGROUND_FORMAT, FROM_SCORES, BackgroundRecord
from enformer_vep.run.record_json import to_json_values
from enformer_vep.run.score_table import ScoreTable, check_same_run
from enformer_vep.wording import plural

logger = logging.getLogger(__name__)

BLOCK_BYTES = 256 << 20
"""Scores that are held at a time: all alleles of 64 tracks for a million alleles."""


@dataclass(frozen=True)
class BackgroundSummary:
    """What a background was made of, and where it is."""

    record: BackgroundRecord
    path: Path

    def __str__(self) -> str:
        record = self.record
        text = f"background of {plural(record.alleles.total, 'allele')} ({record.alleles})"
        if record.left_out:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in record.left_out.items())
            text += f"; left out {sum(record.left_out.values()):,} ({reasons})"
        return f"{text}; {', '.join(record.scoring.names)} of {plural(record.num_tracks, 'track')}: {self.path}"


def make_background(scores: Sequence[str], out: str, *, overwrite: bool = False) -> BackgroundSummary:
    """Makes a background of outputs of `score`.

    At most BLOCK_BYTES of scores are in memory at a time, or one track if that is more. What is not a wide Parquet
    table is copied to a temporary file beside the background.

    Args:
      scores: the outputs: of different variants, and otherwise of the same run.
      out: the background.
      overwrite: whether an existing file is overwritten.

    Raises:
      InputError: an output cannot be read or is given twice, or outputs differ in what their scores mean.
      EnformerVepError: the background cannot be written.
    """
    path = Path(out)
    check_writable(path, overwrite=overwrite)
    with whole_file(path) as stream, ExitStack() as stack:
        tables = [ScoreTable.find(each) for each in scores]
        check_same_run(tables)
        sources = [stack.enter_context(table.open_columns(path.absolute().parent)) for table in tables]
        classes = sum((source.classes for source in sources), AlleleClasses())
        if not classes.total:
            raise InputError(f"{tables[0].path} has no scored alleles: a background needs some")
        record = _record(tables, classes)
        writer = stack.enter_context(BackgroundWriter(stream, record.to_dict()))
        for number, statistic in enumerate(record.scoring.names):
            logger.info("reading %s of %s", statistic, plural(record.num_tracks, "track"))
            for rows in _rows(tables[0], sources, number):
                writer.add(rows)
    return BackgroundSummary(record, path)


def _rows(
    table: ScoreTable, sources: Sequence[ScoreColumns], number: int
) -> Iterator[list[tuple[TrackKey, Distribution]]]:
    """Yields the distributions of one statistic, some tracks at a time."""
    statistic, tracks = table.settings.statistics[number], table.tracks
    keys = [
        TrackKey(statistic, identifier, description)
        for identifier, description in zip(tracks.identifiers, tracks.table["description"], strict=True)
    ]
    num_alleles = sum(source.num_rows for source in sources)
    num_tracks = min(len(keys), max(1, BLOCK_BYTES // (4 * num_alleles)))
    try:
        block = np.empty((num_tracks, num_alleles), np.float32)
    except MemoryError as error:
        raise EnformerVepError(f"{plural(num_alleles, 'allele')} of one track do not fit into memory") from error
    for first in range(0, len(keys), num_tracks):
        wanted = range(first, min(first + num_tracks, len(keys)))
        scores = block[: len(wanted)]  # [tracks, alleles]
        start = 0
        for source in sources:
            source.read(number, wanted, scores[:, start : start + source.num_rows])
            start += source.num_rows
        scores.sort(axis=1)
        yield [(keys[track], distribution_of_sorted(values)) for track, values in zip(wanted, scores, strict=True)]


def _record(tables: Sequence[ScoreTable], classes: AlleleClasses) -> BackgroundRecord:
    identity = tables[0].record.identity
    left_out: dict[str, int] = {}
    for table in tables:
        for reason, count in table.record.counts.skipped_by_reason.items():
            left_out[reason] = left_out.get(reason, 0) + count
    return BackgroundRecord(
        format=BACKGROUND_FORMAT,
        source=FROM_SCORES,
        notice=identity.notice,
        weights=identity.model.tensors_sha256,
        is_published=identity.model.is_published,
        num_tracks=identity.tracks.num_tracks,
        tracks_sha256=identity.tracks.sha256,
        precision=identity.compute.precision,
        dtype=identity.output.dtype,
        scale=1.0,
        alleles=classes,
        left_out=left_out,
        num_points=NUM_POINTS,
        num_tail=NUM_TAIL,
        inputs=tuple(
            {"vcf": to_json_values(table.record.identity.vcf), "alleles": table.num_alleles} for table in tables
        ),
        scoring=identity.scoring,
    )
