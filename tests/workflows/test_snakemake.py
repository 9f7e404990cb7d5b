"""The Snakemake workflow on this machine: its configuration, its plan, and a whole run."""

import json
import os
import re
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from enformer_vep.model.weights import save_model
from tests.support import TINY_CONFIG, random_sequence, reference_model, write_fasta, write_vcf
from tests.workflows.programs import SNAKEMAKE, need, score_at_once

pytestmark = pytest.mark.xdist_group("workflows")

CONTIG = random_sequence(8_000)


def snakemake(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["snakemake", "-s", str(SNAKEMAKE / "workflow" / "Snakefile"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def configure(folder: Path, **items: object) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(items))


@pytest.fixture
def inputs(tmp_path: Path, environment: dict[str, str]) -> dict[str, object]:
    """A small model and genome, and SNVs, an insertion that can move to the left, and an allele to skip."""
    need(environment, "snakemake")
    save_model(reference_model(TINY_CONFIG), tmp_path / "model")
    write_fasta(tmp_path / "genome.fa", {"chr1": f"{CONTIG[:4000]}GACACACAC{CONTIG[4000:]}"})
    refs = {pos: CONTIG[pos - 1] for pos in range(2000, 2800, 100)}
    records = [
        ("chr1", pos, f"v{pos}", ref, "<DEL>" if pos == 2300 else "CGTA"["ACGT".index(ref)])
        for pos, ref in refs.items()
    ]
    write_vcf(tmp_path / "input.vcf", [*records, ("chr1", 4009, "moves", "C", "CAC")], contigs=("chr1",))
    return {"vcf": "input.vcf", "fasta": "genome.fa", "model": "model", "shards": 2}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"shards": "six"}, "config.shards: 'six' is not of type 'integer'; it is the number of jobs that share"),
        pytest.param({"vcf": "nothing.vcf"}, "config.vcf: no such file: nothing.vcf (in ", marks=pytest.mark.full),
        pytest.param(
            {"shard": 6},
            "config: Additional properties are not allowed ('shard' was unexpected); the items are vcf,",
            marks=pytest.mark.full,
        ),
        pytest.param(
            {"options": {"score": "--window grid --shard 1/2"}},
            "config.options.score: --shard is set by the workflow: set config.shards",
            marks=pytest.mark.full,
        ),
        pytest.param(
            {"fasta": "hg38", "normalise": True}, "config.fasta: no such file: hg38 (in ", marks=pytest.mark.full
        ),
        pytest.param({"fasta": "hg38.fa"}, "config.fasta: no such file: hg38.fa (in ", marks=pytest.mark.full),
        pytest.param(
            {"model": "weights/none.safetensors"},
            "config.model: no such weights: weights/none.safetensors (in ",
            marks=pytest.mark.full,
        ),
        pytest.param(
            {"options": {"score": "--stats 'SAD"}}, "config.options.score: No closing quotation", marks=pytest.mark.full
        ),
    ],
)
def test_a_wrong_configuration_is_one_line(
    tmp_path: Path,
    environment: dict[str, str],
    inputs: dict[str, object],
    items: dict[str, object],
    message: str,
) -> None:
    configure(tmp_path, **inputs | items)
    done = snakemake(tmp_path, environment, "--dry-run")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.full
def test_the_workflow_has_good_style(tmp_path: Path, environment: dict[str, str], inputs: dict[str, object]) -> None:
    configure(tmp_path, **inputs | {"normalise": True, "gtf": "genome.fa", "profiles": True})
    done = snakemake(tmp_path, environment, "--lint")
    assert (done.returncode, done.stdout) == (0, "")
    assert "your workflow is in a good condition" in done.stderr


def test_the_plan_has_every_step(tmp_path: Path, environment: dict[str, str], inputs: dict[str, object]) -> None:
    configure(tmp_path, **inputs | {"normalise": True, "shards": 6})
    done = snakemake(tmp_path, environment, "--dry-run")
    assert done.returncode == 0, done.stdout
    counts = dict(re.findall(r"^(\w+) +([0-9]+)$", done.stdout, flags=re.MULTILINE))
    assert counts == {
        "normalise": "1", "score": "6", "merge": "1", "annotate": "1", "report": "1", "all": "1", "total": "11",
    }  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("weights", ["model", "model/model", "model/model.index"])
def test_weights_are_inputs_of_what_uses_them_and_only_score_gets_the_device(
    tmp_path: Path, environment: dict[str, str], inputs: dict[str, object], weights: str
) -> None:
    configure(tmp_path, **inputs | {"model": weights, "device": "gpu", "profiles": True, "shards": 1})
    done = snakemake(tmp_path, environment, "--dry-run", "--printshellcmds")
    assert done.returncode == 0, done.stdout
    read = dict(re.findall(r"^rule (\w+):\n    input: (.*)$", done.stdout, flags=re.MULTILINE))
    files = {f"model/{name}" for name in ("model.index", "model.data-00000-of-00001", "config.json")}
    assert all(files <= {*read[rule].split(", ")} for rule in ("score", "report"))
    commands = re.findall(r"^Shell command: .*enformer-vep (\w+) (.*)$", done.stdout, flags=re.MULTILINE)
    assert [command for command, words in commands if "--device gpu" in words] == ["score"]


@pytest.mark.full
def test_saved_parts_are_those_of_the_same_settings_and_inputs(
    tmp_path: Path, environment: dict[str, str], inputs: dict[str, object]
) -> None:
    def planned(**items: object) -> str:
        configure(tmp_path, **inputs | {"shards": 1} | items)
        done = snakemake(tmp_path, environment, "--dry-run")
        (folder,) = set(re.findall(r"results/shards/(\w+)/1-of-1\.scores\.parquet", done.stdout))
        return folder

    (tmp_path / "regions.bed").write_text("chr1\t0\t8000\n")
    score = {"score": "--stats SAD --region regions.bed"}
    folders = [planned(), planned(options=score), planned(device="cpu"), planned(summary=False)]
    assert planned() == folders[0]
    for changed in ("regions.bed", "model/model.index", "genome.fa", "input.vcf"):
        os.utime(tmp_path / changed, (1_000_000_000, 1_000_000_000))
        folders.append(planned(options=score))
    assert len({*folders}) == len(folders)


@pytest.mark.full
def test_a_local_run_gives_the_bytes_of_a_single_run(
    tmp_path: Path, environment: dict[str, str], inputs: dict[str, object]
) -> None:
    need(environment, "bcftools")
    configure(tmp_path, **inputs | {"normalise": True, "options": {"score": "--stats SAD,SAR"}})
    done = snakemake(tmp_path, environment, "--cores", "2")
    assert done.returncode == 0, done.stderr
    results = tmp_path / "results"
    assert sorted(path.name for path in results.iterdir() if path.is_file()) == [
        "annotated.vcf.gz", "annotated.vcf.gz.tbi", "normalised.vcf.gz", "report.html", "scores.parquet",
        "scores.parquet.run.json", "scores.parquet.skipped.tsv", "scores.parquet.summary.tsv",
    ]  # fmt: skip

    single = tmp_path / "single.parquet"
    options = ["-f", tmp_path / "genome.fa", "-m", tmp_path / "model", "--stats", "SAD,SAR", "--summary", "-o", single]
    score_at_once(environment, 2, results / "normalised.vcf.gz", *options)
    for beside in ("", ".skipped.tsv", ".summary.tsv"):
        assert Path(f"{results}/scores.parquet{beside}").read_bytes() == Path(f"{single}{beside}").read_bytes()
    counts = json.loads((results / "scores.parquet.run.json").read_text())["counts"]
    assert (counts["alleles_read"], counts["alleles_scored"]) == (9, 8)
    scored = pq.read_table(single, columns=["pos", "id"]).to_pydict()
    assert scored["pos"][scored["id"].index("moves")] == 4001
