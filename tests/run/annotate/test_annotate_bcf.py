"""BCF in, BCF out, and conversions: the same records as annotated text, and no other byte of a record changed."""

import gzip
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pysam
import pysam.bcftools
import pytest

from enformer_vep.cli import main
from tests.scored_vcfs import score

LONG = "ACGT" * 5000

VCF = (
    "##fileformat=VCFv4.3\n"
    '##INFO=<ID=AF,Number=A,Type=Float,Description="a,ID=ENFORMER,IDX=7> \\"b\\" é\u2028">\n'
    '##INFO=<ID=ST,Number=1,Type=String,Description="s">\n'
    '##INFO=<ID=BIG,Number=.,Type=Integer,Description="b">\n'
    '##INFO=<ID=DB,Number=0,Type=Flag,Description="d">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    '##FORMAT=<ID=AF,Number=1,Type=Float,Description="shares its number with the INFO">\n'
    '##ALT=<ID=DEL,Description="d">\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n'
    '##FILTER=<ID=low,Description="l">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\n"
    "chr1\t100\t<script>\tA\tC\t.\tPASS\tAF=0.1;ST=<b>é</b>\tGT:AF\t0/1:0.25\n"
    f"chr1\t200\t.\t{LONG}\tA,<DEL>,*\t1e-7\tlow\tDB;BIG={','.join(map(str, range(70_000, 70_100)))}\tGT\t1|2\n"
    "chr1\t300\t.\tA\t.\t3\t.\t.\tGT\t.\n"
    "chr2\t5\t.\tN\t<DEL>\t.\t.\tAF=1e30\tGT\t0\n"
)
"""Alleles, counts and numbers beyond what the short forms of BCF hold, and a <DEL> without END."""


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    path = tmp_path / "input.vcf"
    path.write_text(VCF, encoding="utf-8")
    return str(path)


def convert(source: str, out: Path, kind: str = "b") -> str:
    pysam.bcftools.view("--no-version", "-O", kind, "-o", str(out), source, catch_stdout=False)
    return str(out)


def annotate(vcf: str, out: Path, *more: str) -> Path:
    scores = score(vcf, out.with_suffix(".parquet"), has_percentiles=True)
    assert main(["annotate", vcf, str(scores), "-o", str(out), *more, "-q"]) == 0
    return out


def shown(path: Path, folder: Path) -> list[str]:
    """The file as bcftools shows it, without the line that names the scores."""
    lines = Path(convert(str(path), folder / "shown.vcf", "v")).read_text(encoding="utf-8").splitlines()
    return [re.sub(',Scores="[^"]*"', "", line) for line in lines]


def inflated(path: str) -> bytes:
    data = Path(path).read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def records(path: str) -> Iterator[tuple[bytes, bytes]]:
    """Both parts of each record, as bytes."""
    data = inflated(path)
    place = 9 + struct.unpack_from("<I", data, 5)[0]
    while place < len(data):
        shared, indiv = struct.unpack_from("<II", data, place)
        middle, place = place + 8 + shared, place + 8 + shared + indiv
        yield data[middle - shared : middle], data[middle:place]


@pytest.mark.parametrize("is_compressed", [True, False])
def test_a_bcf_keeps_its_bytes_and_says_what_text_says(vcf: str, tmp_path: Path, is_compressed: bool) -> None:
    bcf = convert(vcf, tmp_path / "input.bcf")
    if not is_compressed:
        Path(bcf).write_bytes(inflated(bcf))
    out = annotate(bcf, tmp_path / "out.bcf", "--info", "0-4")
    text = annotate(vcf, tmp_path / "text.vcf", "--info", "0-4")
    assert sorted(shown(out, tmp_path)) == sorted(shown(text, tmp_path))
    assert sum(line.startswith("##INFO=<ID=AF,") for line in shown(out, tmp_path)) == 1
    assert (tmp_path / "out.bcf.csi").is_file()
    for (old, old_samples), (new, new_samples) in zip(records(bcf), records(str(out)), strict=True):
        num_old, num_new = (struct.unpack_from("<I", part, 16)[0] & 0xFFFF for part in (old, new))
        assert (new[:16], new[18:24], new_samples) == (old[:16], old[18:24], old_samples)
        assert new[24 : len(old)] == old[24:]
        assert (len(new) > len(old)) == (num_new > num_old)


def test_a_header_without_numbers_is_counted(vcf: str, tmp_path: Path) -> None:
    bcf = convert(vcf, tmp_path / "input.bcf")
    wanted = shown(annotate(bcf, tmp_path / "wanted.bcf"), tmp_path)
    data = inflated(bcf)
    length = struct.unpack_from("<I", data, 5)[0]
    header = re.sub(rb",IDX=\d+>\n", b">\n", data[9 : 9 + length])
    assert len(header) < length
    bare = tmp_path / "bare.bcf"
    bare.write_bytes(data[:5] + struct.pack("<I", len(header)) + header + data[9 + length :])
    assert shown(annotate(str(bare), tmp_path / "out.bcf"), tmp_path) == wanted


def test_earlier_annotations_of_a_bcf_are_replaced(vcf: str, tmp_path: Path) -> None:
    bcf = convert(vcf, tmp_path / "input.bcf")
    first = annotate(bcf, tmp_path / "1.bcf", "--info", "0-4")
    second = annotate(str(first), tmp_path / "2.bcf", "--info", "1", "--stat", "SAR")
    wanted = annotate(bcf, tmp_path / "3.bcf", "--info", "1", "--stat", "SAR")
    assert sorted(shown(second, tmp_path)) == sorted(shown(wanted, tmp_path))


def test_formats_are_converted(vcf: str, tmp_path: Path) -> None:
    bcf = convert(vcf, tmp_path / "input.bcf")
    wanted = sorted(shown(annotate(vcf, tmp_path / "out.vcf"), tmp_path))
    for number, (source, name) in enumerate([(vcf, "a.bcf"), (bcf, "b.vcf"), (bcf, "c.vcf.gz")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        out = annotate(source, folder / name)
        assert sorted(shown(out, tmp_path)) == wanted
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]


HEADER = '##fileformat=VCFv4.3\n##contig=<ID=chr1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=",ID=XX">\n'
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


@pytest.mark.parametrize(
    ("columns", "record", "fault"),
    [
        ("", "chr9\t5\t.\tA\tC\t.\t.\t.", "its header does not declare contig chr9 (record 1); declare it"),
        ("", "chr1\t5\t.\tA\tC\t.\tq{0}\t.", "its header does not declare FILTER q{0} (record 1); declare it"),
        ("\tFORMAT\tS", "chr1\t5\t.\tA\tC\t.\t.\t.\tXX\t1", "its header does not declare FORMAT XX (record 1)"),
        ("\tFORMAT\tS", "chr1\t5\t.\tA\tC\t.\t.\t.\tGT:GT\t0/1:.", "record 1 has FORMAT GT more than once; keep one"),
        ("\tFORMAT", "chr1\t5\t.\tA\tC\t.\t.\t.\tGT", "its #CHROM line has FORMAT but no samples; remove that column"),
        (
            "",
            "chr1\t3000000000\t.\tA\tC\t.\t.\t.",
            "record 1 has POS 3000000000, and BCF has positions up to",
        ),
    ],
)
def test_what_bcf_cannot_hold_is_refused(
    columns: str, record: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    vcf = tmp_path / "input.vcf"
    vcf.write_text(f"{HEADER}{COLUMNS}{columns}\n{record}\n")
    scores = score(str(vcf), tmp_path / "s.parquet")
    before = sorted(tmp_path.iterdir())
    assert main(["annotate", str(vcf), str(scores), "-o", str(tmp_path / "out.bcf")]) == 2
    error = capsys.readouterr().err
    assert f"{vcf} cannot be written as BCF: {fault}" in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
