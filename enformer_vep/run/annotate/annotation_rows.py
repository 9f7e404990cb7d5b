"""The annotations of a VCF, from finished scores of its alleles and the list of those that were skipped."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from enformer_vep.errors import InputError, SkipReason
from enformer_vep.io.tables.aligned_rows import side_by_side
from enformer_vep.io.tables.formats import PERCENTILE_SUFFIX
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.score_rows import ScoredRows, ScoreRows, read_columns, reading
from enformer_vep.io.tables.summary_table import TrackGroups
from enformer_vep.io.vcf.annotations import (
    MISSING_VALUE,
    PLACE_COLUMNS,
    Annotation,
    encoded,
    places,
    scored_entries,
    skipped_entry,
    track_values,
)
from enformer_vep.run.annotate.strongest_genes import StrongestGenes
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from enformer_vep.run.score_table import ScoreTable

_MAX_BATCH_ALLELES = 10_000
_BATCH_SCORES = 1 << 22
"""Scores of a batch, about: 16 MB."""

_PLACE = ("record", "allele")
_MALFORMED = SkipReason.MALFORMED_RECORD.value.encode()


@dataclass(frozen=True)
class AnnotationRows:
    """The annotations of the alleles of a run.

    Attributes:
      table: the scores, or their summary.
      statistic: whose scores are written.
      tracks: places in the table of the tracks that get fields of their own.
    """

    table: ScoreTable
    statistic: str
    tracks: Sequence[int]

    @property
    def groups(self) -> list[str]:
        """The groups of tracks."""
        return list(self._groups.members)

    @property
    def _groups(self) -> TrackGroups:
        return TrackGroups.of(self.table.tracks.groups)

    @property
    def paths(self) -> OutputPaths:
        """The run's files."""
        identity = self.table.record.identity
        summary = identity.summary
        return OutputPaths(str(self.table.path), summary=summary, genes=identity.genes is not None)  # type: ignore[arg-type]

    def check_files(self) -> None:
        """Checks that the files beside the table are there.

        Raises:
          InputError: one is not.
        """
        needed = [self.paths.skipped, self.paths.summary, self.paths.genes]
        for path in filter(None, needed):
            if not path.is_file():
                raise InputError(f"no such file: {path}: it goes with {self.table.path}, and is read with it")

    def read(self) -> Iterator[Annotation]:
        """Yields the annotations of all alleles, in the order of the VCF.

        Raises:
          InputError: a file is damaged.
        """
        return heapq.merge(self._scored(), self._skipped())

    def _scored(self) -> Iterator[Annotation]:
        has_summary = self.table.record.identity.summary != "none"
        entries = self._of_summary() if has_summary else self._of_scores()
        names = (str(self.paths.summary or self.table.path), str(self.table.path))
        if not self.tracks:
            for fields, entry in entries:
                yield from _annotations(fields, entry, [])
            return
        for fields, entry, scores in side_by_side(entries, self._of_tracks(), names):
            yield from _annotations(fields, entry, [track_values(column) for column in scores.T])

    def _of_summary(self) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        identity = self.table.record.identity
        names = {group: f"{self.statistic}:{group}:" for group in self.groups}
        types = {name: pa.int64() for name in _PLACE} | {name: pa.binary() for name in PLACE_COLUMNS}
        types["pos"] = pa.int64()
        for name in names.values():
            types |= {f"{name}track": pa.binary(), f"{name}score": pa.float32()}
            types |= {f"{name}percentile": pa.float32()} if identity.background is not None else {}
        types |= {"gene:strongest": pa.binary()} if identity.genes is not None else {}
        path = self.paths.summary or self.table.path
        with ExitStack() as stack, reading(path):
            for batch in read_columns(path, types, _MAX_BATCH_ALLELES, stack):
                groups = [
                    (
                        encoded(batch[f"{name}track"]),
                        batch[f"{name}score"],
                        batch[f"{name}percentile"] if identity.background is not None else None,
                    )
                    for name in names.values()
                ]
                genes = encoded(batch["gene:strongest"]) if identity.genes is not None else None
                yield batch, scored_entries(len(batch), genes, groups)

    def _of_scores(self) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        identity = self.table.record.identity
        has_percentiles = identity.background is not None
        num_tracks = len(self.table.tracks.identifiers)
        names = [self.statistic, *([self.statistic + PERCENTILE_SUFFIX] if has_percentiles else [])]
        settings = replace(self.table.settings, has_percentiles=has_percentiles)
        rows = ScoreRows(self.table.paths, settings, names, range(num_tracks))
        identifiers = encoded(pa.array(self.table.tracks.identifiers, pa.string()))
        path = self.paths.genes
        genes = None if path is None or identity.genes is None else StrongestGenes(path, identity.genes)
        track_groups = self._groups
        for fields, scores in rows.read((*_PLACE, *PLACE_COLUMNS), _batch_alleles(len(names) * num_tracks)):
            at = np.arange(len(scores))
            groups: list[tuple[pa.Array, Any, Any]] = []
            for _, _, strongest in track_groups.strongest(scores[:, :num_tracks]):
                percentiles = scores[at, num_tracks + strongest.track] if has_percentiles else None
                groups.append((identifiers.take(pa.array(strongest.track)), strongest.score, percentiles))
            of_genes = None
            if genes is not None:
                keys = list(zip(*(fields[name].to_pylist() for name in _PLACE), strict=True))
                of_genes = encoded(pa.array(genes.of(keys), pa.binary()))
            yield fields, scored_entries(len(scores), of_genes, groups)

    def _of_tracks(self) -> Iterator[ScoredRows]:
        rows = ScoreRows(self.table.paths, self.table.settings, (self.statistic,), self.tracks)
        return rows.read(_PLACE, _batch_alleles(len(self.tracks)))

    def _skipped(self) -> Iterator[Annotation]:
        place = {name: SKIPPED_COLUMNS.index(name) for name in (*_PLACE, *PLACE_COLUMNS, "reason")}
        path = self.paths.skipped
        groups = self.groups
        nothing = (MISSING_VALUE,) * len(self.tracks)
        with path.open("rb") as lines:
            next(lines, None)
            for number, line in enumerate(lines, start=2):
                fields = line.rstrip(b"\n").split(b"\t")
                try:
                    record, allele = (int(fields[place[name]]) for name in _PLACE)
                    reason = fields[place["reason"]]
                except (ValueError, IndexError) as error:
                    raise InputError(f"{path} line {number} is damaged: use the file as it was written") from error
                at = b"" if reason == _MALFORMED else b"\t".join(fields[place[name]] for name in PLACE_COLUMNS)
                yield Annotation(record, allele, at, (skipped_entry(reason, groups), *nothing))


def _batch_alleles(num_columns: int) -> int:
    return max(1, min(_MAX_BATCH_ALLELES, _BATCH_SCORES // num_columns))


def _annotations(fields: pa.RecordBatch, entries: pa.Array, more: Sequence[Sequence[bytes]]) -> Iterator[Annotation]:
    at = places([fields[name] for name in PLACE_COLUMNS]).to_pylist()
    values = zip(entries.cast(pa.binary()).to_pylist(), *more, strict=True)
    record, allele = (fields[name].to_pylist() for name in _PLACE)
    return map(Annotation, record, allele, at, values)
