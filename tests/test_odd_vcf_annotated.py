"""Every readable file of the corpus of odd VCFs, annotated: the same records, genotypes and other INFO as before.

Compared as bytes, as pysam reads both, and as bcftools shows both where it is installed.
"""

import gzip
import re
import shutil
import subprocess
from collections import Counter
from contextlib import closing
from csv import DictReader
from pathlib import Path
from typing import Any

import pysam
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import VcfError
from enformer_vep.io.vcf.reader import VcfReader
from tests.scored_vcfs import read_alleles, score

BCFTOOLS = shutil.which("bcftools")

ADDED_LINES = re.compile(rb"^(?:##enformer_vep=|##INFO=<ID=ENFORMER,).*\n", re.MULTILINE)
ADDED_ENTRY = re.compile(rb"(?:;|(?<=\t))ENFORMER=[^;\t\r\n]*")


@pytest.fixture(scope="module")
def readable(shared_data: Path) -> list[Path]:
    """The files that `score` reads to the end and that have a VCF's header."""
    folder = shared_data / "odd_vcf"
    with (folder / "expected.tsv").open() as lines:
        names = [row["file"] for row in DictReader(lines, delimiter="\t")]
    found = []
    for name in names:
        try:
            with closing(VcfReader(str(folder / name))) as reader:
                for _ in reader:
                    pass
        except VcfError:
            continue
        if not reader.notice:
            found.append(folder / name)
    assert len(found) == 121
    return found


@pytest.fixture(scope="module")
def annotated(readable: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    """Each file and what `annotate` made of it, in its own format."""
    folder = tmp_path_factory.mktemp("annotated")
    found = []
    for number, path in enumerate(readable):
        out = folder / f"{number}{'.bcf' if path.suffix == '.bcf' else '.vcf.gz'}"
        scores = score(str(path), folder / f"{number}.parquet", summary="only")
        assert main(["annotate", str(path), str(scores), "-o", str(out), "-q"]) == 0, path
        for index in folder.glob(f"{out.name}.[tc]?i"):
            index.unlink()  # from which htslib would add contigs to the header
        found.append((path, out))
    return found


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def without_annotation(text: bytes) -> bytes:
    """Takes out what was put in; a column of nothing else is '.' again."""
    lines = ADDED_LINES.sub(b"", text).split(b"\n")
    for number, line in enumerate(lines):
        columns = line.split(b"\t")
        if len(columns) > 7 and not line.startswith(b"#"):
            info = ADDED_ENTRY.sub(b"", b"\t" + columns[7])[1:]
            columns[7] = info if info.strip(b"\r") or b"ENFORMER" not in columns[7] else b"." + info
            lines[number] = b"\t".join(columns)
    return b"\n".join(lines)


def test_every_byte_of_text_stays(annotated: list[tuple[Path, Path]]) -> None:
    num_compared = num_entries = 0
    for path, out in annotated:
        if path.suffix == ".bcf":
            continue
        before, after = content(path), content(out)
        if path.name == "string_as_flag.vcf":  # where INFO is empty
            before = before.replace(b"\t.\t\tGT", b"\t.\t.\tGT")
        assert without_annotation(after) == before, path
        num_compared += 1
        num_entries += after.count(b"ENFORMER=")
    assert (num_compared, num_entries) == (118, 22_143)


def fields(record: pysam.VariantRecord) -> tuple[Any, ...]:
    info = {key: value for key, value in record.info.items() if key != "ENFORMER"}
    samples = [(name, sample.phased, dict(sample)) for name, sample in record.samples.items()]
    return record.chrom, record.pos, record.id, record.ref, record.alts, record.qual, list(record.filter), info, samples


def read(path: Path) -> list[tuple[Any, ...]]:
    with pysam.VariantFile(str(path)) as file:
        return [(*fields(record), dict(record.info).get("ENFORMER")) for record in file]


def test_pysam_reads_the_same_records(annotated: list[tuple[Path, Path]]) -> None:
    num_compared = 0
    verbosity = pysam.set_verbosity(0)
    for path, out in annotated:
        try:
            before = read(path)
        except (OSError, ValueError, KeyError, UnicodeDecodeError, TypeError, NotImplementedError):
            continue  # htslib does not read the corpus's file itself
        after = read(out)
        assert repr([row[:-1] for row in after]) == repr([row[:-1] for row in before]), path
        scored, skipped = read_alleles(str(path))
        malformed = {each.allele.record for each in skipped if each.allele.malformed}
        num_alts = [0 if number in malformed else len(row[4] or ()) for number, row in enumerate(before)]
        assert [len(row[-1] or ()) for row in after] == num_alts, path
        statuses = Counter(entry.split("|")[0] for row in after for entry in row[-1] or ())
        reasons = Counter(each.reason.value for each in skipped if each.allele.variant.alt != ".")
        assert statuses == +Counter(scored=len(scored)) + reasons - Counter(malformed_record=len(malformed)), path
        num_compared += 1
    pysam.set_verbosity(verbosity)
    assert num_compared > 100


def shown(path: Path) -> tuple[int, bytes]:
    run = subprocess.run([str(BCFTOOLS), "view", "--no-version", str(path)], capture_output=True, check=False)
    return run.returncode, run.stdout


@pytest.mark.skipif(BCFTOOLS is None, reason="bcftools is not installed")
def test_bcftools_shows_the_same_file(annotated: list[tuple[Path, Path]]) -> None:
    num_compared = 0
    for path, out in annotated:
        code, before = shown(path)
        if code:
            continue  # htslib does not read the corpus's file itself
        code, after = shown(out)
        assert code == 0
        assert b"ENFORMER" in after
        assert without_annotation(after) == before, path
        num_compared += 1
    assert num_compared > 100
