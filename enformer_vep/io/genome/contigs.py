"""Names of contigs: which of them mean the same contig.

`chr1`, `1` and `Chr1` differ only by convention. An accession (`NC_000001.11`, `CM000663.2`) names a chromosome of one
assembly, and is matched only with a contig of that chromosome's length; so it never leads into another assembly.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_MITOCHONDRION = "MT"


@dataclass(frozen=True)
class Chromosome:
    """A chromosome of an assembly.

    Attributes:
      assembly: the assembly's name.
      name: the chromosome's, without `chr`.
      length: in base pairs.
      accessions: its RefSeq and GenBank accessions, with versions.
    """

    assembly: str
    name: str
    length: int
    accessions: tuple[str, ...]


@lru_cache(maxsize=1)
def known_chromosomes() -> tuple[Chromosome, ...]:
    """Returns the chromosomes whose accessions are known, from `contig_aliases.tsv`."""
    text = (files("enformer_vep.io.genome") / "contig_aliases.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")][1:]
    return tuple(
        Chromosome(assembly, name, int(length), (*accessions,)) for assembly, name, length, *accessions in rows
    )


@lru_cache(maxsize=1)
def _by_accession() -> dict[str, tuple[Chromosome, ...]]:
    """Chromosomes by accession; several assemblies share the accession of a mitochondrion."""
    by_accession: dict[str, tuple[Chromosome, ...]] = {}
    for chromosome in known_chromosomes():
        for accession in chromosome.accessions:
            by_accession[accession] = (*by_accession.get(accession, ()), chromosome)
    return by_accession


def canonical_contig(name: str, *, ignore_case: bool = False) -> str:
    """Returns one name for the names of a contig that differ only by convention: chr1 and 1; chrM, chrMT, MT and M.

    Args:
      name: any of its names.
      ignore_case: whether names that differ in case are one, too: CHR1 and chr1.
    """
    name = name.lower().removeprefix("chr").upper() if ignore_case else name.removeprefix("chr")
    return "M" if name == _MITOCHONDRION else name


def common_name(name: str) -> str:
    """Returns one name for the names of a contig of one genome: chr1, 1, and the accessions of chromosome 1.

    An accession stands for its chromosome whatever the contig's length: compare names of the same genome alone.
    """
    chromosomes = _by_accession().get(name)
    return canonical_contig(chromosomes[0].name if chromosomes else name)


class ContigNames:
    """The contigs of a FASTA, found by any of their names."""

    def __init__(self, lengths: Mapping[str, int]) -> None:
        """Indexes the names of a FASTA's contigs, given with their lengths in base pairs."""
        self._lengths = lengths
        self._resolved: dict[str, str | None] = {}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._without_case: dict[str, list[str]] = defaultdict(list)
        for name in lengths:
            self._by_name[canonical_contig(name)].append(name)
            self._without_case[canonical_contig(name, ignore_case=True)].append(name)
        self._assemblies = {
            chromosome.assembly
            for chromosome in known_chromosomes()
            if chromosome.name != _MITOCHONDRION and self._contigs_of(chromosome)
        }

    def resolve(self, name: str) -> str | None:
        """Returns the FASTA's name of a contig, None if there is no such contig, or more than one that may be meant."""
        if name not in self._resolved:
            candidates = [name] if name in self._lengths else self._find(name)
            self._resolved[name] = candidates[0] if len(candidates) == 1 else None
        return self._resolved[name]

    def of_other_length(self, name: str) -> str | None:
        """Explains why a known accession is not found; None if the name is not a known accession."""
        for chromosome in _by_accession().get(name, ()):
            named = f"{name} is chromosome {chromosome.name} of {chromosome.assembly} with {chromosome.length:,} bp"
            contigs = self._named(chromosome.name)
            if contigs and self._lengths[contigs[0]] != chromosome.length:
                return f"{named}, but {contigs[0]} of the FASTA has {self._lengths[contigs[0]]:,} bp"
            return named
        return None

    def _find(self, name: str) -> list[str]:
        if named := _by_accession().get(name):
            return list(dict.fromkeys(contig for other in named for contig in self._contigs_at(other)))
        if names := self._named(name):
            return names
        wanted = canonical_contig(name, ignore_case=True)
        chromosomes = [
            other for other in known_chromosomes() if canonical_contig(other.name, ignore_case=True) == wanted
        ]
        accessions = [contig for other in chromosomes for contig in self._contigs_at(other)]
        return list(dict.fromkeys(accessions))  # several assemblies share a mitochondrion

    def _named(self, name: str) -> list[str]:
        """Returns the contigs whose names differ from a name only by convention, or if there are none, also in case."""
        names = self._by_name.get(canonical_contig(name))
        return names or self._without_case.get(canonical_contig(name, ignore_case=True)) or []

    def _contigs_of(self, chromosome: Chromosome) -> list[str]:
        """Returns the contigs that have a chromosome's name or accession, and its length."""
        names = [*self._named(chromosome.name), *(name for name in chromosome.accessions if name in self._lengths)]
        return [name for name in names if self._lengths[name] == chromosome.length]

    def _contigs_at(self, chromosome: Chromosome) -> list[str]:
        """Returns the contigs of a chromosome; none if the FASTA is of other assemblies, as mitochondria are alike."""
        is_possible = not self._assemblies or chromosome.assembly in self._assemblies
        return self._contigs_of(chromosome) if is_possible else []
