"""What a command names: regions or BED files, or else variants or files of them."""

from collections.abc import Sequence
from pathlib import Path

from enformer_vep.errors import InputError
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.run.variant_arguments import is_variant

BED_SUFFIXES = (".bed", ".narrowpeak", ".broadpeak")
VARIANT_SUFFIXES = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")


def name_variants(arguments: Sequence[str]) -> bool:
    """Returns whether arguments name variants, and not regions.

    A file whose name ends in one of BED_SUFFIXES has regions, every other file has variants.

    Raises:
      InputError: some name variants and some name regions.
    """
    variants = [_names_variants(argument) for argument in arguments]
    if any(variants) and not all(variants):
        region, variant = arguments[variants.index(False)], arguments[variants.index(True)]
        raise InputError(
            f"{region} is a region and {variant} is a variant or a file of variants: expected either regions, "
            "or variants; the names of BED files end in .bed"
        )
    return variants[0]


def _names_variants(argument: str) -> bool:
    name = argument.lower()
    if argument == STANDARD_INPUT or is_variant(argument) or name.endswith(VARIANT_SUFFIXES):
        return True
    return not name.endswith(BED_SUFFIXES) and _is_file(argument)


def _is_file(argument: str) -> bool:
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):
        return False
