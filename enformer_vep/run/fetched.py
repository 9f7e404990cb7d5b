"""Finds what was fetched: the genome that -f names, and the table of a published head's tracks."""

import os
from pathlib import Path

from enformer_vep.errors import FastaError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.remote import GENOMES, find_genome, genome_choices
from enformer_vep.wording import did_you_mean, listed, option


def find_fasta(fasta: str | None, cache: Cache) -> str:
    """Returns the path of the genome that -f names: a file, or the name of a fetched genome.

    A file of the name comes first, though not a folder: results of hg38 may well be in a folder 'hg38'.

    Args:
      fasta: what was given, None if nothing was.
      cache: where fetched genomes are.

    Raises:
      FastaError: nothing was given, there is no such file, or the genome was not fetched.
    """
    if not fasta:
        fetched = cache.fetched_genomes()
        choice = (
            f"fetched are {listed(fetched)}" if fetched else "none is fetched yet, so first run " + _command("hg38")
        )
        raise FastaError(
            f"which genome? Name the one on which the variants were called with {option('-f')}: a FASTA file, or the "
            f"name of a fetched genome ({choice}), or set ENFORMER_VEP_FASTA"
        )
    genome = find_genome(fasta)
    if os.path.exists(fasta) and not (genome is not None and os.path.isdir(fasta)):
        return fasta
    if genome is None:
        raise FastaError(
            f"no such file: {fasta}: expected a FASTA file, plain or bgzipped, or the name of a genome: "
            f"{genome_choices()}{did_you_mean(fasta, GENOMES, likeness=0.7)}"
        )
    path = cache.genome(genome.name)
    if not path.is_file():
        raise FastaError(
            f"the genome {genome.name} is not in {cache.folder}: first run {_command(genome.name)}, or name a FASTA "
            "file"
        )
    return str(path)


def find_track_table(head: str, cache: Cache, *, is_published: bool) -> Path | None:
    """Returns the fetched table of a head's tracks; None if there is none, or the model is not the published one."""
    path = cache.track_table(head)
    return path if is_published and path.is_file() else None


def _command(genome: str) -> str:
    return f"'enformer-vep fetch genome {genome}'"
