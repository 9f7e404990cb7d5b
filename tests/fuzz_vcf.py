"""Mutates VCF files of every kind and reads them: nothing but VcfError may escape. Not collected by pytest.

    python tests/fuzz_vcf.py --minutes 10 [CORPUS_FOLDER ...]

A file that breaks the reader is kept, and its path printed. A reader that kills the process leaves it as `current.*`.
"""

import argparse
import faulthandler
import gzip
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path

import pysam

sys.path.insert(0, str(Path(__file__).parents[1]))

from enformer_vep.errors import VcfError
from enformer_vep.genome.variant import check_alleles
from enformer_vep.io.vcf.reader import VcfReader, survey_vcf
from enformer_vep.io.vcf.selection import Selection

HEADER = (
    '##fileformat=VCFv4.2\n##FILTER=<ID=q10,Description="q">\n##contig=<ID=chr1,length=1000>\n##contig=<ID=2>\n'
    '##INFO=<ID=END,Number=1,Type=Integer,Description="End">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="G">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\n"
)
RECORDS = [
    "chr1\t1\trs1\tA\tC\t.\tPASS\t.\tGT\t0/1",
    "chr1\t17\trs2;x\tACG\tA,<DEL>,*\t50\tq10\tEND=20\tGT\t1|1",
    "chr1\t400\t.\tg\t.\t.\t.\t.\tGT\t./.",
    "2\t5\t.\tT\tG[chr1:5[,N,TTT\t1e3\tPASS\t.\tGT\t0",
    "2\t5\trs9\tT\tT\t.\tPASS\t.\tGT\t0/0",
]
TOKENS = [
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\t\t",
    b",",
    b":",
    b"#",
    b"##",
    b"#CHROM",
    b"-1",
    b"0",
    b"9" * 40,
    b"\0",
    b"\xff",
]
TOKENS += [
    b"\xef\xbb\xbf",
    b"\x1f\x8b",
    b"BCF\x02\x02",
    b"chr1",
    b"",
    b"\x1f\x8b\x08\x04",
    b"BC\x02\x00",
    b"A" * 70_000,
]
SELECTIONS = [
    None,
    Selection.from_options(["chr1:10-20", "2"], pass_only=False, include_id_file=None),
    Selection.from_options(["chr2:5"], pass_only=True, include_id_file=None),
    Selection(pass_only=True, include_ids=frozenset({"x", "rs9"})),
]


def make_seeds(folder: Path) -> list[tuple[str, bytes]]:
    """Valid small files of every kind, as file endings and content; the index of the bgzipped one is among them."""
    text = HEADER + "".join(f"{record}\n" for record in RECORDS)
    plain = folder / "seed.vcf"
    plain.write_text(text)
    compressed = folder / "seed.vcf.gz"
    pysam.tabix_compress(str(plain), str(compressed), force=True)
    seeds = [
        (".vcf", text.encode()),
        (".vcf", text.replace("\n", "\r\n").encode()),
        (".vcf.gz", compressed.read_bytes()),
    ]
    seeds.append((".vcf.gz", gzip.compress(text.encode())))
    seeds.append((".vcf.gz", gzip.compress(HEADER.encode()) + gzip.compress(text[len(HEADER) :].encode())))
    for kind in ("wb", "wu"):
        with (
            pysam.VariantFile(str(plain)) as source,
            pysam.VariantFile(str(folder / "seed.bcf"), kind, header=source.header) as target,
        ):
            for record in source:
                target.write(record)
        seeds.append((".bcf", (folder / "seed.bcf").read_bytes()))
    return seeds


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Changes a few places: bits, bytes, pieces lost, doubled, swapped or put in, the end cut off."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        place = rng.randrange(len(content) + 1)
        end = min(len(content), place + rng.choice((1, 1, 2, 4, 16, 100)))
        match rng.randrange(8):
            case 0 if place < len(content):
                content[place] ^= 1 << rng.randrange(8)
            case 1 if place < len(content):
                content[place] = rng.choice((0, 1, 9, 10, 13, 127, 128, 255, rng.randrange(256)))
            case 2:
                del content[place:end]
            case 3:
                content[place:place] = content[place:end]
            case 4:
                content[place:place] = rng.choice(TOKENS)
            case 5:
                content[place:end] = rng.choice(TOKENS)
            case 6:
                other = rng.randrange(len(content) + 1)
                content[place:place] = content[other : other + 50]
            case 7 if rng.random() < 0.2:
                del content[place:]
            case _:
                pass
    return bytes(content)


def mutate_inside(data: bytes, rng: random.Random) -> bytes:
    """Mutates what is compressed, and compresses it again, so that the change gets past the checksum."""
    try:
        inner = mutate(gzip.decompress(data), rng)
    except (OSError, EOFError, zlib.error):
        return mutate(data, rng)
    if rng.random() < 0.3:
        return gzip.compress(inner, 1)
    with tempfile.NamedTemporaryFile() as file:
        with pysam.BGZFile(file.name, "wb") as target:
            target.write(inner)
        return Path(file.name).read_bytes()


def read(path: Path, rng: random.Random) -> str:
    """Reads a file as a run does, and returns how it ended."""
    selection = rng.choice(SELECTIONS)
    try:
        with closing(VcfReader(str(path), selection)) as reader:
            records = set()
            for allele in reader:
                check_alleles(allele.variant, 1000)
                str(allele)
                records.add(allele.record)
            assert len(records) == reader.num_records - reader.num_records_left_out
        survey = survey_vcf(str(path), selection, sample_size=3)
        assert survey.num_alleles == reader.num_alleles
        assert len(survey.sample) <= 3
    except VcfError as error:
        if "\n" in str(error):
            raise AssertionError("a message of several lines") from error
        return type(error).__name__
    return "read"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="*", type=Path, help="folders of files to mutate, besides those made here")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))  # a length that is a lie must not take the machine down
    rng = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="fuzz_vcf_"))
    seeds = make_seeds(folder)
    for path in (path for root in arguments.corpus for path in sorted(root.rglob("*")) if path.is_file()):
        if path.name != "expected.tsv" and path.stat().st_size < 200_000:
            seeds.append(("".join(path.suffixes[-2:]), path.read_bytes()))
    print(f"{len(seeds)} seeds; working in {folder}", flush=True)
    num_made = 7
    outcomes: Counter[str] = Counter()
    failures = 0
    end = time.monotonic() + 60 * arguments.minutes
    while time.monotonic() < end:
        suffix, seed = rng.choice(seeds[:num_made] if rng.random() < 0.5 else seeds)
        is_compressed = seed.startswith(b"\x1f\x8b")
        data = mutate_inside(seed, rng) if is_compressed and rng.random() < 0.6 else mutate(seed, rng)
        current = folder / f"current{suffix}"
        index = folder / f"current{suffix}.tbi"
        current.write_bytes(data)
        index.unlink(missing_ok=True)
        if suffix == ".vcf.gz" and rng.random() < 0.5:
            # An index that fits the seed, or nearly so, beside a file that may have changed under it.
            try:
                made = folder / "indexed.vcf.gz"
                made.write_bytes(seed if rng.random() < 0.5 else data)
                pysam.set_verbosity(0)
                pysam.tabix_index(str(made), preset="vcf", force=True)
                content = (folder / "indexed.vcf.gz.tbi").read_bytes()
                index.write_bytes(mutate_inside(content, rng) if rng.random() < 0.6 else content)
            except OSError:
                pass  # htslib does not index what is not bgzip, or no VCF to it
        try:
            outcomes[read(current, rng)] += 1
        except BaseException:
            traceback.print_exc()
            failures += 1
            kept = folder / f"failure{failures}{suffix}"
            shutil.copy(current, kept)
            if index.exists():
                shutil.copy2(index, f"{kept}.tbi")
            print(f"FAILED: {kept}", flush=True)
            if failures == 20:
                break
    print(f"{outcomes.total() + failures} iterations, {failures} failures: {dict(outcomes)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
