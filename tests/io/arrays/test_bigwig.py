"""bigWig files, read back by both libraries."""

import resource
from pathlib import Path

import numpy as np
import pybigtools
import pyBigWig
import pytest

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.tiling import BinSpan
from enformer_vep.io.arrays.bigwig import write_bigwig

CONTIGS = {"chr2": 300, "chr1": 128 * 4000, "chr10": 100, "chrEmpty": 0}


def values(number: int) -> np.ndarray:
    return np.random.default_rng(1).lognormal(size=number).astype(np.float32)


def test_both_libraries_read_what_was_written(tmp_path: Path) -> None:
    spans = [BinSpan("chr1", 5, 3000), BinSpan("chr1", 3999, 4000), BinSpan("chr10", 0, 1), BinSpan("chr2", 1, 3)]
    written = values(2999)
    write_bigwig(tmp_path / "x.bw", CONTIGS, spans, written, 128)
    expected = [
        *(("chr1", 128 * number, 128 * number + 128) for number in range(5, 3000)),
        ("chr1", 128 * 3999, 128 * 4000),
        ("chr10", 0, 100),  # shorter than a bin
        ("chr2", 128, 256),
        ("chr2", 256, 300),
    ]
    with pyBigWig.open(str(tmp_path / "x.bw")) as file:
        # All contigs that have a base, in the order of their characters.
        assert list(file.chroms().items()) == [("chr1", 512000), ("chr10", 100), ("chr2", 300)]
        read = [(contig, *interval) for contig in file.chroms() for interval in file.intervals(contig)]
        assert file.stats("chr2", 256, 300, exact=True) == pytest.approx([written[-1]])
    with pybigtools.open(str(tmp_path / "x.bw")) as file:
        again = [(contig, *record) for contig in file.chroms() for record in file.records(contig)]
    assert read == again
    assert [line[:3] for line in read] == expected
    assert (np.float32([line[3] for line in read]) == written).all()


@pytest.mark.parametrize(
    ("offset_bp", "first", "stop", "ends"),
    {
        "both ends cut": (-28, 0, 3, [(0, 100), (100, 228), (228, 300)]),
        "in the middle": (30, 0, 2, [(30, 158), (158, 286)]),
        "bins before the contig": (-300, 2, 4, [(0, 84), (84, 212)]),
        "the end alone": (200, 0, 1, [(200, 300)]),
        "longer than the contig": (-10, 0, 1, [(0, 20)]),
    }.values(),
)
def test_bins_that_do_not_lie_on_the_lattice(
    tmp_path: Path, offset_bp: int, first: int, stop: int, ends: list[tuple[int, int]]
) -> None:
    contigs = {"chr2": 20 if ends == [(0, 20)] else 300}
    written = values(stop - first)
    write_bigwig(tmp_path / "x.bw", contigs, [BinSpan("chr2", first, stop, offset_bp)], written, 128)
    with pyBigWig.open(str(tmp_path / "x.bw")) as file:
        read = file.intervals("chr2")
    assert [line[:2] for line in read] == ends
    assert (np.float32([line[2] for line in read]) == written).all()


def test_contigs_without_values_and_many_contigs(tmp_path: Path) -> None:
    contigs = {f"scaffold_{number}": 1000 + number for number in range(1200)}
    write_bigwig(tmp_path / "x.bw", contigs, [BinSpan("scaffold_999", 15, 16)], values(1), 128)
    with pybigtools.open(str(tmp_path / "x.bw")) as file:
        assert file.chroms() == contigs
        assert [record[:2] for record in file.records("scaffold_999")] == [(1920, 1999)]


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(EnformerVepError, match=r"cannot write .*x\.bw: No such file or directory"):
        write_bigwig(tmp_path / "none" / "x.bw", CONTIGS, [BinSpan("chr1", 0, 1)], values(1), 128)


@pytest.mark.parametrize("limit", [1000, 5000, 9000])
def test_a_full_disk_is_an_error(tmp_path: Path, limit: int, capfd: pytest.CaptureFixture) -> None:
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, earlier[1]))
    try:
        with pytest.raises(EnformerVepError, match=r"cannot write .*x\.bw: "):
            write_bigwig(tmp_path / "x.bw", CONTIGS, [BinSpan("chr1", 0, 3000)], values(3000), 128)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)
