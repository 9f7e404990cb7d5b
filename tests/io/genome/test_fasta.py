import gzip
import os
from pathlib import Path

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enformer_vep.errors import FastaError, FastaReadError, SkipReason
from enformer_vep.genome.variant import Interval
from enformer_vep.io.genome.fasta import Genome, find_fault
from tests.support import random_sequence, variant, write_fasta

CONTIGS = {"chr1": random_sequence(1000, seed=1), "chr2": "acgtRYKMnnNN" + random_sequence(500, seed=2), "MT": "ACGT"}


@pytest.fixture(params=["plain", "bgzip"])
def fasta(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = write_fasta(tmp_path / "genome.fa", CONTIGS)
    if request.param == "bgzip":
        pysam.tabix_compress(path, f"{path}.gz")
        path += ".gz"
    return path


def test_contigs_and_index(fasta: str) -> None:
    genome = Genome(fasta)
    assert dict(genome.contigs) == {name: len(sequence) for name, sequence in CONTIGS.items()}
    assert genome.index_path == Path(f"{fasta}.fai")
    assert Path(f"{fasta}.fai").is_file()
    assert not list(Path(fasta).parent.glob(".*"))
    assert dict(Genome(fasta).contigs) == dict(genome.contigs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(contig=st.sampled_from(list(CONTIGS)), start=st.integers(-200, 1200), length=st.integers(0, 1500))
def test_fetch_is_the_sequence_with_n_beyond_its_ends(fasta: str, contig: str, start: int, length: int) -> None:
    padded = "N" * 200 + CONTIGS[contig] + "N" * 4000
    expected = padded[start + 200 : start + 200 + length]
    genome = Genome(fasta)
    assert genome.fetch(Interval(contig, start, start + length)).decode() == expected
    genome.close()


def test_contigs_are_found_by_their_other_names(tmp_path: Path) -> None:
    genome = Genome(write_fasta(tmp_path / "genome.fa", {"chr1": "ACGT", "chrM": "A" * 16_569}))
    assert genome.resolve("1") == genome.resolve("Chr1") == "chr1"
    assert genome.resolve("NC_012920.1") == "chrM"
    assert genome.resolve("chr2") is None


@pytest.mark.parametrize(
    ("pos", "ref", "reason"),
    [
        (1, "ACGT", None),  # the FASTA is lower case here
        (1, "acgt", None),
        (1, "AC", None),
        (2, "A", SkipReason.REF_ALT_SWAPPED),  # ALT is C, as the FASTA has it
        (3, "A", SkipReason.REF_MISMATCH),
        (5, "R", None),  # IUPAC, as the FASTA has it
        (5, "N", SkipReason.REF_MISMATCH),
        (9, "N", None),
        (512, CONTIGS["chr2"][511], None),
        (512, CONTIGS["chr2"][511] + "A", SkipReason.OUT_OF_RANGE),
        (513, "A", SkipReason.OUT_OF_RANGE),
        (0, "A", SkipReason.OUT_OF_RANGE),
    ],
)
def test_ref_is_checked(fasta: str, pos: int, ref: str, reason: SkipReason | None) -> None:
    genome = Genome(fasta)
    problem = genome.check_variant(variant(chrom="chr2", pos=pos, ref=ref), "chr2")
    assert (problem[0] if problem else None) is reason


def test_a_mismatch_says_both(fasta: str) -> None:
    genome = Genome(fasta)
    problem = genome.check_variant(variant(chrom="2", pos=3, ref="AG"), "chr2")
    assert problem == (SkipReason.REF_MISMATCH, "REF is AG, but the FASTA has gt")
    problem = genome.check_variant(variant(chrom="2", pos=2, ref="A", alt="CGT"), "chr2")
    detail = "REF is A, but the FASTA has c, and ALT matches it: REF and ALT may be swapped"
    assert problem == (SkipReason.REF_ALT_SWAPPED, detail)


def test_an_unknown_contig_is_said(fasta: str) -> None:
    genome = Genome(fasta)
    problem = genome.check_variant(variant(chrom="chr9"), genome.resolve("chr9"))
    assert problem == (SkipReason.CONTIG_NOT_IN_FASTA, "the FASTA has no contig chr9")


def test_a_folder_that_cannot_be_written_does_not_stop_it(
    fasta: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = Path(fasta).parent
    access = os.access
    # root may write everywhere, so the folder's mode alone would not do here
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and access(path, mode))
    genome = Genome(fasta)
    assert genome.index_path.is_relative_to(tmp_path / "cache")
    assert not list(folder.glob("*.fai")) + list(folder.glob("*.gzi"))
    assert genome.fetch(Interval("MT", 0, 4)) == b"ACGT"


def test_half_an_index_in_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_fasta(tmp_path / "genome.fa", CONTIGS)
    pysam.tabix_compress(path, f"{path}.gz")
    Genome(f"{path}.gz").close()
    Path(f"{path}.gz.gzi").unlink()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and access(path, mode))
    genome = Genome(f"{path}.gz")
    assert genome.index_path.is_relative_to(tmp_path / "cache")
    assert genome.fetch(Interval("MT", 0, 4)) == b"ACGT"
    assert not Path(f"{path}.gz.gzi").exists()


def test_a_fasta_that_changed_is_indexed_anew(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "genome.fa", {"chr1": "ACGT"})
    Genome(path).close()
    write_fasta(tmp_path / "genome.fa", {"chr0": "TTTTTTTT", "chr1": "CCCC"})
    newer = os.stat(f"{path}.fai").st_mtime + 10
    os.utime(path, (newer, newer))
    assert Genome(path).fetch(Interval("chr1", 0, 4)) == b"CCCC"


def test_a_fasta_that_does_not_fit_its_index_is_an_error(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "genome.fa", {"chr1": "A" * 1000})
    genome = Genome(path)
    with open(path, "r+b") as handle:
        handle.truncate(100)
    with pytest.raises(FastaReadError, match="chr1:1-1000") as caught:
        genome.fetch(Interval("chr1", 500, 600))
    assert caught.value.exit_code == 1


FAULTS = {
    "lines of different length": (
        b">chr1\nACGT\nAC\nACGTACGT\n",
        "line 4, in chr1, follows a line of 2 letters.*seqkit seq",
    ),
    "a longer line": (b">chr1\nACGT\nACGTAC\nACGT\n", "line 3, in chr1, has 6 letters, but the others have 4; rewrite"),
    "a blank line": (b">chr1\nACGT\n\nACGT\n", "line 4, in chr1, follows a blank line; remove .*sed"),
    "blanks at line ends": (b">chr1\nACGT\nACGT\t\nACGT\n", "line 3, in chr1, has blanks .*; remove them: sed"),
    "blanks among the letters": (b">chr1\n" + b"AC GT\n" * 9, "line 2, in chr1, has blanks between"),
    "line ends of two kinds": (
        b">chr1\nACGT\r\nACGT\nACGT\r\n",
        "line 4, in chr1, .*CR LF.*; convert them to one kind",
    ),
    "carriage returns": (b">chr1\rACGT\r", "line 1 uses carriage returns as line ends; convert them to line feeds"),
    "no letters": (b">chr1\n", "ends at line 1 with the name of a sequence that has no letters"),
    "a name in Latin-1": (b">chr\xe9\nACGT\n", r"line 1 has a name that is not UTF-8: b'chr\\xe9'"),
    "two without a name": (b">\nACGT\n> \nAC\n", "two sequences named ''"),
    "two of one name": (b">chr1\nACGT\n>chr2\nA\n>chr1 x\nAC\n", "two sequences named 'chr1': .*remove or rename one"),
}


def read_all(path: str) -> bytes:
    genome = Genome(path)
    return genome.fetch(Interval("chr1", 0, genome.contigs["chr1"]))


def test_blanks_at_every_line_end(tmp_path: Path) -> None:
    path = str(tmp_path / "a.fa")
    Path(path).write_bytes(b">chr1\n" + b"ACGT \n" * 9)
    with pytest.raises(FastaError, match="line 2, in chr1, has blanks before or after its letters; remove them: sed"):
        read_all(path)
    pysam.tabix_compress(path, f"{path}.gz")
    assert read_all(f"{path}.gz") == b"ACGT" * 9  # htslib's reader passes over them


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_with_a_fasta_is_said_in_one_line(
    content: bytes, message: str, tmp_path: Path, capfd: pytest.CaptureFixture, *, is_compressed: bool
) -> None:
    path = str(tmp_path / "a.fa")
    Path(path).write_bytes(content)
    if is_compressed:
        pysam.tabix_compress(path, f"{path}.gz")
        path += ".gz"
    with pytest.raises(FastaError, match=message) as caught:
        read_all(path)
    assert str(caught.value).startswith(f"{path} ")
    assert "\n" not in str(caught.value)
    assert "remove the index" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "content",
    [
        b">chr1\nACGT\nAC",
        b">chr1 x\r\nACGT\r\nAC\r\n\r\n>chr2\r\nA\r\n",
        b"\n> chr1\nACGT\nAC\n\n\n>chr2\nACGTACGT\nACGTACGT\n",
    ],
)
def test_a_fasta_without_fault(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_bytes(content)
    assert find_fault(tmp_path / "a.fa", is_compressed=False) is None
    genome = Genome(str(tmp_path / "a.fa"))
    assert genome.fetch(Interval("chr1", 0, 6)) == b"ACGTAC"


def test_a_bgzipped_fasta_that_is_cut(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "genome.fa", {"chr1": random_sequence(200_000)})
    pysam.tabix_compress(path, f"{path}.gz")
    content = Path(f"{path}.gz").read_bytes()
    Path(f"{path}.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(FastaError, match="cut short or damaged"):
        Genome(f"{path}.gz")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.fa", b"", "expected a first line that begins with '>'"),
        ("a.fa", b"ACGT\n", "expected a first line that begins with '>'"),
        ("a.fa.gz", gzip.compress(b">chr1\nACGT\n", mtime=0), "not bgzip: run"),
        ("a.fa", b">chr1\nACGT\nAC\nACGTACGT\n", "cannot be indexed"),
    ],
)
def test_what_is_not_a_fasta_is_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FastaError, match=message) as caught:
        Genome(str(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_fasta_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FastaError, match="no such file"):
        Genome(str(tmp_path / "none.fa"))
    with pytest.raises(FastaError, match="is a folder"):
        Genome(str(tmp_path))
