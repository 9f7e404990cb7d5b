"""A run record of made-up values."""

from enformer_vep.run.course import TowerBins
from enformer_vep.run.file_identity import FileIdentity
from enformer_vep.run.identity import (
    RUN_RECORD_FORMAT,
    FastaIdentity,
    ModelIdentity,
    RunIdentity,
    SelectionIdentity,
    ShardRecord,
    TracksIdentity,
    ViewsIdentity,
)
from enformer_vep.run.run_record import Counts, RunCourse, RunRecord, VerificationRecord

IDENTITY = RunIdentity(
    format=RUN_RECORD_FORMAT,
    notice=None,
    versions={"enformer-vep": "1", "numpy": "2"},
    vcf=FileIdentity(10, sha256="a"),
    fasta=FastaIdentity(10**10, sampled_sha256="b", index=FileIdentity(5, sha256="c")),
    model=ModelIdentity("enformer", FileIdentity(1, sha256="d"), "checkpoint", "e", True, {"heads": {"human": 2}}),
    head="human",
    statistics=("SAD", "SAR"),
    tracks=TracksIdentity(2, "f"),
    selection=SelectionIdentity(0, False, None, "g"),
    placement="shared:500",
    bins="all",
    views=ViewsIdentity(reverse_complement=False, shifts=(0,), indels="left"),
    engine="reusing",
    precision="mixed",
    device="GPU",
    is_deterministic=False,
    batch_size=4,
    layout="wide",
    dtype="float32",
    summary="none",
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
