from pathlib import Path

import pytest

from enformer_vep.errors import OutputError
from enformer_vep.run.score.opening import model_label, output_paths
from enformer_vep.run.settings import InputSettings, OutputSettings, ScoreSettings, ScoringSettings, Shard


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("enformer", "enformer"),
        ("demo", "demo"),
        ("models/my_model", "my_model"),
        ("models/my_model/", "my_model"),
        ("/models/v1.2", "v1.2"),
        ("models/fine_tuned/step-100", "step-100"),
        ("models/fine_tuned/step-100.index", "step-100"),
        ("models/mine.safetensors", "mine"),
        ("models/pytorch_model.bin", "pytorch_model"),
        ("..//mine/../yours", "yours"),
        ("/", "enformer"),
    ],
)
def test_a_model_is_named_after_itself(model: str, label: str) -> None:
    assert model_label(model) == label


def test_a_model_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    assert model_label(".") == "mine"


def table(vcf: str, *, shard: Shard | None = None, out: str | None = None) -> str:
    settings = ScoreSettings(
        InputSettings(vcf, "genome.fa", shard=shard), ScoringSettings("m/own"), output=OutputSettings(out)
    )
    return str(output_paths(settings).table)


def test_an_output_is_named_after_the_input() -> None:
    assert table("a/input.vcf") == "a/input.own.parquet"
    assert table("input.vcf.gz", shard=Shard(3, 100)) == "input.own.3-of-100.parquet"
    assert table("input.bcf", out="out.tsv") == "out.tsv"
    assert table("-", out="-") == "stdin.own.tsv"
    with pytest.raises(OutputError, match="name it with -o"):
        table("-")
