"""The annotations of a VCF, from finished scores of its alleles and the list of those that were skipped."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from enformer_vep.errors import InputError, SkipReason
from enformer_vep.io.tables.formats import PERCENTILE_SUFFIX
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_reader import column_names, read_columns, reading, side_by_side
from enformer_vep.io.tables.score_rows import ScoredRows, ScoreRows
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
from enformer_vep.run.run_record import GenesIdentity
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from enformer_vep.run.score_table import ScoreTable

_MAX_BATCH_ALLELES = 10_000
_BATCH_SCORES = 1 << 22
"""Scores of a batch, about: 16 MB."""

_BATCH_GENES = 50_000
"""Rows of the table of genes that are read at a time."""

_PLACE = ("record", "allele")
_MALFORMED = SkipReason.MALFORMED_RECORD.value.encode()

_Key = tuple[int, int]


@dataclass(frozen=True)
class AnnotationRows:
    """The annotations of the alleles of a run.

    Attributes:
      table: the scores, or their summary.
      statistic: the statistic whose scores are written.
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
        return OutputPaths(str(self.table.path), summary=identity.output.summary, genes=identity.genes is not None)

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
        has_summary = self.table.record.identity.output.summary != "none"
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


class StrongestGenes:
    """The gene that the summary calls `gene:strongest`: that of the largest score in magnitude on any track.

    The score is that of the first statistic of the genes. Of equal ones, the first along the contig counts.
    """

    def __init__(self, path: Path, genes: GenesIdentity) -> None:
        """Opens a table.

        Args:
          path: OUT.genes.parquet or OUT.genes.tsv.
          genes: how it was made.
        """
        start = f"{genes.settings.gene_statistics[0].name}:"
        end = ":score" if genes.settings.gene_columns == "summary" else ""
        self._path = path
        self._columns = [name for name in column_names(path) if name.startswith(start) and name.endswith(end)]
        self._batches = self._read()
        self._names: dict[_Key, bytes] = {}
        self._last: _Key = (-1, -1)

    def of(self, keys: Sequence[_Key]) -> list[bytes]:
        """Returns the names of the genes of alleles, empty for one without genes in its reach.

        Args:
          keys: the next alleles of the run, by record and number in it.
        """
        while self._last < keys[-1]:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._names.update(batch)
            self._last = max(batch, default=self._last)
        return [self._names.pop(key, b"") for key in keys]

    def _read(self) -> Iterator[dict[_Key, bytes]]:
        types = {"record": pa.int64(), "allele": pa.int64(), "gene_name": pa.binary()}
        types |= {name: pa.float32() for name in self._columns}
        waiting: list[pa.RecordBatch] = []
        with ExitStack() as stack, reading(self._path):
            for batch in read_columns(self._path, types, _BATCH_GENES, stack):
                table = pa.Table.from_batches([*waiting, batch])
                start = _first_rows(table)[-1:]  # of the last allele, whose other genes may be in the next batch
                whole = int(start[0]) if len(start) else 0
                waiting = table.slice(whole).to_batches()
                if whole:
                    yield self._strongest(table.slice(0, whole))
            if waiting:
                yield self._strongest(pa.Table.from_batches(waiting))

    def _strongest(self, table: pa.Table) -> dict[_Key, bytes]:
        strength = np.zeros(len(table), np.float32)
        for name in self._columns:
            np.maximum(strength, np.abs(table[name].to_numpy()), out=strength)
        starts = _first_rows(table)
        largest = np.repeat(np.maximum.reduceat(strength, starts), np.diff(starts, append=len(table)))
        rows = np.flatnonzero(strength == largest)
        _, first = np.unique(np.searchsorted(starts, rows, side="right"), return_index=True)
        chosen = table.take(pa.array(rows[first]))
        keys = zip(chosen["record"].to_pylist(), chosen["allele"].to_pylist(), strict=True)
        return dict(zip(keys, chosen["gene_name"].cast(pa.binary()).to_pylist(), strict=True))


def _first_rows(table: pa.Table) -> npt.NDArray[np.int64]:
    """Returns the rows with which alleles begin."""
    if not len(table):
        return np.empty(0, np.int64)
    record, allele = (table[name].to_numpy() for name in ("record", "allele"))
    return np.flatnonzero(np.r_[True, (np.diff(record) != 0) | (np.diff(allele) != 0)])
