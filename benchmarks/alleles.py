"""What the benchmarks have in common: alleles of a VCF that can be scored, and how they are looked at."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np


def scorable(vcf: str, genome: Any, max_bp: int, *regions: str) -> Iterator[Any]:
    """Yields the alleles of a VCF that can be scored.

    Args:
      vcf: the path.
      genome: the opened FASTA.
      max_bp: the longest allele.
      regions: regions outside which records are left out; none for the whole file.
    """
    from enformer_vep.genome.variant import check_alleles
    from enformer_vep.io.selection import Selection
    from enformer_vep.io.vcf import VcfReader

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
    from enformer_vep.genome.indels import IndelPolicy
    from enformer_vep.genome.views import Comparison, ViewSettings
    from enformer_vep.genome.windows import Placement

    contig = codes.genome.resolve(variant.chrom)
    window = Placement.parse(placement).window(variant, contig, geometry).interval
    edit = Edit.of(variant, contig, codes.fetch, window.length)
    views = ViewSettings(indels=IndelPolicy.LEFT)
    return Comparison(views.views(window, edit, geometry), np.ones((1, geometry.num_bins), np.float32))
