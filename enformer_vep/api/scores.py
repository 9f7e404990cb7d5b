"""Finished outputs of `score`, opened in Python."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet

from enformer_vep.api.arrays import SelectedScores, check_installed, to_anndata, to_xarray
from enformer_vep.api.frames import allele_columns
from enformer_vep.api.options import in_words_of_python, read
from enformer_vep.errors import InputError
from enformer_vep.io.tables.formats import PERCENTILE_SUFFIX
from enformer_vep.io.tables.gene_table import GENE_FIELDS
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tables.row_reader import reading
from enformer_vep.io.tables.row_writer import ALLELE_TYPES
from enformer_vep.io.tables.score_rows import ScoreRows
from enformer_vep.io.tables.summary_table import open_summary
from enformer_vep.io.vcf.alleles import AlleleFields, VcfAllele
from enformer_vep.options.values import Path, Stats, Tracks
from enformer_vep.run.score.results import SKIPPED_COLUMNS
from enformer_vep.run.score_table import BATCH_ALLELES, ScoreTable
from enformer_vep.wording import cause, did_you_mean, plural

if TYPE_CHECKING:
    import anndata
    import xarray

Float32s = npt.NDArray[np.float32]

_FIELDS = AlleleFields._fields


@dataclass(frozen=True)
class Scores:
    """The scores of a finished run. `read_scores` opens it; scores are read when they are asked for.

    Attributes:
      source: the table and what goes with it.
    """

    source: ScoreTable

    @property
    def path(self) -> str:
        """The path of the table."""
        return str(self.source.path)

    @property
    def num_alleles(self) -> int:
        """Number of scored alleles."""
        return self.source.num_alleles

    @property
    def stats(self) -> tuple[str, ...]:
        """The names of the statistics, and of their percentiles if the run had a background."""
        names = self.source.record.identity.scoring.names
        if self.source.record.identity.background is None:
            return names
        return tuple(name for statistic in names for name in (statistic, f"{statistic}{PERCENTILE_SUFFIX}"))

    @cached_property
    def tracks(self) -> pd.DataFrame:
        """The tracks, in the table's order: index (in the head, from 0), identifier, description, assay and more."""
        tracks: pd.DataFrame = self.source.tracks.table.copy()
        return tracks

    @cached_property
    def run(self) -> dict[str, Any]:
        """The run record: inputs, settings, versions, counts, and, if OUT.run.json is there, how the run went."""
        path = self.source.paths.run
        if not path.is_file():
            return self.source.record.to_dict()
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is not a run record: {cause(error)}") from error
        if not isinstance(record, dict):
            raise InputError(f"{path} is not a run record: expected a JSON object")
        return record

    @property
    def table(self) -> pd.DataFrame:
        """All of the table: see `read`. It is read each time, so keep it if you need it again."""
        return self.read()

    def read(
        self, *, stats: Stats | None = None, tracks: Tracks | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Reads scores. Whatever the table's layout and number format, a row is an allele, and scores are float32.

        Args:
          stats: the statistics, of `stats`; None for all.
          tracks: an expression as of `--tracks`, or a list of numbers in the head and expressions; None for all.
          columns: instead, the columns of the result by their names, in this order.

        Returns:
          One row per scored allele: chrom, pos, id, ref, alt, record, allele, and the columns STATISTIC:TRACK.

        Raises:
          InputError: there is no such statistic, track or column; or the table is damaged.
        """
        if columns is None:
            return self._frame(self._statistics(stats), self._tracks(tracks))
        if stats is not None or tracks is not None:
            raise InputError("columns= cannot be combined with stats= or tracks=: give either")
        identifiers = {name: place for place, name in enumerate(self.source.tracks.identifiers)}
        wanted_stats, wanted_tracks = [], []
        for column in columns:
            if column in _FIELDS:
                continue
            statistic, _, track = column.partition(":")
            if statistic not in self.stats or track not in identifiers:
                raise InputError(
                    f"{self.path} has no column {column!r}: expected {', '.join(_FIELDS)}, or STATISTIC:TRACK such as "
                    f"{self.stats[0]}:{next(iter(identifiers))}"
                )
            wanted_stats.append(statistic)
            wanted_tracks.append(identifiers[track])
        frame = self._frame(list(dict.fromkeys(wanted_stats)), list(dict.fromkeys(wanted_tracks)))
        selected: pd.DataFrame = frame[list(columns)]
        return selected

    @cached_property
    def skipped(self) -> pd.DataFrame:
        """The alleles without a score: record, allele, chrom, pos, id, ref, alt, reason, detail."""
        numbers = ("record", "allele", "pos")
        kinds = {name: "int64" if name in numbers else "str" for name in SKIPPED_COLUMNS}
        return _read_text(self.source.paths.skipped, kinds)

    @cached_property
    def genes(self) -> pd.DataFrame | None:
        """The genes in reach of each allele, as OUT.genes has them; None if the run scored no genes."""
        if self.source.record.identity.genes is None:
            return None
        path = OutputPaths(self.path, genes=True).genes
        assert path is not None
        if not path.is_file():
            raise InputError(f"no such file: {path}: it goes with {self.path}, and has its genes")
        if self.source.paths.is_parquet:
            with reading(path):
                genes: pd.DataFrame = pyarrow.parquet.read_table(path).to_pandas()
            return genes
        kinds = {name: str(kind) for name, kind in {**ALLELE_TYPES, **GENE_FIELDS}.items()}
        return _read_text(path, {name: "str" if kind == "string" else kind for name, kind in kinds.items()})

    def summary(self) -> pd.DataFrame:
        """Returns one row per allele with the strongest track of each assay, as `score --summary` writes it.

        What a run adds for genes and percentiles is in its own summary alone, OUT.summary.
        """
        settings = self.source.settings
        rows = ScoreRows(self.source.paths, settings, settings.statistics, range(len(settings.tracks.identifiers)))
        stream = io.BytesIO()
        writer = open_summary(stream, settings, like=OutputPaths("summary.parquet"), metadata={}, more={})
        for batch in rows.read(_FIELDS, BATCH_ALLELES):
            writer.write(batch.alleles, batch.scores, None, [])
        writer.close()
        summary: pd.DataFrame = pyarrow.parquet.read_table(pyarrow.BufferReader(stream.getvalue())).to_pandas()
        return summary

    def to_xarray(self, *, stats: Stats | None = None, tracks: Tracks | None = None) -> "xarray.DataArray":
        """Returns scores as an array [allele, track, statistic], with what is known of alleles and tracks.

        It needs the extra 'xarray'.

        Args:
          stats: the statistics; None for all.
          tracks: the tracks; None for all.

        Raises:
          InputError: xarray is not installed, or there is no such statistic or track.
        """
        check_installed("xarray")  # before all scores are read
        return to_xarray(self._selected(stats, tracks), source=self.path, head=self.source.tracks.head)

    def to_anndata(self, *, stats: Stats | None = None, tracks: Tracks | None = None) -> "anndata.AnnData":
        """Returns scores as an AnnData: alleles as obs, tracks as var, X the first statistic and a layer for each.

        It needs the extra 'anndata'.

        Args:
          stats: the statistics; None for all.
          tracks: the tracks; None for all.

        Raises:
          InputError: anndata is not installed, or there is no such statistic or track.
        """
        check_installed("anndata")
        return to_anndata(self._selected(stats, tracks), self.run)

    def __repr__(self) -> str:
        return (
            f"<enformer_vep.Scores {self.path}: {plural(self.num_alleles, 'allele')}, "
            f"{plural(len(self.source.tracks.identifiers), 'track')}, {', '.join(self.stats)}>"
        )

    def _statistics(self, stats: Stats | None) -> list[str]:
        if stats is None:
            return list(self.stats)
        names = [name.strip() for name in stats.split(",")] if isinstance(stats, str) else list(stats)
        by_case = {name.lower(): name for name in self.stats}
        for name in names:
            if name.lower() not in by_case:
                raise InputError(
                    f"{self.path} has no statistic {name!r}: expected {', '.join(self.stats)}"
                    f"{did_you_mean(name, self.stats)}"
                )
        if not names:
            raise InputError(f"expected at least one statistic of {', '.join(self.stats)}, found none")
        return list(dict.fromkeys(by_case[name.lower()] for name in names))

    def _tracks(self, tracks: Tracks | None) -> list[int]:
        """Returns the places of tracks in the table."""
        known = self.source.tracks
        choice = read("tracks", tracks)
        if choice is None:
            return list(range(len(known.identifiers)))
        places = {name: place for place, name in enumerate(known.identifiers)}
        return [places[name] for name in known.select(choice).identifiers]

    def _frame(self, statistics: Sequence[str], tracks: Sequence[int]) -> pd.DataFrame:
        alleles, scores = self._scores(statistics, tracks)
        identifiers = self.source.tracks.identifiers
        columns = [f"{statistic}:{identifiers[track]}" for statistic in statistics for track in tracks]
        left = pd.DataFrame(
            {
                name: pd.Series(values, dtype=str) if isinstance(values, list) else values
                for name, values in allele_columns(alleles).items()
            }
        )
        frame: pd.DataFrame = pd.concat([left, pd.DataFrame(scores, columns=columns, copy=False)], axis=1)
        return frame

    def _selected(self, stats: Stats | None, tracks: Tracks | None) -> SelectedScores:
        names, places = self._statistics(stats), self._tracks(tracks)
        alleles, scores = self._scores(names, places)
        by_statistic = scores.reshape(len(alleles), len(names), len(places))
        return SelectedScores(alleles, names, self.source.tracks.table.iloc[places], by_statistic)

    def _scores(self, statistics: Sequence[str], tracks: Sequence[int]) -> tuple[list[VcfAllele], Float32s]:
        """Returns all alleles, and float32 [alleles, statistics * tracks]."""
        settings = replace(self.source.settings, has_percentiles=self.source.record.identity.background is not None)
        rows = ScoreRows(self.source.paths, settings, statistics, tracks)
        num = self.num_alleles
        scores = np.empty((num, len(statistics) * len(tracks)), dtype=np.float32)
        alleles: list[VcfAllele] = []
        for batch in rows.read(_FIELDS, BATCH_ALLELES):
            start = len(alleles)
            alleles += batch.alleles
            if len(alleles) > num:
                break
            scores[start : len(alleles)] = batch.scores
        self.source.check_num_alleles(len(alleles))
        return alleles, scores


@in_words_of_python
def read_scores(path: Path) -> Scores:
    """Opens an output of `score`: Parquet or text, in any layout and number format. No score is read yet.

    Args:
      path: the table, OUT.

    Raises:
      InputError: there is no such table, it is a summary, or its run record or track table cannot be used.
    """
    return Scores(ScoreTable.find(os.fsdecode(path)))


def _read_text(path: Any, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Reads tab-separated text; columns have the kinds that are given, and others, scores, are numbers or empty."""
    try:
        scores = [name for name in pd.read_csv(path, sep="\t", nrows=0).columns if name not in kinds]
        frame: pd.DataFrame = pd.read_csv(
            path,
            sep="\t",
            dtype=dict(kinds),
            keep_default_na=False,
            na_values={name: ["", "NaN"] for name in scores},
            quoting=csv.QUOTE_NONE,
            encoding_errors="replace",
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read, or is damaged: {cause(error)}") from error
    return frame
