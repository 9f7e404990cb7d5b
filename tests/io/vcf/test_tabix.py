import gzip
import os
import struct
from contextlib import closing
from pathlib import Path

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enformer_vep.errors import DamagedVcfError
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import Survey, VcfReader, survey_vcf
from enformer_vep.io.vcf.selection import Selection
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.io.vcf.tabix import find_index

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write(path: Path, lines: list[str], *, is_csi: bool = False, line_end: str = "\n") -> str:
    """Writes a bgzipped VCF with its index, the way bgzip and tabix do."""
    path.unlink(missing_ok=True)
    for suffix in (".tbi", ".csi"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with pysam.BGZFile(str(path), "wb") as vcf:
        vcf.write((HEADER + "".join(f"{line}\n" for line in lines)).replace("\n", line_end).encode())
    pysam.tabix_index(str(path), preset="vcf", csi=is_csi)
    return str(path)


def select(*regions: str, pass_only: bool = False) -> Selection:
    return Selection.from_options(regions, pass_only=pass_only, include_id_file=None)


def uses_index(path: str, selection: Selection) -> bool:
    with closing(VcfReader(path, selection)) as reader:
        return reader._index is not None


def read(path: str, selection: Selection) -> tuple[list[VcfAllele], list[tuple[int, int, int]], Survey]:
    """The alleles, the counts after each and at the end, and the survey."""
    alleles, counts = [], []
    with closing(VcfReader(path, selection)) as reader:
        for allele in reader:
            alleles.append(allele)
            counts.append((reader.num_records, reader.num_alleles, reader.num_records_left_out))
        counts.append((reader.num_records, reader.num_alleles, reader.num_records_left_out))
    return alleles, counts, survey_vcf(path, selection, sample_size=3)


CONTIGS = ["chr2", "1", "chrM", "HLA-A*01:01", "contig_ä"]
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(CONTIGS),
        st.integers(1, 80_000),
        st.sampled_from(["A", "ACGT", "A" * 900, ""]),
        st.sampled_from(["C", "C,<DEL>", ".", "G" * 70_000]),
        st.sampled_from(["PASS", "q10", "."]),
        st.sampled_from(["", "x", "\t."]),
    ),
    max_size=40,
)
REGIONS = st.lists(
    st.sampled_from(
        ["2", "chr1:1-500", "MT:70000-", "HLA-A*01:01", "HLA-A*01:01:5000-9000", "chr2:40000", "contig_ä", "9"]
    )
    | st.tuples(st.sampled_from(["1", "chr2"]), st.integers(1, 90_000), st.integers(0, 30_000)).map(
        lambda place: f"{place[0]}:{place[1]}-{place[1] + place[2]}"
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=RECORDS,
    regions=REGIONS,
    pass_only=st.booleans(),
    is_csi=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_with_and_without_the_index(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple],
    regions: list[str],
    *,
    pass_only: bool,
    is_csi: bool,
    line_end: str,
) -> None:
    lines = []
    for chrom, pos, ref, alt, filters, odd in sorted(records, key=lambda record: (CONTIGS.index(record[0]), record[1])):
        # Odd records that tabix takes as they are: a position with letters, and rows that are short.
        row = [chrom, f"{pos}{odd.strip()}", ".", ref, alt, ".", filters, "."]
        lines.append("\t".join(row[:3] if odd == "\t." else row))
    path = write(tmp_path_factory.getbasetemp() / "indexed.vcf.gz", lines, is_csi=is_csi, line_end=line_end)
    selection = select(*regions, pass_only=pass_only)
    assert uses_index(path, selection)
    with_index = read(path, selection)
    Path(path + (".csi" if is_csi else ".tbi")).unlink()
    assert not uses_index(path, selection)
    assert with_index == read(path, selection)


MANY = [
    f"{chrom}\t{pos}\trs{pos}\tA\tC\t.\tPASS\t." for chrom in ("chr1", "chr2", "chr3") for pos in range(1, 40_000, 2)
]


@pytest.mark.parametrize("is_csi", [False, True])
def test_what_is_not_asked_for_is_not_read(tmp_path: Path, *, is_csi: bool) -> None:
    path = write(tmp_path / "a.vcf.gz", MANY, is_csi=is_csi)
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 6] ^= 1  # amid chr1
    content[-len(content) // 6] ^= 1  # amid chr3
    modified = os.stat(path).st_mtime_ns
    Path(path).write_bytes(content)
    os.utime(path, ns=(modified, modified))
    with closing(VcfReader(path, select("chr2:2,001-2,003"))) as reader:
        assert [(found.variant.pos, found.record) for found in reader] == [(2001, 21_000), (2003, 21_001)]
        assert (reader.num_records, reader.num_records_left_out) == (60_000, 59_998)
    with pytest.raises(DamagedVcfError):
        read(path, select("chr3"))


def test_contigs_of_an_index(tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", MANY)
    with closing(VcfStream(path, path)) as stream:
        index = find_index(path, stream)
    assert index is not None
    assert [(contig.name, contig.first_record, contig.num_records) for contig in index.contigs] == [
        ("chr1", 0, 20_000),
        ("chr2", 20_000, 20_000),
        ("chr3", 40_000, 20_000),
    ]
    assert index.num_records == 60_000


def test_an_index_without_records(tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", [])
    assert uses_index(path, select("chr1"))
    assert read(path, select("chr1"))[1] == [(0, 0, 0)]


def rewrite_index(path: str, change) -> None:
    index = Path(path + ".tbi")
    index.write_bytes(gzip.compress(change(gzip.decompress(index.read_bytes()))))


def without_pseudo_bin(data: bytes) -> bytes:
    return data.replace(struct.pack("<Ii", 37450, 2), struct.pack("<Ii", 37449, 2))


DOUBTS = {
    "no index": lambda path: Path(path + ".tbi").unlink(),
    "older than the file": lambda path: os.utime(path + ".tbi", (1, 1)),
    "empty": lambda path: Path(path + ".tbi").write_bytes(b""),
    "not compressed": lambda path: Path(path + ".tbi").write_bytes(b"TBI\x01" + bytes(50)),
    "cut": lambda path: rewrite_index(path, lambda data: data[:-20]),
    "more than it should": lambda path: rewrite_index(path, lambda data: data + b"x"),
    "of something else": lambda path: rewrite_index(path, lambda data: b"BAI\x01" + data[4:]),
    "of BED": lambda path: rewrite_index(path, lambda data: data[:8] + struct.pack("<i", 0x10000) + data[12:]),
    "without counts": lambda path: rewrite_index(path, without_pseudo_bin),
    "with records of no contig": lambda path: rewrite_index(path, lambda data: data[:-8] + struct.pack("<Q", 3)),
    "of other contigs": lambda path: rewrite_index(path, lambda data: data.replace(b"chr2\0", b"chr9\0")),
    "of negative sizes": lambda path: rewrite_index(path, lambda data: data[:32] + struct.pack("<i", -5) + data[36:]),
    "a folder": lambda path: (Path(path + ".tbi").unlink(), Path(path + ".tbi").mkdir()),
}


@pytest.mark.parametrize("spoil", DOUBTS.values(), ids=DOUBTS)
def test_an_index_in_doubt_is_not_used(spoil, tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", MANY)
    selection = select("chr2:1001-1009", "chr9")
    expected = read(path, selection)
    assert uses_index(path, selection)
    spoil(path)
    assert not uses_index(path, selection)
    assert read(path, selection) == expected


def test_a_file_without_its_end_is_read_through_and_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", MANY)
    modified = os.stat(path).st_mtime_ns
    Path(path).write_bytes(Path(path).read_bytes()[:-28])
    os.utime(path, ns=(modified, modified))
    with pytest.raises(DamagedVcfError, match="empty last block"):
        read(path, select("chr1:1-5"))


@pytest.mark.parametrize(
    "lines",
    [
        MANY[:20_000] + MANY[40_000:],
        MANY[:10] + MANY[20_000:],
        [*MANY, "chr4\t1\t.\tA\tC\t.\t.\t."],
        ["chr0\t1\t.\tA\tC\t.\t.\t.", *MANY],
        [*MANY[:30_000], "chr2a\t1\t.\tA\tC\t.\t.\t.", *MANY[40_000:]],
        MANY[1:],
        [],
    ],
    ids=["chr2 gone", "chr1 shorter", "a contig more", "a contig before", "another amid", "the first gone", "none"],
)
def test_an_index_of_an_earlier_state_is_not_used(lines: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", MANY)
    index = Path(path + ".tbi").read_bytes()
    write(tmp_path / "a.vcf.gz", lines)
    Path(path + ".tbi").write_bytes(index)
    selection = select("chr1:1-100", "chr4", "chr0")
    assert not uses_index(path, selection)
    with_index = read(path, selection)
    Path(path + ".tbi").unlink()
    assert with_index == read(path, selection)


@pytest.mark.parametrize("count", [19_999, 20_001])
def test_a_wrong_count_is_found_out(count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", MANY)
    rewrite_index(path, lambda data: data.replace(struct.pack("<2Q", 20_000, 0), struct.pack("<2Q", count, 0)))
    with pytest.raises(DamagedVcfError, match="does not match its index") as caught:
        read(path, select("chr1"))
    assert "\n" not in str(caught.value)


def test_an_index_of_an_empty_file_is_not_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf.gz", [])
    index = Path(path + ".tbi").read_bytes()
    write(tmp_path / "a.vcf.gz", MANY[:5])
    Path(path + ".tbi").write_bytes(index)
    assert len(read(path, select("chr1"))[0]) == 5


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_bytes_of_an_index_do_no_harm(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    lines = [f"{chrom}\t{pos}\t.\tA\tC\t.\t.\t." for chrom in ("chr1", "chr2") for pos in range(1, 9)]
    folder = tmp_path_factory.getbasetemp()
    path = str(folder / "harm.vcf.gz")
    if not hasattr(test_any_bytes_of_an_index_do_no_harm, "index"):
        write(Path(path), lines)
        test_any_bytes_of_an_index_do_no_harm.index = gzip.decompress(Path(path + ".tbi").read_bytes())
    content = bytearray(test_any_bytes_of_an_index_do_no_harm.index)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=4)):
        content[at] = value
    Path(path + ".tbi").write_bytes(gzip.compress(bytes(content)))
    try:
        alleles = read(path, select("chr2"))[0]
    except DamagedVcfError as error:
        if "index" not in str(error):
            raise
        return
    assert [allele.variant.pos for allele in alleles] == list(range(1, 9))
