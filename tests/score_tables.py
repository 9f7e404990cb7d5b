"""Outputs of `score` with made-up scores, for the commands that read them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from enformer_vep.genome.variant import Variant
from enformer_vep.genome.views import ViewSettings
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.identities import FileIdentity, ModelIdentity, TracksIdentity
from enformer_vep.run.run_record import Counts, RunIdentity, RunRecord
from enformer_vep.run.score.parts import Part
from enformer_vep.run.score.results import ResultWriter, WholeFiles
from tests.run_records import COURSE, IDENTITY, changed
from tests.support import named_tracks

LAYOUTS = [
    ("s.parquet", "wide"),
    ("s.parquet", "list"),
    ("s.parquet", "long"),
    ("s.tsv", "wide"),
    ("s.tsv", "long"),
    ("s.tsv.gz", "wide"),
    ("s.tsv.gz", "long"),
]
"""Every form of a table: its name and its layout."""

SNVS = (("A", "C"),)


def model(sha256: str = "e", *, is_published: bool = True) -> ModelIdentity:
    return replace(IDENTITY.model, tensors_sha256=sha256, is_published=is_published)


def views(**items: Any) -> ViewSettings:
    return replace(IDENTITY.scoring.views, **items)


def tracks(num: int) -> TrackTable:
    return named_tracks({f"ENC{index}": f"DNASE:cell {index}" for index in range(num)})


def alleles(
    num: int, changes: Sequence[tuple[str, str]] = SNVS, ids: Mapping[int, str] | None = None
) -> list[VcfAllele]:
    """Makes alleles with these REF and ALT in turns, and these IDs of some rows."""
    names = ids or {}
    return [
        VcfAllele(Variant("chr1", 100 + row, *changes[row % len(changes)]), row, 1, names.get(row, "."))
        for row in range(num)
    ]


def identity_of(table: TrackTable, **changes: Any) -> RunIdentity:
    return changed(IDENTITY, **{"tracks": TracksIdentity.of(table), **changes})


def write_scores(
    out: Path,
    scores: np.ndarray,
    *,
    table: TrackTable | None = None,
    statistics: tuple[str, ...] = ("SAD",),
    rows: Sequence[VcfAllele] | None = None,
    **identity: Any,
) -> str:
    """Writes a finished output, as of a VCF of its own.

    Args:
      out: its name.
      scores: float32 [alleles, statistics * tracks].
      table: the tracks; None for as many as there are scores of a statistic.
      statistics: the statistics.
      rows: the alleles, None for SNVs.
      **identity: other items of the run's identity: layout, dtype, head and so on.

    Returns:
      Its name.
    """
    table = table or tracks(scores.shape[1] // len(statistics))
    vcf = FileIdentity(10, sha256=out.name)
    made = identity_of(table, **{"vcf": vcf, "statistics": statistics, **identity})
    record = RunRecord(made, None, Counts(len(scores), 0, len(scores), len(scores), 0, {}, 0))
    settings = TableSettings(statistics, table, made.output.layout, made.output.dtype)
    paths = OutputPaths(str(out))
    paths.work.mkdir()
    with WholeFiles(paths) as files:
        writer = ResultWriter(files, paths, settings, record)
        writer.write(Part(rows or alleles(len(scores)), scores.astype(np.float32), []))
        writer.finish(replace(record, course=COURSE))
    paths.work.rmdir()
    return str(out)


def random_scores(num: int, num_columns: int = 6, seed: int = 1) -> np.ndarray:
    """Scores as they are: many tiny ones, a few large ones, and some of exactly 0."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_t(2, (num, num_columns)).astype(np.float32) * 2.0 ** np.arange(num_columns)
    scores[rng.random(scores.shape) < 0.1] = 0
    return scores.astype(np.float32)
