"""The code blocks of README and docs run as they stand, page by page, on small files of the same names."""

import glob
import io
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from enformer_vep.cli import cli, main
from tests.docs.pages import PAGES, arguments_of, blocks, is_ours
from tests.docs.world import write_world

PARSED_PAGES = {
    "docs/tracks.md": "needs the published tables; tests/test_docs_tracks.py compares what it prints",
    "docs/worked_example.md": "needs real variants; tests/test_worked_example.py compares what it prints",
}
"""Pages of which no block is run here, with the reason."""

PARSED_COMMANDS = {
    "enformer-vep fetch": "downloads; tests/fetch runs it on files of its own",
    "enformer-vep background --from-1000g": "needs DeepMind's scores of 1000 Genomes variants",
    "enformer-vep convert-transform": "needs DeepMind's pickle",
    "enformer-vep convert mine.pt": "needs a model of PyTorch; tests/model reads them",
    "enformer-vep score some.txt": "needs DeepMind's scores of 1000 Genomes variants",
    "enformer-vep score input.vcf -f hg38 -m mine.safetensors": "needs a model of PyTorch; tests/model reads them",
    "enformer-vep tracks": "needs the published tables; tests/test_docs_tracks.py runs such commands",
    "bcftools norm": "tests/test_docs_annotate.py runs it, and checks what it gives",
    "bcftools query": "tests/test_docs_annotate.py runs it, and checks what it gives",
    "bcftools +split-vep": "tests/test_docs_annotate.py runs it, and checks what it gives",
    "bcftools view -i 'ABS": "tests/test_docs_annotate.py runs it, and checks what it gives",
    "bcftools view -i 'ID=@ids.txt' dbsnp.vcf.gz": "needs dbSNP",
    ".venv/bin/python -m benchmarks": "takes minutes",
    "python -m benchmarks": "takes minutes",
    "cd workflows": "tests/workflows runs the workflows",
    "snakemake": "tests/workflows runs the workflows",
    "nextflow": "tests/workflows runs the workflows",
    "mkdir shards": "tests/workflows runs the workflows",
    "sbatch": "tests/workflows runs the workflows",
    "make": "runs everything; tests/demo runs the demo, and `make bench` takes minutes",
    "pip": "installs",
    "modisco": "is no dependency",
    "vep": "is no dependency",
}
"""Commands that are only parsed, by how they begin, with the reason."""

PARSED_PYTHON = {
    "1000G.MAF": "needs DeepMind's scores of 1000 Genomes variants",
    "some.npy": "needs DeepMind's scores of 1000 Genomes variants",
    "demo.scores.tsv": "tests/demo runs it, and checks what it prints",
    "torch.save": "needs a model of PyTorch; tests/model reads them",
}
"""Python that is only compiled, by what is in it, with the reason."""

SET_UP = {
    "README.md": ["enformer-vep score input.vcf -f hg38 -o scores.parquet"],
    "docs/components.md": [
        "enformer-vep score common.vcf.gz -f hg38 -o scores.parquet",
        "enformer-vep components scores.parquet --fit transform.npz -o components.parquet",
    ],
    "docs/output.md": ["enformer-vep score input.vcf -f hg38 -o scores.parquet"],
    "docs/predict.md": ["enformer-vep predict peaks.bed -f hg38 --tracks ENCFF833POA -o peaks.zarr"],
    "docs/report.md": ["enformer-vep score input.vcf -f hg38 --summary"],
    "docs/saturate.md": [
        "enformer-vep saturate peaks.bed -f hg38 --tracks assay:DNASE -o peaks.parquet",
        "enformer-vep derive peaks.parquet --effects peaks.npz",
    ],
    "docs/weights.md": ["enformer-vep convert demo mine.safetensors"],
}
"""What a page takes for granted beside the files of the world, which its reader has made before."""

SMALLER = {
    "-f hg38.fa": "-f hg38",
    "--verify 10": "--verify 10 --verify-tolerance 0.2",  # the scores of so small a model are rounded more
    "--shard 3/100": "--shard 1/1",
    "--shard 3/200": "--shard 1/1",
    "input.enformer.*-of-100.parquet": "input.enformer.1-of-1.parquet",
    "chr7:5500000-5600000 -f": "chr7:5525000-5532000 -f",
    "chr7:5529000-5531000": "chr7:5530000-5530031",
    "chr7:5530500-5530699": "chr7:5530500-5530507",
}
"""Parts of commands, and others of the same kind that cost less."""

PAGES_WITH_CODE = [page for page in PAGES if page not in PARSED_PAGES and any(block.is_code for block in blocks(page))]


def test_every_reason_is_that_of_a_block() -> None:
    found = [block for page in PAGES_WITH_CODE for block in blocks(page) if block.is_code]
    commands = [command for block in found if block.is_shell for command in block.commands()]
    for start in PARSED_COMMANDS:
        assert any(command.startswith(start) for command in commands), start
    for part in PARSED_PYTHON:
        assert any(part in block.text for block in found if block.kind == "python"), part
    assert set(PARSED_PAGES) | set(SET_UP) <= set(PAGES)
    for command in commands:
        known = is_ours(command) or command.startswith("mkdir -p ") or reason_not_to_run(command, PARSED_COMMANDS)
        assert known, f"run by nothing, and no reason is given: {command}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


@pytest.mark.full
@pytest.mark.parametrize("page", PAGES_WITH_CODE)
def test_blocks_run(page: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in world.iterdir():
        if path.name != "demo":
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(world / "demo", tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    for name in ("FASTA", "MODEL"):
        monkeypatch.delenv(f"ENFORMER_VEP_{name}", raising=False)
    monkeypatch.setattr("enformer_vep.model.location.files", lambda package: tmp_path / "small_demo")
    monkeypatch.setenv("ENFORMER_VEP_CACHE", str(tmp_path / "cache"))
    for command in SET_UP.get(page, []):
        run(command, "set-up", monkeypatch)
    names: dict[str, object] = {}
    for block in (block for block in blocks(page) if block.is_code):
        if block.kind != "python":
            for command in block.commands():
                if reason_not_to_run(command, PARSED_COMMANDS) is None:
                    run(command, str(block), monkeypatch)
        elif not any(part in block.text for part in PARSED_PYTHON):
            exec(compile(block.text, str(block), "exec"), names)
    if page == "docs/python.md":
        check_frames(names)


def check_frames(names: Mapping[str, Any]) -> None:
    """Checks the frames of scores that docs/python.md makes."""
    assert names["scores"]["status"].tolist()[-1] == "contig_not_in_fasta"
    assert names["table"].notna().all(axis=None)


def reason_not_to_run(command: str, reasons: Mapping[str, str]) -> str | None:
    """Returns why a command is not run, None if it is."""
    return next((reason for start, reason in reasons.items() if command.startswith(start)), None)


def run(command: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a command of a page in the working folder and in this process."""
    if command.startswith("mkdir -p "):
        Path(command.split()[-1]).mkdir()
        return
    assert is_ours(command), f"{where}: run by nothing, and no reason is given: {command}"
    for part, other in SMALLER.items():
        command = command.replace(part, other)
    arguments = [name for word in arguments_of(command) for name in (sorted(glob.glob(word)) or [word])]
    if "--resume" in arguments and "-o" not in arguments:  # what earlier blocks wrote there was of other options
        for path in Path().glob("input.enformer.parquet*"):
            path.unlink()
    options = {name for option in cli.commands[arguments[0]].params for name in option.opts}
    if "--overwrite" in options and "--resume" not in arguments:
        arguments.append("--overwrite")
    text = shlex.split(command)[1] if command.startswith("echo") else ""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{text}\n".encode())))
    assert main(arguments) == 0, f"{where}: {command}"
