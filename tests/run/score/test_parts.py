import errno
import fcntl
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from enformer_vep.errors import EnformerVepError, OutputError, PartError, SkipReason
from enformer_vep.genome.variant import Variant
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.run.score.parts import Part, PartCounts, SkippedAllele, WorkFolder

ALLELES = [
    VcfAllele(Variant("chr1", 10, "A", "C"), 0, 1, "caf\udce9"),
    VcfAllele(Variant("chrX", 2**40, "AC", "A"), 3, 2),
]
SKIPPED = [
    SkippedAllele(
        VcfAllele(Variant("chr1", 0, "A", "<DEL>"), 0, 2, "\udcff", "line 3"), SkipReason.SYMBOLIC_ALT, "none"
    )
]
PART = Part(ALLELES, np.array([[0.1, 1e30, 0], [1 / 3, -1, 2]], np.float32), SKIPPED)
EMPTY = Part([], np.empty((0, 3), np.float32), [])


def test_a_part_is_read_as_it_was_written(tmp_path: Path) -> None:
    with WorkFolder(tmp_path / "work") as work:
        for number, part in ((0, PART), (12, EMPTY)):
            work.write_part(number, part)
            found = work.read_part(number)
            assert found.alleles == part.alleles
            assert found.scores.dtype == np.float32
            assert np.array_equal(found.scores, part.scores)
            assert [(s.reason, s.detail, s.allele.fields) for s in found.skipped] == [
                (s.reason, s.detail, s.allele.fields) for s in part.skipped
            ]
        assert work.finished() == {0, 12}
        assert not list(work.path.glob(".*"))


def test_parts_are_counted_without_their_scores(tmp_path: Path) -> None:
    with WorkFolder(tmp_path / "work") as work:
        assert work.count([]) == PartCounts()
        for number in range(3):
            work.write_part(number, PART if number else EMPTY)
        counts = work.count(range(3))
        assert counts == PartCounts(4, Counter({SkipReason.SYMBOLIC_ALT: 2}), 2)  # 1e30 is no float16
        assert counts.num_alleles == 6
        (work.path / "part-0000001.arrow").write_bytes(b"")
        with pytest.raises(PartError, match=r"part-0000001.arrow cannot be read: remove it"):
            work.count(range(3))


def test_the_folder_stays_while_there_are_parts(tmp_path: Path) -> None:
    path = tmp_path / "work"
    with WorkFolder(path):
        assert path.is_dir()
    assert not path.exists()
    with WorkFolder(path) as work:
        work.write_part(0, PART)
    with WorkFolder(path) as work:
        assert work.finished() == {0}
        work.clear()
        work.write_part(1, PART)
        work.discard_at_exit()
    assert not path.exists()


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom enformer_vep.run.score.parts import WorkFolder\n"
        "with WorkFolder(Path(sys.argv[1])):\n    print('locked', flush=True)\n    time.sleep(60)\n"
    )
    first = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "work")], stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"locked\n"
    with pytest.raises(OutputError, match=r"another run is writing this output: .* is locked"):
        WorkFolder(tmp_path / "work").__enter__()
    first.kill()
    first.wait()
    first.stdout.close()
    with WorkFolder(tmp_path / "work"):  # the lock went with its owner
        pass


def test_a_file_system_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(logging.getLogger("enformer_vep"), "propagate", True)
    with WorkFolder(tmp_path / "work"):
        assert "this file system has no locks" in caplog.text


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").touch()
    with pytest.raises(OutputError, match=r"thesis.tex, which does not belong to a run"):
        WorkFolder(tmp_path / "work").__enter__()
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["thesis.tex"]


def test_a_broken_part_is_an_error(tmp_path: Path) -> None:
    with WorkFolder(tmp_path / "work") as work:
        work.write_part(0, PART)
        (path,) = work.path.glob("part-*")
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(EnformerVepError, match=r"part-0000000.arrow cannot be read: remove it"):
            work.read_part(0)


def test_a_part_that_cannot_be_written_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with WorkFolder(tmp_path / "work") as work:
        work.write_part(0, PART)
        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(EnformerVepError, match=r"cannot write .*part-0000001.arrow: No space left on device"):
            work.write_part(1, PART)
        assert work.finished() == {0}
