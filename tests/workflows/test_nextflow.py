"""The Nextflow workflow on this machine: its steps, its checks of parameters, and the bytes that it gives."""

import json
import re
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.demo.files import write_demo
from tests.workflows.nextflow_runs import run_nextflow
from tests.workflows.programs import NEXTFLOW, need

SMALL = ["-c", str(NEXTFLOW.parents[1] / "tests" / "workflows" / "small_jobs.config")]
"""Jobs that fit beside each other on a machine with two cores."""


@pytest.fixture
def demo(tmp_path: Path) -> list[str]:
    """The demo's files in tmp_path, as parameters."""
    write_demo(*(tmp_path / name for name in ("genome.fa", "variants.vcf", "genes.gtf")))
    return ["--vcf", "variants.vcf", "--fasta", "genome.fa", "--model", "demo"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "missing parameter --vcf: Variants: VCF, bgzipped VCF, BCF or a list"),
        (["--vcf", "no.vcf", "--fasta", "genome.fa"], "invalid parameter --vcf no.vcf: expected an existing file"),
        (["--shard", "6"], "unknown parameter --shard: did you mean --shards?"),
        (["--shards", "0"], "invalid parameter --shards 0: expected at least 1"),
        (["--tracks"], "invalid parameter --tracks true: expected a value"),
    ],
)
def test_a_wrong_parameter_gives_one_line(
    tmp_path: Path, environment: dict[str, str], words: list[str], said: str, demo: list[str]
) -> None:
    done = run_nextflow(tmp_path, environment, *(demo if len(words) in (1, 2) else []), *words, before=["-q"])
    assert done.returncode == 1
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith(said)


def test_the_schema_and_the_config_declare_the_same_parameters() -> None:
    schema = json.loads((NEXTFLOW / "nextflow_schema.json").read_text())
    declared = {name: rule for group in schema["$defs"].values() for name, rule in group["properties"].items()}
    block = re.search(r"^params \{\n(.*?)^\}", (NEXTFLOW / "nextflow.config").read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    values = dict(re.findall(r"^    (\w+) += (.*)$", block[1], re.MULTILINE))
    assert values.keys() == declared.keys()
    written = {None: "null", True: "true", False: "false"}
    for name, rule in declared.items():
        default = rule.get("default")
        assert values[name] == (written[default] if default in (None, True, False) else repr(default)), name


@pytest.mark.full
def test_stubs_pass_every_step_and_a_resumed_workflow_runs_none(
    tmp_path: Path, environment: dict[str, str], demo: list[str]
) -> None:
    need(environment, "bcftools")
    words = [*SMALL, "-stub", *demo, "--gtf", "genes.gtf", "--normalise", "--shards", "2"]
    done = run_nextflow(tmp_path, environment, *words)
    assert done.returncode == 0, done.stdout
    steps = ["BCFTOOLS_NORM", "ENFORMERVEP_ANNOTATE", "ENFORMERVEP_MERGE", "ENFORMERVEP_REPORT"]
    steps += ["ENFORMERVEP_SCORE"] * 2
    assert sorted(re.findall(r"Submitted process > ENFORMERVEP:(\w+)", done.stdout)) == steps
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [
        "variants.annotated.vcf.gz", "variants.annotated.vcf.gz.tbi", "variants.enformer.parquet",
        "variants.enformer.parquet.run.json", "variants.enformer.parquet.skipped.tsv", "variants.report.html",
    ]  # fmt: skip

    again = run_nextflow(tmp_path, environment, *words, "-resume")
    assert again.returncode == 0, again.stdout
    assert "Submitted process" not in again.stdout
    assert sorted(re.findall(r"Cached process > ENFORMERVEP:(\w+)", again.stdout)) == steps


@pytest.mark.full
def test_a_local_run_in_shards_gives_the_bytes_of_a_single_run(
    tmp_path: Path, environment: dict[str, str], demo: list[str]
) -> None:
    words = ["--gtf", "genes.gtf", "--tracks", "assay:CAGE,!/won't match|CTCF/", "--shards", "3"]
    region = "--region made_up_2 --window grid"
    done = run_nextflow(tmp_path, environment, *SMALL, *demo, *words, "--score_args", region, "--profiles", "false")
    assert done.returncode == 0, done.stdout
    results = tmp_path / "results"
    assert "</html>" in (results / "variants.report.html").read_text()
    assert (results / "variants.annotated.vcf.gz.tbi").is_file()
    assert not list((tmp_path / "work" / "enformervep-parts").iterdir())

    single = tmp_path / "single.parquet"
    options = ["-f", str(tmp_path / "genome.fa"), "-g", str(tmp_path / "genes.gtf"), "-m", "demo", "-q"]
    options += ["--tracks", words[3], *region.split(), "-o", str(single)]
    assert main(["score", str(tmp_path / "variants.vcf"), *options]) == 0
    for beside in ("", ".genes.parquet", ".skipped.tsv"):
        merged = results / f"variants.enformer.parquet{beside}"
        assert merged.read_bytes() == Path(f"{single}{beside}").read_bytes()


@pytest.mark.full
def test_input_that_cannot_be_used_is_not_tried_again(
    tmp_path: Path, environment: dict[str, str], demo: list[str]
) -> None:
    done = run_nextflow(tmp_path, environment, *SMALL, *demo, "--shards", "1", "--stats", "SADD")
    assert done.returncode == 1
    assert "Execution is retried" not in done.stdout
    assert "enformer-vep: error: " in done.stdout
