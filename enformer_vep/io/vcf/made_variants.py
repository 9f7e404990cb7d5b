"""Writes the list of variants that a saturation makes, in the form in which every other list is read: VCF."""

from pathlib import Path

from enformer_vep.errors import EnformerVepError
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.wording import cause


def write_changes(bases: SaturatedBases, path: Path) -> None:
    """Writes the changes of a saturation; equal saturations are equal files.

    Raises:
      EnformerVepError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", errors="surrogateescape") as lines:
            lines.write("##fileformat=VCFv4.2\n")
            lines.writelines(f"##contig=<ID={name}>\n" for name in dict.fromkeys(span.contig for span in bases.spans))
            lines.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
            for change in bases.changes():
                alts = ",".join(change.alts)
                lines.write(f"{change.contig}\t{change.pos}\t.\t{change.ref}\t{alts}\t.\t.\t.\n")
    except OSError as error:
        raise EnformerVepError(f"cannot write the list of changes to {path}: {cause(error)}") from error
