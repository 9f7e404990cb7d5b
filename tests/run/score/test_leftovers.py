"""`score --resume` where an earlier run left some of its files: ours are replaced, others are never touched."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.model.weights import save_model
from enformer_vep.run.run_record import RunPlan, RunRecord, read_run_record
from enformer_vep.run.score.opening import output_paths
from enformer_vep.run.score.parts import Part, WorkFolder
from enformer_vep.run.score.resume import check_outputs, check_work, choose_part_size, finished_record, prepare_work
from enformer_vep.run.settings import ScoreSettings
from tests import scored_vcfs
from tests.score_tables import alleles, random_scores, write_scores
from tests.support import TINY_CONFIG, needs_bfloat16, random_sequence, reference_model, write_fasta, write_vcf

CONTIG = random_sequence(6_000)
TABLE, SKIPPED, RUN, TRACKS, WORK = NAMES = [
    f"out.tsv.gz{suffix}" for suffix in ("", ".skipped.tsv", ".run.json", ".tracks.tsv", ".parts")
]
SUBSETS = list(chain.from_iterable(combinations(NAMES, num) for num in range(len(NAMES) + 1)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run in `done`, and one with other options in `other`, each with a part of an unfinished one."""
    folder = tmp_path_factory.mktemp("made_up")
    scores = random_scores(10)
    for name, statistics in (("done", ("SAD",)), ("other", ("SAR",))):
        (folder / name).mkdir()
        write_scores(folder / name / TABLE, scores, statistics=statistics)
        with WorkFolder(folder / name / WORK) as work:
            work.write_plan(plan_of(folder / name))
            work.write_part(0, Part(alleles(6), scores[:6], []))
    return folder


def plan_of(folder: Path) -> RunPlan:
    return RunPlan(read_run_record(folder / RUN).identity, None, part_size=6)


def go_on(plan: RunPlan, place: Path, *, table: str = TABLE, **options: Any) -> RunRecord | set[int]:
    """Asks what a run asks before it computes; returns the record of what is finished, or the parts that are."""
    settings = ScoreSettings.of(vcf="input.vcf", fasta=None, out=str(place / table), **options)
    paths = output_paths(settings)
    check_outputs(settings, paths)
    with WorkFolder(paths.work) as work:
        check_work(settings, paths, work)
        plan = replace(plan, part_size=choose_part_size(settings.output, "CPU", work))
        if record := finished_record(plan, settings.output, paths, work):
            return record
        prepare_work(plan, settings.output, work, keep=())
        assert work.read_plan() == plan
        return work.finished()


def leave(folder: Path, names: Sequence[str], place: Path) -> dict[str, bytes]:
    """Copies some of the files of a run; returns what is there."""
    for name in names:
        (shutil.copytree if name == WORK else shutil.copy)(folder / name, place / name)
    return contents(place)


def contents(place: Path) -> dict[str, bytes]:
    """The content of all files that stay when a run ends."""
    files = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    files.pop(f"{WORK}/lock", None)
    return files


def refused(plan: RunPlan, place: Path, message: str, **options: Any) -> str:
    """Asks whether a run may go on, which must be refused with one line and nothing touched; returns the line."""
    before = contents(place)
    with pytest.raises(InputError) as caught:
        go_on(plan, place, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(place) == before
    return str(caught.value)


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
def test_leftovers_of_the_same_run(names: Sequence[str], runs: Path, tmp_path: Path) -> None:
    plan = plan_of(runs / "done")
    before = leave(runs / "done", names, tmp_path)
    if TABLE in names and RUN not in names:  # who wrote the table, nothing says
        refused(plan, tmp_path, f"{TABLE} exists, but there is no {TABLE}.run.json beside it", resume=True)
        return
    found = go_on(plan, tmp_path, resume=True)
    if {TABLE, SKIPPED, RUN, TRACKS} <= set(names):  # nothing is left to do
        assert found == read_run_record(tmp_path / RUN)
    else:
        assert found == ({0} if WORK in names else set())
    assert contents(tmp_path) == before


@pytest.mark.parametrize("names", [names for names in SUBSETS if RUN in names and WORK not in names], ids="+".join)
def test_leftovers_of_a_run_with_other_options(names: Sequence[str], runs: Path, tmp_path: Path) -> None:
    plan = plan_of(runs / "done")
    before = leave(runs / "other", names, tmp_path)
    if TABLE in names:
        refused(plan, tmp_path, f"{RUN} had statistics ['SAR'], this one has ['SAD']", resume=True)
    else:
        assert go_on(plan, tmp_path, resume=True) == set()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("foreign", [TABLE, SKIPPED, RUN, TRACKS])
@pytest.mark.parametrize("with_parts", [False, True])
def test_what_is_not_ours_is_never_touched(foreign: str, with_parts: bool, runs: Path, tmp_path: Path) -> None:
    plan = plan_of(runs / "done")
    names = [name for name in (SKIPPED, TRACKS) if name != foreign]
    leave(runs / "done", [*names, *([WORK] if with_parts else [])], tmp_path)
    (tmp_path / foreign).write_text('{"format": 1, "counts": {}}' if foreign == RUN else "mine\n")
    error = refused(plan, tmp_path, f"{tmp_path / foreign} exists, but ", resume=True)
    assert "--overwrite" in error
    assert go_on(plan, tmp_path, overwrite=True) == set()


def test_a_track_table_is_no_leftover(runs: Path, tmp_path: Path) -> None:
    table = tmp_path / TRACKS
    table.write_text("index\tidentifier\tdescription\n" + "".join(f"{i}\tT{i}\t\n" for i in range(5)))
    refused(plan_of(runs / "done"), tmp_path, f"{table} exists", track_table=str(table), resume=True)


@pytest.mark.parametrize("suffix", [".parquet", ".tsv"])
def test_a_summary_and_genes_are_files_of_the_run_too(suffix: str, tmp_path: Path) -> None:
    vcf = write_vcf(tmp_path / "input.vcf", [("chr1", pos, ".", "A", "C") for pos in range(100, 104)])
    out = scored_vcfs.score(vcf, tmp_path / f"s{suffix}", summary="beside", gene_columns="summary")
    record = read_run_record(Path(f"{out}.run.json"))
    genes = record.identity.genes
    assert genes is not None
    options: dict[str, Any] = {"table": out.name, "gtf": "genes.gtf", "summary": "beside", "resume": True}
    mine = RunPlan(record.identity, None, 6)
    assert go_on(mine, tmp_path, **options) == record
    more_bins = replace(genes, settings=replace(genes.settings, gene_bins=10))
    other = replace(mine, identity=replace(mine.identity, genes=more_bins))
    refused(other, tmp_path, "had genes.bins 3, this one has 10", **options)
    for beside in (f"{out}.summary.tsv", f"{out}.genes{suffix}"):
        Path(beside).unlink()
        assert go_on(mine, tmp_path, **options) == set()
    Path(f"{out}.summary.tsv").write_text("mine\n")
    refused(mine, tmp_path, f"{out}.summary.tsv exists, but ", **options)
    if suffix == ".tsv":
        Path(f"{out}.summary.tsv").unlink()
        Path(f"{out}.genes.tsv").write_text("mine\n")
        refused(mine, tmp_path, f"{out}.genes.tsv exists, but ", **options)


def test_without_resume_leftovers_are_refused(runs: Path, tmp_path: Path) -> None:
    leave(runs / "done", [SKIPPED, RUN], tmp_path)
    refused(plan_of(runs / "done"), tmp_path, "exists: choose another output, or use --overwrite")


def test_an_unfinished_run_is_continued_or_discarded(runs: Path, tmp_path: Path) -> None:
    leave(runs / "other", [RUN, SKIPPED, WORK], tmp_path)
    other, mine = plan_of(runs / "other"), plan_of(runs / "done")
    error = refused(mine, tmp_path, f"cannot resume: the run in {tmp_path / WORK} had statistics", resume=True)
    assert "use --resume" not in error
    assert go_on(other, tmp_path, resume=True) == {0}
    assert go_on(other, tmp_path, resume=True, overwrite=True) == {0}  # go on, or else begin anew
    assert go_on(mine, tmp_path, resume=True, overwrite=True) == set()
    (tmp_path / RUN).unlink()
    (tmp_path / SKIPPED).unlink()
    leave(runs / "other", [WORK], tmp_path)
    refused(other, tmp_path, "an unfinished run is in ")
    assert go_on(other, tmp_path, overwrite=True) == set()


def test_parts_without_a_plan_are_of_no_use(runs: Path, tmp_path: Path) -> None:
    """As they stay behind if a run is killed while it discards them."""
    leave(runs / "done", [WORK], tmp_path)
    (tmp_path / WORK / "run.json").unlink()
    assert go_on(plan_of(runs / "done"), tmp_path, resume=True) == set()


def test_a_finished_run_is_repeated_only_if_asked(runs: Path, tmp_path: Path) -> None:
    before = leave(runs / "done", [TABLE, SKIPPED, RUN, TRACKS], tmp_path)
    assert go_on(plan_of(runs / "done"), tmp_path, overwrite=True) == set()
    assert contents(tmp_path) == before  # until the new one is whole


def test_parts_of_a_run_may_replace_the_files_of_another(runs: Path, tmp_path: Path) -> None:
    leave(runs / "other", [TABLE, SKIPPED, RUN, TRACKS], tmp_path)
    leave(runs / "done", [WORK], tmp_path)  # which was begun with --overwrite
    assert go_on(plan_of(runs / "done"), tmp_path, resume=True) == {0}


def test_a_plan_that_cannot_be_read_is_discarded_only_if_asked(runs: Path, tmp_path: Path) -> None:
    leave(runs / "done", [WORK], tmp_path)
    (tmp_path / WORK / "run.json").write_text('{"format": 1}')
    refused(plan_of(runs / "done"), tmp_path, "cannot be read: ", resume=True)
    assert go_on(plan_of(runs / "done"), tmp_path, resume=True, overwrite=True) == set()


# Six whole commands.


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, a genome, variants, and a finished run in `done` with the parts of an unfinished one."""
    folder = tmp_path_factory.mktemp("leftovers")
    save_model(reference_model(TINY_CONFIG), folder / "model")
    write_fasta(folder / "genome.fa", {"chr1": CONTIG})
    bases = [(pos, CONTIG[pos - 1]) for pos in range(2000, 2010)]
    records = [("chr1", pos, ".", ref, f"{'CGTA'['ACGT'.index(ref)]},<DEL>") for pos, ref in bases]
    write_vcf(folder / "input.vcf", records)
    (folder / "done").mkdir()
    write_part = WorkFolder.write_part

    def write_one_part(self: WorkFolder, number: int, part: Part) -> None:
        write_part(self, number, part)
        raise EnformerVepError("the power failed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkFolder, "write_part", write_one_part)
        assert main(command(folder, folder / "done" / TABLE)) == 1
    shutil.copytree(folder / "done" / WORK, folder / "kept")
    assert main(command(folder, folder / "done" / TABLE, "--resume")) == 0
    (folder / "kept").rename(folder / "done" / WORK)
    return folder


def command(inputs: Path, out: Path, *more: str) -> list[str]:
    paths = ["-f", str(inputs / "genome.fa"), "-m", str(inputs / "model"), "-o", str(out)]
    return ["score", str(inputs / "input.vcf"), *paths, "--part-size", "6", "-q", *more]


def finished_as(place: Path, expected: Path) -> bool:
    """Says whether a run's files are there, the same as those of another."""
    assert sorted(path.name for path in place.iterdir()) == sorted([TABLE, SKIPPED, RUN, TRACKS])
    assert json.loads((place / RUN).read_text())["counts"]["alleles_scored"] == 10
    return all((place / name).read_bytes() == (expected / name).read_bytes() for name in (TABLE, SKIPPED, TRACKS))


@pytest.mark.slow
@pytest.mark.parametrize("names", [(TABLE, RUN), (SKIPPED, TRACKS, WORK), NAMES], ids="+".join)
def test_a_resumed_run_is_a_whole_one(names: Sequence[str], inputs: Path, tmp_path: Path) -> None:
    before = leave(inputs / "done", names, tmp_path)
    assert main(command(inputs, tmp_path / TABLE, "--resume")) == 0
    assert finished_as(tmp_path, inputs / "done")
    assert ((tmp_path / RUN).read_bytes() == before.get(RUN)) == (names == NAMES)  # nothing was left to do


@pytest.mark.slow
def test_a_run_with_other_options_is_kept(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    before = leave(inputs / "done", [RUN, SKIPPED, WORK], tmp_path)
    other = command(inputs, tmp_path / TABLE, "--stats", "SAR")
    assert main([*other, "--resume"]) == 2
    error = capsys.readouterr().err
    assert "cannot resume: the run in " in error
    assert "use --resume" not in error
    assert error.count("\n") == 1
    assert contents(tmp_path) == before
    (tmp_path / TABLE).write_text("mine\n")
    assert main([*command(inputs, tmp_path / TABLE), "--overwrite"]) == 0
    assert finished_as(tmp_path, inputs / "done")


@pytest.mark.slow
def test_a_resumed_run_has_the_part_size_of_the_unfinished_one(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    leave(inputs / "done", [WORK], tmp_path)
    words = command(inputs, tmp_path / TABLE, "--resume", "--part-size", "50")
    words.remove("-q")
    assert main(words) == 0
    error = capsys.readouterr().err
    assert "--part-size 50 is ignored: the unfinished run has parts of 6 alleles" in error
    assert "; 6 of them were finished by an earlier run" in error
    assert finished_as(tmp_path, inputs / "done")


@pytest.mark.slow
@needs_bfloat16
def test_a_failed_verification_does_not_suggest_resume(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    tolerance = ["--verify", "2", "--verify-tolerance"]
    words = command(inputs, tmp_path / TABLE, "--precision", "bfloat16")
    assert main([*words, *tolerance, "0"]) == 1
    error = capsys.readouterr().err
    assert "verification failed" in error
    assert "--resume" not in error
    assert os.listdir(tmp_path) == [WORK]  # with another tolerance the parts would do
    assert main([*words, "--resume", *tolerance, "9"]) == 0
