"""Variants that a command names one by one, or in a VCF."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from enformer_vep.errors import InputError, VcfError
from enformer_vep.genome.variant import Variant
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.header import split_variant
from enformer_vep.io.vcf.reader import STANDARD_INPUT, VcfReader
from enformer_vep.run.score.inputs import check_standard_input
from enformer_vep.wording import plural


def read_variants(arguments: Sequence[str], max_alleles: int) -> list[VcfAllele]:
    """Returns the alleles of all arguments, in their order.

    Args:
      arguments: each the path of a VCF, BCF or list of variants, as `score` reads it, '-' for standard input, or a
        variant such as chr1:1000:A:G; chr1-1000-A-G and chr1_1000_A_G are the same. A variant is a record of its own.
      max_alleles: the most alleles that the command is made for.

    Raises:
      InputError: an argument is neither, a file cannot be read, or there are no or too many alleles.
      EnformerVepError: a file is damaged.
    """
    found: list[VcfAllele] = []
    for argument in arguments:
        record = found[-1].record + 1 if found else 0
        found.extend(_named(argument, record) or _in_file(argument, record, max_alleles - len(found)))
        if len(found) > max_alleles:
            raise InputError(
                f"{' '.join(arguments)}: expected at most {plural(max_alleles, 'allele')}, found more: choose fewer"
            )
    if not found:
        raise InputError(f"{' '.join(arguments)}: expected at least one variant, found none")
    return found


def is_variant(text: str) -> bool:
    """Returns whether an argument names a variant, and is no file."""
    return not _is_file(text) and split_variant(text.encode("utf-8", "surrogateescape")) is not None


def _named(text: str, record: int) -> list[VcfAllele]:
    """Returns the alleles of a variant such as chr1:1000:A:G,T; none if it is not one, or is the name of a file."""
    fields = None if _is_file(text) else split_variant(text.encode("utf-8", "surrogateescape"))
    if fields is None:
        return []
    chrom, pos, name, ref, alts = (field.decode("utf-8", "surrogateescape") for field in fields)
    return [
        VcfAllele(Variant(chrom, int(pos), ref, alt), record, number, name)
        for number, alt in enumerate(alts.split(","), start=1)
    ]


def _in_file(path: str, record: int, max_alleles: int) -> list[VcfAllele]:
    if path == STANDARD_INPUT:
        check_standard_input()
    elif not _is_file(path):
        raise VcfError(
            f"{path!r} is neither a variant nor a file: expected chr:pos:ref:alt, such as chr1:1000:A:G, or a VCF"
        )
    found = []
    is_piped = path == STANDARD_INPUT
    source = ("/dev/stdin", "standard input") if is_piped else (path, path)
    with closing(VcfReader(source[0], name=source[1])) as reader:
        for allele in reader:
            found.append(VcfAllele(allele.variant, record + allele.record, allele.allele, allele.id, allele.malformed))
            if len(found) > max_alleles:
                break
    return found


def _is_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
