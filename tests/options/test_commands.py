"""The command line's options, as the settings that they become."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enformer_vep.cli import cli, main
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import Placement
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.options.values import format_bytes, read_bytes
from enformer_vep.run.settings import (
    CheckSettings,
    ComputeSettings,
    GeneSettings,
    InputSettings,
    OutputSettings,
    ScoreSettings,
    ScoringSettings,
    Shard,
)
from enformer_vep.scoring import parse_statistics

GROUPS = (InputSettings, ScoringSettings, GeneSettings, ComputeSettings, OutputSettings, CheckSettings)


def settings_of(*options: str) -> Any:
    """What the command line hands over."""
    seen: list[ScoreSettings] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("enformer_vep.run.score.course.score_vcf", seen.append)
        assert main(["score", "x.vcf", "-f", "x.fa", "-q", *options]) == 0
    return seen[0]


def test_defaults_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENFORMER_VEP_MODEL", raising=False)
    command = "enformer-vep score x.vcf -f x.fa -q"
    expected = ScoreSettings(
        InputSettings("x.vcf", "x.fa"), output=OutputSettings(command=command), check=CheckSettings(quiet=True)
    )
    assert settings_of() == expected


def test_values_are_typed() -> None:
    found = settings_of("--window", "shared:500", "--stats", "sar,SAD", "--tracks", "0-2,7,X", "--shard", "3/10")
    assert found.scoring.placement == Placement("shared", 500)
    assert found.scoring.statistics == parse_statistics("SAR,SAD")
    assert found.scoring.tracks == TrackChoice((range(3), 7, "X"))
    assert found.inputs.shard == Shard(3, 10)
    found = settings_of("--region", "chr1", "--region", "chr2", "--device", "gpu:1", "--cache-size", "1G")
    assert found.inputs.regions == ("chr1", "chr2")
    assert (found.compute.device, found.compute.cache_bytes) == ("gpu:1", 2**30)


BAD_VALUES = {
    "--window": ("grd", "unknown placement of windows 'grd': expected centred, grid or shared:BP; did you mean grid?"),
    "--shard": ("3/2", "invalid shard '3/2': expected K/N with K from 1 to N, as in 3/10; see "),
    "--tracks": ("1,,2", "no track '' in '1,,2': expected numbers from 0"),
    "--device": ("tpu", "unknown device 'tpu': expected cpu, gpu"),
    "--cache-size": ("2T", "'2T' is not a size"),
}


@pytest.mark.parametrize("option", BAD_VALUES)
def test_a_bad_value_is_found_in_the_command_line(option: str, capsys: pytest.CaptureFixture) -> None:
    value, message = BAD_VALUES[option]
    assert main(["score", "none.vcf", "-f", "none.fa", "-m", "none", option, value]) == 2
    error = capsys.readouterr().err
    assert f"Invalid value for '{option}': {message}" in error
    assert error.count("\n") == 1


def test_every_option_is_a_setting_and_every_setting_an_option() -> None:
    settings = [item.name for group in GROUPS for item in fields(group)]
    assert len(settings) == len(set(settings))
    options = {parameter.name for parameter in cli.commands["score"].params} - {"help", "debug"}
    views = {item.name for item in fields(ViewSettings)}
    assert views <= options
    # --summary and --summary-only are two options of one setting. `saturate` alone says which bases are changed, and a
    # VCF is annotated when the scores are there.
    assert (options - views - {"summary_only", "annotate"}) | {"command", "views", "saturated"} == set(settings)


def test_a_setting_that_there_is_not_is_an_error() -> None:
    with pytest.raises(TypeError, match="unknown settings: colour"):
        ScoreSettings.of(vcf="x.vcf", fasta="x.fa", colour="red")
    with pytest.raises(TypeError, match="fasta"):
        ScoreSettings.of(vcf="x.vcf")


@given(st.integers(0, 2**45))
def test_a_size_is_read_as_it_is_written(num_bytes: int) -> None:
    assert read_bytes(format_bytes(num_bytes)) == num_bytes


def test_sizes_are_written_briefly() -> None:
    assert [format_bytes(size) for size in (0, 1000, 3072, 128 * 2**20, 2**31)] == ["0", "1000", "3K", "128M", "2G"]
