import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from enformer_vep.errors import InputError
from enformer_vep.genome.views import ViewSettings
from enformer_vep.run import identities
from enformer_vep.run.explain.settings import ContributionOutput, ExplainedSettings, MethodSettings
from enformer_vep.run.identities import (
    FastaIdentity,
    FileIdentity,
    SaturationIdentity,
    TracksIdentity,
    identify_file,
    peak_memory_bytes,
)
from enformer_vep.run.model_run import ContributionIdentity, ModelRun, RegionsIdentity, VariantsIdentity
from enformer_vep.run.predict.settings import PredictInputSettings, PredictOutput
from enformer_vep.run.record_json import Difference, find_differences, flat, from_json_values, to_json_values
from enformer_vep.run.run_record import (
    Counts,
    GenesIdentity,
    MergeCourse,
    RunPlan,
    RunRecord,
    ShardRecord,
    is_run_record,
    read_run_record,
)
from enformer_vep.run.settings import (
    RECORDED_AS,
    RECORDED_BY,
    CheckSettings,
    ComputeSettings,
    GeneSettings,
    InputSettings,
    OutputSettings,
    ScoreSettings,
    ScoringSettings,
)
from tests.run_records import COUNTS, COURSE, IDENTITY, RECORD, SHARD, changed


def test_a_file_is_known_by_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"ACGT")
    assert identify_file(path) == FileIdentity(4, sha256=hashlib.sha256(b"ACGT").hexdigest())


def test_a_large_file_is_known_by_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "WHOLE_FILE_BYTES", 1000)
    monkeypatch.setattr(identities, "SAMPLE_BYTES", 16)
    path = tmp_path / "a"
    content = bytes(i * 37 % 251 for i in range(1 + 63 * 40))
    path.write_bytes(content)
    samples = b"".join(content[at : at + 16] for at in ((len(content) - 16) * i // 63 for i in range(64)))
    expected = hashlib.sha256(str(len(content)).encode() + samples).hexdigest()
    identity = identify_file(path)
    assert identity == FileIdentity(len(content), sampled_sha256=expected)
    assert samples.startswith(content[:16])
    assert samples.endswith(content[-16:])
    path.write_bytes(content[:-1] + b"\xff")
    assert identify_file(path).sampled_sha256 != expected


def test_peak_memory_is_that_of_this_process_alone() -> None:
    held = np.ones(40_000_000)  # 320 MB, which a process that is started from here does not hold
    command = "from enformer_vep.run.identities import peak_memory_bytes; print(peak_memory_bytes())"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 150e6 < held.nbytes <= peak_memory_bytes()


MERGED = RunRecord(IDENTITY, None, COUNTS, MergeCourse("merge", 3.0, ({"path": "a", "number": 1},)))


@pytest.mark.parametrize("record", [RECORD, replace(RECORD, shard=None), replace(RECORD, course=None), MERGED])
def test_a_record_is_read_as_it_was_written(record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "out.run.json"
    path.write_text(json.dumps(record.to_dict()))
    assert read_run_record(path) == record
    assert is_run_record(path)


def test_a_plan_is_read_as_it_was_written() -> None:
    for plan in (RunPlan(IDENTITY, SHARD, 20), RunPlan(IDENTITY, None, 1)):
        assert RunPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_the_record_is_flat_and_leaves_out_what_there_is_not() -> None:
    found = replace(RECORD, shard=None, course=replace(COURSE, verification=None)).to_dict()
    assert "shard" not in found
    assert "verification" not in found
    assert found["notice"] is None  # which says that the model is a real one
    assert found["statistics"] == ["SAD", "SAR"]
    assert found["fasta"] == {"bytes": 10**10, "sampled_sha256": "b", "index": {"bytes": 5, "sha256": "c"}}
    assert found["tower_bins"] == {"computed": 100, "reused": 50}


DAMAGES = {
    "another format": ({"format": 99}, "its format is 99, and this version of enformer-vep reads"),
    "no format": ({"format": None}, "its format is None"),
    "an unknown item": ({"colour": "red"}, "colour is unknown"),
    "an unknown item within": ({"tracks": {"num_tracks": 2, "sha256": "f", "x": 1}}, r"tracks\.x is unknown"),
    "a missing item within": ({"tracks": {"num_tracks": 2}}, r"tracks\.sha256 is missing"),
    "another type": ({"batch_size": "4"}, "batch_size is '4'"),
    "a truth for a number": ({"batch_size": True}, "batch_size is True"),
    "text for a list": ({"statistics": "SAD"}, "statistics is 'SAD'"),
    "a list for a dictionary": ({"counts": []}, r"counts is \[\]"),
    "text for a count": ({"counts": COUNTS.__dict__ | {"skipped_by_reason": {"x": "1"}}}, r"skipped_by_reason\.x is"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_one_line(damage: str, tmp_path: Path) -> None:
    changes, message = DAMAGES[damage]
    path = tmp_path / "out.run.json"
    path.write_text(json.dumps(RECORD.to_dict() | changes))
    with pytest.raises(InputError, match=f"is not a run record: .*{message}") as caught:
        read_run_record(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_record_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "out.run.json"
    for content in ("", "[]", "{}", '{"format": 1, "counts": {}}', '{"format": 1, "counts": {}, "versions": {}}'):
        path.write_text(content)
        assert not is_run_record(path)
        with pytest.raises(InputError, match="is not a run record"):
            read_run_record(path)


OTHER_FILE = FileIdentity(7, sha256="other")
SATURATION = SaturationIdentity(1, 2, 0, 0, 0, "s")
OTHERS: dict[str, Any] = {
    "format": 99,
    "notice": "another",
    "versions": {},
    "vcf": OTHER_FILE,
    "fasta": FastaIdentity(7, sha256="other"),
    "model": replace(IDENTITY.model, name="other"),
    "head": "mouse",
    "statistics": ("SAR", "SAD"),
    "tracks": TracksIdentity(2, "other"),
    "selection": replace(IDENTITY.selection, pass_only=True),
    "placement": "grid",
    "bins": "centre:500",
    "views": ViewSettings(shifts=(0, 1), indels=IDENTITY.scoring.views.indels),
    "engine": "full",
    "precision": "tf32",
    "device": "CPU",
    "is_deterministic": True,
    "batch_size": 5,
    "layout": "long",
    "dtype": "float16",
    "summary": "beside",
    "background": OTHER_FILE,
    "genes": GenesIdentity(OTHER_FILE, TracksIdentity(1, "t"), GeneSettings()),
    "saturation": SATURATION,
}


@pytest.mark.parametrize("item", OTHERS)
def test_every_item_of_the_identity_must_agree(item: str) -> None:
    identity = replace(IDENTITY, compute=ComputeSettings())  # as not every engine goes with every precision
    other = changed(identity, **{item: OTHERS[item]})
    for differences in (
        identity.differences(other),
        RunPlan(other, SHARD, 20).differences(replace(RECORD, identity=identity)),
    ):
        assert {difference.item.split(".")[0] for difference in differences} == {item}


def test_these_are_all_items_of_the_identity() -> None:
    assert list(to_json_values(changed(replace(IDENTITY, compute=ComputeSettings()), **OTHERS))) == list(OTHERS)


GROUPS = [InputSettings, ScoringSettings, ComputeSettings, OutputSettings, CheckSettings, GeneSettings, ViewSettings]


def test_every_setting_is_in_the_record_or_says_why_not() -> None:
    assert {item.name for item in fields(ScoreSettings)} == {"inputs", "scoring", "compute", "output", "check", "genes"}
    record = replace(
        RECORD, identity=changed(IDENTITY, genes=OTHERS["genes"], background=OTHER_FILE, saturation=SATURATION)
    )
    values = record.to_dict()
    known = values.keys() | values["genes"].keys() | values["views"].keys()
    for group in GROUPS:
        for item in fields(group):
            name = item.metadata.get(RECORDED_BY, item.metadata.get(RECORDED_AS, item.name))
            assert name is None or name in known, f"{group.__name__}.{item.name}"


@pytest.mark.parametrize(
    "group", [PredictInputSettings, PredictOutput, ExplainedSettings, MethodSettings, ContributionOutput]
)
def test_settings_of_other_commands_say_it_too(group: Any) -> None:
    kinds = (ModelRun, RegionsIdentity, VariantsIdentity, ContributionIdentity, MethodSettings)
    known = {item.name for kind in kinds for item in fields(kind)}
    for item in fields(group):
        name = item.metadata.get(RECORDED_BY, item.name)
        assert name is None or name in known, f"{group.__name__}.{item.name}"


def test_a_new_setting_is_written_compared_and_read_without_another_line() -> None:
    @dataclass(frozen=True)
    class MoreSettings(ScoringSettings):
        temperature: float = 1.0

    @dataclass(frozen=True)
    class Record:
        scoring: MoreSettings = field(metadata=flat())

    values = [to_json_values(Record(MoreSettings(temperature=degrees))) for degrees in (1.0, 2.0)]
    assert find_differences(*values) == [Difference("temperature", 1.0, 2.0)]
    assert from_json_values(Record, values[1]).scoring.temperature == 2
    del values[1]["temperature"]
    with pytest.raises(ValueError, match="temperature is missing"):
        from_json_values(Record, values[1])


def test_settings_that_change_no_number_are_not_compared() -> None:
    other = replace(
        IDENTITY,
        scoring=replace(IDENTITY.scoring, model="elsewhere"),
        compute=replace(IDENTITY.compute, device="gpu:1", cache_bytes=1),
        output=OutputSettings(out="elsewhere", part_size=7, resume=True, command="another"),
    )
    assert IDENTITY.differences(other) == []


def test_what_must_agree_of_a_shard() -> None:
    plan = RunPlan(IDENTITY, SHARD, 20)
    assert plan.differences(RECORD) == plan.differences(replace(plan, part_size=7)) == []
    assert plan.differences(replace(RECORD, counts=replace(COUNTS, records=1), course=None)) == []
    assert [found.item for found in plan.differences(replace(RECORD, shard=replace(SHARD, number=3)))] == [
        "shard.number"
    ]
    assert [found.item for found in plan.differences(replace(RECORD, shard=None))] == ["shard"]
    assert [found.item for found in replace(plan, shard=None).differences(RECORD)] == ["shard"]
    assert SHARD.differences_in_division(ShardRecord(1, 3, 0, 8, 26)) == []
    assert SHARD.differences_in_division(replace(SHARD, of=4)) == [Difference("shard.of", 3, 4)]


def test_counts_of_shards_add_up() -> None:
    other = Counts(20, 4, 5, 4, 1, {"no_alt": 1}, 3)
    assert Counts.of_shards([COUNTS, other]) == Counts(20, 4, 14, 11, 3, {"no_alt": 2, "symbolic_alt": 1}, 3)
