"""`score --resume` where an earlier run left some of its files: ours are replaced, others are never touched."""

import json
import os
import shutil
from collections.abc import Sequence
from itertools import chain, combinations
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError
from enformer_vep.model.weights import save_model
from enformer_vep.run.score.parts import Part
from enformer_vep.run.score.work_folder import WorkFolder
from tests.support import TINY_CONFIG, needs_bfloat16, random_sequence, reference_model, write_fasta, write_vcf

pytestmark = pytest.mark.slow

CONTIG = random_sequence(6_000)
TABLE, SKIPPED, RUN, TRACKS, WORK = NAMES = [
    f"out.tsv.gz{suffix}" for suffix in ("", ".skipped.tsv", ".run.json", ".tracks.tsv", ".parts")
]
SUBSETS = list(chain.from_iterable(combinations(NAMES, num) for num in range(len(NAMES) + 1)))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, a genome, variants, a finished run in `done`, and one with other options in `other`."""
    folder = tmp_path_factory.mktemp("leftovers")
    save_model(reference_model(TINY_CONFIG), folder / "model")
    write_fasta(folder / "genome.fa", {"chr1": CONTIG})
    bases = [(pos, CONTIG[pos - 1]) for pos in range(2000, 2010)]
    records = [("chr1", pos, ".", ref, f"{'CGTA'['ACGT'.index(ref)]},<DEL>") for pos, ref in bases]
    write_vcf(folder / "input.vcf", records)
    for name, options in (("done", []), ("other", ["--stats", "SAR"])):
        (folder / name).mkdir()
        assert main([*command(folder, folder / name / TABLE), *options]) == 0
        stop_after_a_part(folder, folder / name, *options)
    return folder


def command(inputs: Path, out: Path, *more: str) -> list[str]:
    paths = ["-f", str(inputs / "genome.fa"), "-m", str(inputs / "model"), "-o", str(out)]
    return ["score", str(inputs / "input.vcf"), *paths, "--part-size", "6", "-q", *more]


def stop_after_a_part(inputs: Path, folder: Path, *options: str) -> None:
    """Leaves the parts of an unfinished run in a folder."""
    write_part = WorkFolder.write_part

    def write_one_part(self: WorkFolder, number: int, part: Part) -> None:
        write_part(self, number, part)
        raise EnformerVepError("the power failed")

    (folder / "again").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkFolder, "write_part", write_one_part)
        assert main([*command(inputs, folder / "again" / TABLE), *options]) == 1
    (folder / "again" / WORK).rename(folder / WORK)
    (folder / "again").rmdir()


def leave(folder: Path, names: Sequence[str], place: Path) -> dict[str, bytes]:
    """Copies some of the files of a run; returns what is there."""
    for name in names:
        (shutil.copytree if name == WORK else shutil.copy)(folder / name, place / name)
    return contents(place)


def contents(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def finished_as(place: Path, expected: Path) -> bool:
    """Says whether a run's files are there, the same as those of another."""
    assert sorted(path.name for path in place.iterdir()) == sorted([TABLE, SKIPPED, RUN, TRACKS])
    assert json.loads((place / RUN).read_text())["counts"]["alleles_scored"] == 10
    return all((place / name).read_bytes() == (expected / name).read_bytes() for name in (TABLE, SKIPPED, TRACKS))


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
def test_leftovers_of_the_same_run(
    names: Sequence[str], inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    before = leave(inputs / "done", names, tmp_path)
    if TABLE in names and RUN not in names:  # who wrote the table, nothing says
        assert main(command(inputs, tmp_path / TABLE, "--resume")) == 2
        assert "out.tsv.gz exists, but there is no out.tsv.gz.run.json beside it" in capsys.readouterr().err
        assert contents(tmp_path) == before
        return
    assert main(command(inputs, tmp_path / TABLE, "--resume")) == 0
    assert finished_as(tmp_path, inputs / "done")
    if {TABLE, SKIPPED, RUN, TRACKS} <= set(names):
        assert (tmp_path / RUN).read_bytes() == before[RUN]  # nothing was left to do


@pytest.mark.parametrize("names", [names for names in SUBSETS if RUN in names and WORK not in names], ids="+".join)
def test_leftovers_of_a_run_with_other_options(
    names: Sequence[str], inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    before = leave(inputs / "other", names, tmp_path)
    if TABLE in names:
        assert main(command(inputs, tmp_path / TABLE, "--resume")) == 2
        assert "out.tsv.gz.run.json had statistics ['SAR'], this one has ['SAD']" in capsys.readouterr().err
        assert contents(tmp_path) == before
        return
    assert main(command(inputs, tmp_path / TABLE, "--resume")) == 0
    assert finished_as(tmp_path, inputs / "done")


def test_an_unfinished_run_with_other_options_is_kept(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    before = leave(inputs / "other", [RUN, SKIPPED, WORK], tmp_path)
    assert main(command(inputs, tmp_path / TABLE, "--resume")) == 2
    error = capsys.readouterr().err
    assert "cannot resume: the run in " in error
    assert "use --resume" not in error
    assert error.count("\n") == 1
    assert contents(tmp_path) == before
    assert main(command(inputs, tmp_path / TABLE, "--resume", "--overwrite")) == 0  # go on, or else begin anew
    assert finished_as(tmp_path, inputs / "done")


@pytest.mark.parametrize("foreign", [TABLE, SKIPPED, RUN, TRACKS])
@pytest.mark.parametrize("with_parts", [False, True])
def test_what_is_not_ours_is_never_touched(
    foreign: str, with_parts: bool, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    names = [name for name in (SKIPPED, TRACKS) if name != foreign]
    leave(inputs / "done", [*names, *([WORK] if with_parts else [])], tmp_path)
    (tmp_path / foreign).write_text('{"format": 1, "counts": {}}' if foreign == RUN else "mine\n")
    before = contents(tmp_path)
    assert main(command(inputs, tmp_path / TABLE, "--resume")) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path / foreign} exists, but " in error
    assert "--overwrite" in error
    assert error.count("\n") == 1
    assert contents(tmp_path) == before
    assert main(command(inputs, tmp_path / TABLE, "--overwrite")) == 0
    assert finished_as(tmp_path, inputs / "done")


def test_a_track_table_is_no_leftover(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    table = tmp_path / TRACKS
    table.write_text("index\tidentifier\tdescription\n" + "".join(f"{i}\tT{i}\t\n" for i in range(5)))
    before = contents(tmp_path)
    options = ["--track-table", str(table), "--tracks", "0", "--resume"]
    assert main(command(inputs, tmp_path / TABLE, *options)) == 2
    assert f"{table} exists" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_without_resume_leftovers_are_refused(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    before = leave(inputs / "done", [SKIPPED, RUN], tmp_path)
    assert main(command(inputs, tmp_path / TABLE)) == 2
    assert "exists: choose another output, or use --overwrite" in capsys.readouterr().err
    assert contents(tmp_path) == before


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
