"""Small models, genomes and VCF files for the tests."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from enformer_vep.genome.variant import Variant
from enformer_vep.inference.device import BFLOAT16_PRECISIONS, bfloat16_aborts
from enformer_vep.io.tracks.labels import add_labels
from enformer_vep.io.tracks.table import TrackTable
from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.weights import checkpoint_variables
from tests.reference_weights import value

DATA = Path(__file__).parent / "data"

TINY_CONFIG = EnformerConfig(
    channels=24,
    num_transformer_layers=2,
    num_heads=2,
    key_size=8,
    heads={"human": 5, "mouse": 3},
    sequence_length_bp=128 * 24,
    num_bins=16,
    width_multiple=4,
)
"""A window of 3,072 bp and 24 tower bins, of which 16 are scored."""

SMALL_CONFIG = EnformerConfig(channels=384, num_transformer_layers=2, heads={"human": 12, "mouse": 5})
"""The sizes of tests/data/small.npz."""


needs_bfloat16 = pytest.mark.skipif(bfloat16_aborts(), reason="ONEDNN_MAX_CPU_ISA leaves no bfloat16 products")


needs_zarr = pytest.mark.skipif(find_spec("zarr") is None, reason="zarr 3 needs Python 3.11")

ZARR = pytest.param(".zarr", marks=needs_zarr)
"""A parameter of a test of several formats."""


def precisions(*names: str) -> list[Any]:
    """Parameters of a test; those that multiply in bfloat16 are skipped where the environment forbids that."""
    return [pytest.param(name, marks=needs_bfloat16) if name in BFLOAT16_PRECISIONS else name for name in names]


def reference_model(config: EnformerConfig) -> Enformer:
    """An Enformer with the reference weights, in which every part matters."""
    model = Enformer(config)
    for key, variable in checkpoint_variables(model).items():
        reference = value(key, tuple(variable.shape))
        if reference is not None:
            variable.assign(reference)
    return model


def random_sequence(length: int, seed: int = 1, letters: str = "ACGT") -> str:
    return "".join(random.Random(seed).choices(letters, k=length))


def random_one_hot(batch_size: int, length: int, seed: int = 1) -> np.ndarray:
    codes = np.random.default_rng(seed).integers(0, 4, (batch_size, length))
    return np.eye(4, dtype=np.float32)[codes]


def write_fasta(path: Path, contigs: dict[str, str], line_bp: int = 60) -> str:
    with path.open("w") as lines:
        for name, sequence in contigs.items():
            lines.write(f">{name}\n")
            lines.writelines(sequence[at : at + line_bp] + "\n" for at in range(0, len(sequence), line_bp))
    return str(path)


def write_vcf(path: Path, records: list[tuple], *, contigs: tuple[str, ...] = ()) -> str:
    """Writes records of chrom, pos, id, ref, alt; contigs are declared if they are named."""
    with path.open("w") as lines:
        lines.write('##fileformat=VCFv4.2\n##INFO=<ID=END,Number=1,Type=Integer,Description="End">\n')
        lines.writelines(f"##contig=<ID={name}>\n" for name in contigs)
        lines.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        lines.writelines("\t".join(map(str, record)) + "\t.\t.\t.\n" for record in records)
    return str(path)


def variant(ref: str = "A", alt: str = "C", chrom: str = "chr1", pos: int = 100) -> Variant:
    return Variant(chrom, pos, ref, alt)


def named_tracks(names: dict[str, str], head: str = "human") -> TrackTable:
    """Makes a head's tracks of their identifiers and descriptions."""
    table = pd.DataFrame({"index": range(len(names)), "identifier": list(names), "description": list(names.values())})
    add_labels(table)
    return TrackTable(head, table)


@contextmanager
def file_system(folder: Path, size: str) -> Iterator[Path]:
    """Mounts a file system of so many bytes ('256k') on a new folder; skips the test where this is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
