"""Tables of made-up scores, as `score` writes them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from enformer_vep.genome.variant import Variant
from enformer_vep.io.alleles import VcfAllele
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.table import TableSettings, open_table
from enformer_vep.io.tracks import TrackTable
from enformer_vep.run.identity import ModelIdentity, TracksIdentity, ViewsIdentity
from enformer_vep.run.results import RUN_METADATA, TRACKS_METADATA, to_json, tracks_to_json
from enformer_vep.run.run_record import RunRecord
from tests.run_records import COUNTS, COURSE, IDENTITY
from tests.support import named_tracks


def model(sha256: str = "e", *, is_published: bool = True) -> ModelIdentity:
    return replace(IDENTITY.model, tensors_sha256=sha256, is_published=is_published)


def views(**changed: Any) -> ViewsIdentity:
    return replace(IDENTITY.views, **changed)


def tracks(num: int) -> TrackTable:
    return named_tracks({f"ENC{index}": f"DNASE:cell {index}" for index in range(num)})


def alleles(num: int) -> list[VcfAllele]:
    odd = {0: '"quoted', 1: "caf\udce9", 2: "NA"}
    return [
        VcfAllele(Variant("chr1", 100 + row, "A", "C" if row % 2 else "NA"), row, 1, odd.get(row, "."))
        for row in range(num)
    ]


def write_scores(
    out: Path,
    scores: np.ndarray,
    *,
    table: TrackTable | None = None,
    statistics: tuple[str, ...] = ("SAD",),
    layout: str = "wide",
    dtype: str = "float32",
    **identity: Any,
) -> str:
    """Writes scores, [alleles, statistics * tracks], and what goes with them."""
    table = table or tracks(scores.shape[1] // len(statistics))
    known = replace(
        IDENTITY,
        statistics=statistics,
        tracks=TracksIdentity(len(table.table), "f"),
        layout=layout,
        dtype=dtype,
        **identity,
    )
    counts = replace(COUNTS, alleles_scored=len(scores))
    record = RunRecord(known, None, counts)
    paths = OutputPaths(str(out))
    metadata = {RUN_METADATA: to_json(record.to_dict()), TRACKS_METADATA: tracks_to_json(table)}
    with out.open("wb") as stream, np.errstate(over="ignore"):
        file = open_table(stream, paths, TableSettings(statistics, table, layout, dtype), metadata)
        if len(scores):
            file.write(alleles(len(scores)), scores.astype(np.float32))
        file.close()
    paths.run.write_bytes(to_json(replace(record, course=COURSE).to_dict()))
    if paths.tracks:
        paths.tracks.write_bytes(table.to_tsv())
    return str(out)
