"""Outputs of `score` with made-up scores, for the commands that read them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from enformer_vep.genome.variant import Variant
from enformer_vep.io.alleles import VcfAllele
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.table import TableSettings
from enformer_vep.io.tracks import TrackTable
from enformer_vep.run.file_identity import FileIdentity
from enformer_vep.run.identity import RunIdentity, TracksIdentity
from enformer_vep.run.parts import Part
from enformer_vep.run.results import ResultWriter, WholeFiles
from enformer_vep.run.run_record import Counts, RunRecord
from tests.run_records import COURSE, IDENTITY
from tests.support import named_tracks

TRACKS = named_tracks({"T.0": "DNASE:lung", "T1": "CAGE:K562", "T2": "CHIP:CTCF:liver"})


def alleles(num: int, changes: Sequence[tuple[str, str]] = (("A", "C"),)) -> list[VcfAllele]:
    """Makes alleles, with these REF and ALT in turns."""
    return [VcfAllele(Variant("chr1", 10 + i, *changes[i % len(changes)]), i, 1) for i in range(num)]


def identity_of(tracks: TrackTable = TRACKS, **changes: Any) -> RunIdentity:
    return replace(IDENTITY, **{"tracks": TracksIdentity(**tracks.record()), **changes})


def write_scores(
    out: Path,
    scores: np.ndarray,
    *,
    tracks: TrackTable = TRACKS,
    changes: Sequence[tuple[str, str]] = (("A", "C"),),
    part_size: int = 1000,
    **identity: Any,
) -> str:
    """Writes a finished output with these scores, float32 [alleles, statistics * tracks]; returns its name."""
    # As a run of a VCF of its own.
    made = identity_of(tracks, **{"vcf": FileIdentity(10, sha256=out.name), **identity})
    record = RunRecord(made, None, Counts(len(scores), 0, len(scores), len(scores), 0, {}, 0))
    settings = TableSettings(made.statistics, tracks, made.layout, made.dtype)
    paths = OutputPaths(str(out))
    paths.work.mkdir()
    with WholeFiles(paths) as files:
        writer = ResultWriter(files, paths, settings, record)
        all_alleles = alleles(len(scores), changes)
        for start in range(0, len(scores), part_size):
            writer.write(Part(all_alleles[start : start + part_size], scores[start : start + part_size], []))
        writer.finish(replace(record, course=COURSE))
    paths.work.rmdir()
    return str(out)


def random_scores(num: int, num_columns: int = 6, seed: int = 1) -> np.ndarray:
    """Scores as they are: many tiny ones, a few large ones, and some of exactly 0."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_t(2, (num, num_columns)).astype(np.float32) * 2.0 ** np.arange(num_columns)
    scores[rng.random(scores.shape) < 0.1] = 0
    return scores.astype(np.float32)
