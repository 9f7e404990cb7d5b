"""What the benchmarks have in common: their models, alleles of a VCF that can be scored, and how they are looked at."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"

MAKE_MODEL = """
import sys
from pathlib import Path
from enformer_vep.inference.device import import_tensorflow
import_tensorflow()
from enformer_vep.model.config import OFFICIAL_CONFIG
from enformer_vep.model.weights import save_model
from tests.support import reference_model
save_model(reference_model(OFFICIAL_CONFIG), Path(sys.argv[1]))
"""


def parser_of(description: str | None, *, fasta: str) -> argparse.ArgumentParser:
    """Returns a parser with the options for a model, a VCF and a FASTA.

    Args:
      description: the benchmark's docstring.
      fasta: name of the default among the genomes beside the project.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="as of `enformer-vep score`")
    parser.add_argument("--vcf", default=str(DATA / "variants" / "hg38_chr1_real_variants.vcf.gz"))
    parser.add_argument("--fasta", default=str(DATA / "genome" / fasta))
    return parser


@contextmanager
def chosen_model(model: str | None) -> Iterator[str]:
    """Yields the model that is named, or else one of the official size with the tests' reference weights.

    It is made in a process of its own, whose memory does not count, and removed afterwards.
    """
    if model is not None:
        yield model
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = str(Path(temporary) / "model")
        subprocess.run([sys.executable, "-c", MAKE_MODEL, folder], check=True, cwd=ROOT)
        yield folder


def scorable(vcf: str, genome: Any, max_bp: int, *regions: str) -> Iterator[Any]:
    """Yields the alleles of a VCF that can be scored.

    Args:
      vcf: the path.
      genome: the opened FASTA.
      max_bp: the longest allele.
      regions: regions outside which records are left out; none for the whole file.
    """
    from enformer_vep.genome.variant import check_alleles
    from enformer_vep.io.vcf.reader import VcfReader
    from enformer_vep.io.vcf.selection import Selection

    selection = Selection.from_options(regions, pass_only=False, include_id_file=None)
    with closing(VcfReader(vcf, selection)) as reader:
        for variant in (allele.variant for allele in reader):
            problem = check_alleles(variant, max_bp)
            if not (problem or genome.check_variant(variant, genome.resolve(variant.chrom))):
                yield variant


def look_at(variant: Any, codes: Any, geometry: Any, placement: str = "centred") -> Any:
    """Returns the official view of a variant, in windows of some placement.

    Args:
      variant: the allele.
      codes: the reference genome.
      geometry: the model's lengths.
      placement: the placement's name.
    """
    from enformer_vep.genome.edit import Edit
    from enformer_vep.genome.views import Comparison, ViewSettings
    from enformer_vep.genome.windows import IndelPolicy, Placement

    contig = codes.genome.resolve(variant.chrom)
    window = Placement.parse(placement).window(variant, contig, geometry).interval
    edit = Edit.of(variant, contig, codes.fetch, window.length)
    views = ViewSettings(indels=IndelPolicy.LEFT)
    return Comparison(views.views(window, edit, geometry), np.ones((1, geometry.num_bins), np.float32))
