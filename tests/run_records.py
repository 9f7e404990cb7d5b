"""A run record of made-up values."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy, Placement
from enformer_vep.run.identities import FastaIdentity, FileIdentity, ModelIdentity, SelectionIdentity, TracksIdentity
from enformer_vep.run.model_run import TowerBins
from enformer_vep.run.run_record import (
    RUN_RECORD_FORMAT,
    Counts,
    RunCourse,
    RunIdentity,
    RunRecord,
    ShardRecord,
    VerificationRecord,
)
from enformer_vep.run.settings import RECORDED_BY, ComputeSettings, OutputSettings, ScoringSettings
from enformer_vep.scoring import parse_statistics

IDENTITY = RunIdentity(
    format=RUN_RECORD_FORMAT,
    notice=None,
    versions={"enformer-vep": "1", "numpy": "2"},
    vcf=FileIdentity(10, sha256="a"),
    fasta=FastaIdentity(10**10, sampled_sha256="b", index=FileIdentity(5, sha256="c")),
    model=ModelIdentity("enformer", FileIdentity(1, sha256="d"), "checkpoint", "e", True, {"heads": {"human": 2}}),
    tracks=TracksIdentity(2, "f"),
    selection=SelectionIdentity(0, False, None, "g"),
    device="GPU",
    is_deterministic=False,
    batch_size=4,
    scoring=ScoringSettings(
        placement=Placement.parse("shared:500"),
        statistics=parse_statistics("SAD,SAR"),
        views=ViewSettings(indels=IndelPolicy.LEFT),
    ),
    compute=ComputeSettings(precision="mixed"),
    output=OutputSettings(),
)
SHARD = ShardRecord(2, 3, 8, 17, 26)
COUNTS = Counts(20, 4, 9, 7, 2, {"no_alt": 1, "symbolic_alt": 1}, 0)
COURSE = RunCourse(
    command="enformer-vep score",
    paths={"vcf": "/a.vcf"},
    alleles_of_earlier_runs=0,
    transformer_passes=12,
    tower_bins=TowerBins(100, 50),
    batch_size_at_end=2,
    device_name="GPU 0",
    started="2026-01-01T00:00:00+00:00",
    seconds_scoring=1.5,
    seconds_total=2.5,
    peak_memory_bytes=10**9,
    verification=VerificationRecord(4, 0.01, 0.001, 0.02, "chr1:5 A>C", 0.03),
)
RECORD = RunRecord(IDENTITY, SHARD, COUNTS, COURSE)


def changed(identity: RunIdentity, **items: Any) -> RunIdentity:
    """Changes items of an identity by their names in the record; those of SPELLED as they are written there."""
    items |= {name: SPELLED[name](items[name]) for name in SPELLED.keys() & items}
    groups = {}
    for name in ("scoring", "compute", "output"):
        group = getattr(identity, name)
        mine = [item.name for item in fields(group) if item.name in items and RECORDED_BY not in item.metadata]
        groups[name] = replace(group, **{each: items.pop(each) for each in mine})
    return replace(identity, **groups, **items)


SPELLED: dict[str, Callable[[Any], Any]] = {
    "statistics": lambda names: parse_statistics(",".join(names)),
    "placement": Placement.parse,
    "bins": ScoredBins.parse,
}
