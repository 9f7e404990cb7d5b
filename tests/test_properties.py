"""Arbitrary VCF text on arbitrary small genomes: no traceback, counts close, scored rows right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enformer_vep.cli import main
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import save_model
from enformer_vep.scoring import FLOAT32_NOISE
from tests.support import TINY_CONFIG, write_fasta

pytestmark = pytest.mark.slow

LENGTH = TINY_CONFIG.sequence_length_bp
HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

NAMES = st.sampled_from(["chr1", "1", "chrM", "MT", "chr2", "HLA-A*01:01", "x"])
SEQUENCES = st.text("ACGTACGTACGTNacgtnRYK", min_size=1, max_size=300)
ALLELES = st.one_of(
    st.text("ACGT", min_size=1, max_size=5),
    st.sampled_from([".", "*", "<DEL>", "<*>", "N", "", "A[chr1:5[", "acg", "R", "A" * 2000]),
)
GARBAGE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> Path:
    folder = tmp_path_factory.mktemp("properties") / "model"
    save_model(model, folder)
    return folder


@st.composite
def records(draw: st.DrawFn, genome: dict[str, str]) -> str:
    """A line: mostly a record whose REF is what the genome has, sometimes not, sometimes no record at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(GARBAGE)
    chrom = draw(st.one_of(st.sampled_from(sorted(genome)), NAMES))
    contig = genome.get(chrom, "ACGT")
    pos = draw(st.integers(-1, len(contig) + 3))
    ref = contig[max(pos - 1, 0) : max(pos - 1, 0) + draw(st.integers(1, 8))] or "A"
    if draw(st.integers(0, 4)) == 0:
        ref = draw(ALLELES)
    alts = ",".join(draw(st.lists(ALLELES, min_size=1, max_size=3)))
    return "\t".join([chrom, str(pos), draw(st.sampled_from([".", "rs1", "a;b"])), ref, alts, ".", "PASS", "."])


def expected_sad(model: Enformer, contig: str, row: Any) -> tuple[np.ndarray, np.ndarray]:
    """SADs, and what float32 rounds away of them.

    The window in a few lines of its own: N around the contig, the first REF base at LENGTH / 2 - 1.
    """
    start = row.pos - 1 - (LENGTH // 2 - 1)
    windows = []
    for sequence in (contig, contig[: row.pos - 1] + row.alt + contig[row.pos - 1 + len(row.ref) :]):
        letters = [sequence[at].upper() if 0 <= at < len(sequence) else "N" for at in range(start, start + LENGTH)]
        windows.append([[letter == base for base in "ACGT"] for letter in letters])
    x = model(np.array(windows, np.float32))["human"].numpy().astype(float)
    return (x[1] - x[0]).sum(0), FLOAT32_NOISE * x[0].sum(0)


def resolve(genome: dict[str, str], chrom: str) -> str:
    aliases = {"chr1": "1", "1": "chr1", "chr2": "2", "chrM": "MT", "MT": "chrM"}
    return genome[chrom if chrom in genome else aliases[chrom]]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(genome=st.dictionaries(NAMES, SEQUENCES, min_size=1, max_size=4), data=st.data())
def test_any_vcf_on_any_genome(
    genome: dict[str, str],
    data: st.DataObject,
    model: Enformer,
    model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    lines = data.draw(st.lists(records(genome), max_size=8))
    text = data.draw(st.sampled_from([HEADER, HEADER.replace("\n", "\r\n")])) + "\n".join(lines)
    (tmp_path / "input.vcf").write_bytes((text + data.draw(st.sampled_from(["", "\n"]))).encode())
    write_fasta(tmp_path / "genome.fa", genome)
    for index in tmp_path.glob("*.fai"):
        index.unlink()
    out = tmp_path / "out.tsv"
    paths = [str(tmp_path / "input.vcf"), "-f", str(tmp_path / "genome.fa"), "-m", str(model_folder), "-o", str(out)]
    exit_code = main(
        ["score", *paths, "--allow-mismatches", "--overwrite", "--part-size", "3", "-q", "--indels", "left"]
    )
    error = capsys.readouterr().err
    assert exit_code == 0, error
    scores = pd.read_csv(out, sep="\t", keep_default_na=False, dtype={"chrom": str, "ref": str, "alt": str}, quoting=3)
    skipped = pd.read_csv(f"{out}.skipped.tsv", sep="\t", keep_default_na=False, dtype=str, quoting=3)
    found: dict[int, list[int]] = {}
    for table in (scores, skipped):
        for record, allele in zip(table["record"].astype(int), table["allele"].astype(int), strict=True):
            found.setdefault(record, []).append(allele)
    num_records = sum(1 for line in lines if line.strip())
    assert sorted(found) == list(range(len(found)))
    assert len(found) >= num_records - sum(1 for line in lines if not line.strip("\t "))
    assert all(sorted(alleles) == list(range(1, len(alleles) + 1)) for alleles in found.values())
    counts = json.loads(Path(f"{out}.run.json").read_text())["counts"]
    assert counts["alleles_read"] == len(scores) + len(skipped)
    assert counts["records"] == len(found)
    for row in scores.itertuples(index=False):
        sad, noise = expected_sad(model, resolve(genome, row.chrom), row)
        assert (np.abs(np.array(row[7:], float) - sad) <= 2e-3 * sad.std() + 2 * noise).all()
