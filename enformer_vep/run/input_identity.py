"""Identifies the genome and the model of a run, as its record has them."""

from typing import TYPE_CHECKING

from enformer_vep.io.genome.fasta import Genome
from enformer_vep.run.file_identity import file_identity
from enformer_vep.run.identity import FastaIdentity, ModelIdentity

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel


def identify_fasta(genome: Genome) -> FastaIdentity:
    """Identifies a FASTA and its index."""
    return FastaIdentity(**vars(file_identity(genome.path)), index=file_identity(genome.index_path))


def identify_model(loaded: "LoadedModel") -> ModelIdentity:
    """Identifies a model by its weights and sizes."""
    return ModelIdentity(
        name=loaded.name,
        file=file_identity(loaded.identity.path),
        format=loaded.identity.file_format,
        tensors_sha256=loaded.identity.tensors_sha256,
        is_published=loaded.identity.is_published,
        config=loaded.model.config.to_dict(),
    )
