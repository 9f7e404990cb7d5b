"""What a run's input is called, and how its output is named by it."""

from pathlib import Path

from enformer_vep.errors import OutputError
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.vcf import STANDARD_INPUT
from enformer_vep.model.location import ModelLocation
from enformer_vep.settings import ScoreSettings

_VCF_SUFFIXES = (".vcf.gz", ".vcf.bgz", ".vcf", ".bcf")


def output_paths(settings: ScoreSettings, location: ModelLocation) -> OutputPaths:
    """Returns where a run's files go: to OUT, or to a name made of the VCF's, the model's and the shard's.

    Raises:
      OutputError: OUT's format is unknown or cannot hold the layout, or there is nothing to name OUT by.
    """
    name = "stdin" if settings.vcf == STANDARD_INPUT else settings.vcf
    suffix = next((suffix for suffix in _VCF_SUFFIXES if name.endswith(suffix)), "")
    shard = f".{settings.shard.replace('/', '-of-')}" if settings.shard else ""
    stem = f"{name.removesuffix(suffix)}.{location.name}{shard}"
    if settings.out is None and settings.vcf == STANDARD_INPUT:
        raise OutputError("variants from standard input have no name to name the output by: give one with -o")
    # With '-', the files beside the table go to the working folder.
    paths = OutputPaths(settings.out or f"{stem}.parquet", default_stem=Path(stem).name)
    if paths.is_standard_output and settings.resume:
        raise OutputError("a run to standard output cannot be resumed: name a file with -o")
    if settings.layout == "list" and not paths.is_parquet:
        raise OutputError(f"layout list needs Parquet, {settings.out} is text: use wide or long")
    return paths
