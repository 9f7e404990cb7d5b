"""The files of the demo, for trying things out in Python."""

from dataclasses import dataclass
from pathlib import Path

from enformer_vep.api.options import Path as AnyPath
from enformer_vep.demo.files import write_demo
from enformer_vep.demo.run import FASTA_NAME, GTF_NAME, VCF_NAME
from enformer_vep.errors import OutputError
from enformer_vep.model.location import DEMO
from enformer_vep.wording import cause


@dataclass(frozen=True)
class DemoFiles:
    """A made-up genome with variants and genes, and the name of the model that knows it.

    Attributes:
      fasta: the genome.
      vcf: variants of every kind, some of which cannot be scored.
      gtf: the genes.
      model: the name of the model.
    """

    fasta: Path
    vcf: Path
    gtf: Path
    model: str = DEMO


def demo_files(folder: AnyPath) -> DemoFiles:
    """Writes the made-up genome, variants and genes of the demo to a folder, which is made if it is not there.

    The files are the same each time, and files of these names are overwritten.

    Raises:
      OutputError: they cannot be written.
    """
    place = Path(folder)
    found = DemoFiles(place / FASTA_NAME, place / VCF_NAME, place / GTF_NAME)
    try:
        place.mkdir(parents=True, exist_ok=True)
        found.fasta.with_name(f"{FASTA_NAME}.fai").unlink(missing_ok=True)
        write_demo(found.fasta, found.vcf, found.gtf)
    except OSError as error:
        raise OutputError(f"cannot write the demo to {place}: {cause(error)}") from error
    return found
