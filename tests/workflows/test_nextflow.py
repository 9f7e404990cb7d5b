"""The Nextflow workflow on this machine: its steps, its checks of parameters, and the bytes that it gives."""

import json
import re
from pathlib import Path

import pytest

from enformer_vep.demo.files import write_demo
from tests.workflows.nextflow_runs import run_nextflow
from tests.workflows.programs import NEXTFLOW, SNAKEMAKE, need, score_at_once

pytestmark = pytest.mark.xdist_group("workflows")

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


@pytest.mark.parametrize("step", ["score", "report"])
def test_the_model_takes_as_many_cores_as_its_job_has(step: str) -> None:
    script = (NEXTFLOW / "modules" / "local" / "enformervep" / step / "main.nf").read_text()
    assert f"export TF_NUM_INTRAOP_THREADS=${{task.cpus}} enformer-vep {step} " in " ".join(script.split())


def test_both_workflows_normalise_alike() -> None:
    module = (NEXTFLOW / "modules" / "local" / "bcftools" / "norm" / "main.nf").read_text()
    default = re.search(r"norm_args += '(.*)'", (NEXTFLOW / "nextflow.config").read_text())
    assert default is not None
    module = module.replace("${args}", default[1])
    rule = (SNAKEMAKE / "workflow" / "rules" / "normalise.smk").read_text()
    norm, other = (re.search(r"bcftools norm.*", text) for text in (module, rule))
    assert norm is not None
    assert other is not None
    same = ["--no-version", "--check-ref w", "--multiallelics -any"]
    assert [word for word in same if word in norm[0]] == [word for word in same if word in other[0]] == same
    assert "set -o pipefail" in module  # Snakemake's shell has it
    assert all(re.search(r"\| bcftools sort --temp-dir", text) for text in (module, rule))


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
    (tmp_path / "variants.vcf").rename(tmp_path / "my cohort.vcf")
    words = ["--gtf", "genes.gtf", "--tracks", "assay:CAGE,!/won't match|CTCF/", "--shards", "3"]
    demo[1] = "my cohort.vcf"
    region = "--region made_up_2 --window grid"
    done = run_nextflow(tmp_path, environment, *SMALL, *demo, *words, "--score_args", region, "--profiles", "false")
    assert done.returncode == 0, done.stdout
    results = tmp_path / "results"
    assert "</html>" in (results / "my_cohort.report.html").read_text()
    assert (results / "my_cohort.annotated.vcf.gz.tbi").is_file()
    assert not list((tmp_path / "work" / "enformervep-parts").iterdir())

    single = tmp_path / "single.parquet"
    options = ["-f", tmp_path / "genome.fa", "-g", tmp_path / "genes.gtf", "-m", "demo", "--tracks", words[3]]
    score_at_once(environment, 1, tmp_path / "my cohort.vcf", *options, *region.split(), "-o", single)
    for beside in ("", ".genes.parquet", ".skipped.tsv"):
        merged = results / f"my_cohort.enformer.parquet{beside}"
        assert merged.read_bytes() == Path(f"{single}{beside}").read_bytes()


@pytest.mark.full
def test_input_that_cannot_be_used_is_not_tried_again(
    tmp_path: Path, environment: dict[str, str], demo: list[str]
) -> None:
    done = run_nextflow(tmp_path, environment, *SMALL, *demo, "--shards", "1", "--stats", "SADD")
    assert done.returncode == 1
    assert "Execution is retried" not in done.stdout
    assert "enformer-vep: error: " in done.stdout


@pytest.mark.full
def test_when_retries_run_out_the_other_jobs_still_end(
    tmp_path: Path, environment: dict[str, str], demo: list[str]
) -> None:
    fails = "grep -q 1-of-2 .command.sh && exit 1; sleep 8"
    (tmp_path / "one_fails.config").write_text(
        f"process {{ withName: ENFORMERVEP_SCORE {{ beforeScript = '{fails}' }} }}\n"
    )
    config = [*SMALL, "-c", "one_fails.config"]
    done = run_nextflow(tmp_path, environment, *config, "-stub", *demo, "--shards", "2", "--max_retries", "1")
    assert done.returncode == 1
    assert done.stdout.count("Execution is retried") == 1
    codes = [path.read_text() for path in tmp_path.glob("work/??/*/.exitcode")]
    assert sorted(codes) == ["0", "1", "1"]
