"""Names a run's output after its input."""

from pathlib import Path

from enformer_vep.errors import OutputError
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.vcf import STANDARD_INPUT
from enformer_vep.model.location import ModelLocation
from enformer_vep.run.settings import ScoreSettings

_VCF_SUFFIXES = (".vcf.gz", ".vcf.bgz", ".vcf", ".bcf")


def output_paths(settings: ScoreSettings, location: ModelLocation) -> OutputPaths:
    """Returns where a run's files go: to OUT, or to a name made from the VCF's, the model's and the shard's.

    Raises:
      OutputError: OUT's format is unknown or does not support the layout, or OUT's name cannot be derived.
    """
    name = "stdin" if settings.vcf == STANDARD_INPUT else settings.vcf
    suffix = next((suffix for suffix in _VCF_SUFFIXES if name.endswith(suffix)), "")
    shard = f".{settings.shard.replace('/', '-of-')}" if settings.shard else ""
    stem = f"{name.removesuffix(suffix)}.{location.name}{shard}"
    if settings.out is None and settings.vcf == STANDARD_INPUT:
        raise OutputError("the output cannot be named after standard input: name it with -o")
    # With '-', the files beside the table go to the working folder.
    paths = OutputPaths(settings.out or f"{stem}.parquet", default_stem=Path(stem).name)
    if paths.is_standard_output and settings.resume:
        raise OutputError("a run that writes to standard output cannot be resumed: name a file with -o")
    if settings.layout == "list" and not paths.is_parquet:
        raise OutputError(f"--layout list requires Parquet, but {settings.out} is text: use wide or long")
    return paths
