"""Names a run's output after its input."""

import os
from pathlib import Path

from enformer_vep.errors import OutputError
from enformer_vep.io.tables.outputs import SATURATION_SUFFIXES, SUFFIXES, OutputPaths
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.model.location import DEMO, INDEX_SUFFIX, OFFICIAL, PICKLE_SUFFIXES, SAFETENSORS_SUFFIX
from enformer_vep.run.settings import ScoreSettings

_VCF_SUFFIXES = (".vcf.gz", ".vcf.bgz", ".vcf", ".bcf")


def output_paths(settings: ScoreSettings) -> OutputPaths:
    """Returns where a run's files go: to OUT, or to a name made from the VCF's, the model's and the shard's.

    Raises:
      OutputError: OUT's format is unknown or does not support the layout, or OUT's name cannot be derived.
    """
    vcf, shard, output = settings.inputs.vcf, settings.inputs.shard, settings.output
    name = "stdin" if vcf == STANDARD_INPUT else vcf
    suffix = next((suffix for suffix in _VCF_SUFFIXES if name.endswith(suffix)), "")
    share = "" if shard is None else f".{shard.number}-of-{shard.of}"
    stem = f"{name.removesuffix(suffix)}.{model_label(settings.scoring.model)}{share}"
    if output.out is None and vcf == STANDARD_INPUT:
        raise OutputError("the output cannot be named after standard input: name it with -o")
    if output.out is not None and output.out.endswith(_VCF_SUFFIXES):
        raise OutputError(
            f"scores cannot be written to {output.out!r}, which is a VCF by its name: name a .parquet, .tsv or .tsv.gz "
            f"with -o, and write the VCF beside it with --annotate {output.out}"
        )
    # With '-', the files beside the table go to the working folder.
    paths = OutputPaths(
        output.out or f"{stem}.parquet",
        default_stem=Path(stem).name,
        summary=output.summary,
        genes=settings.genes.gtf is not None,
        suffixes=SUFFIXES if settings.inputs.saturated is None else SATURATION_SUFFIXES,
    )
    if paths.is_standard_output and output.resume:
        raise OutputError("a run that writes to standard output cannot be resumed: name a file with -o")
    if output.layout == "list" and not paths.is_parquet:
        raise OutputError(f"--layout list requires Parquet, but {output.out} is text: use wide or long")
    return paths


def model_label(model: str) -> str:
    """Returns what a model is called in the names of outputs: its own name, or that of its folder or file."""
    if model in (OFFICIAL, DEMO):
        return model
    name = os.path.basename(os.path.abspath(model))
    for suffix in (INDEX_SUFFIX, SAFETENSORS_SUFFIX, *PICKLE_SUFFIXES):
        name = name.removesuffix(suffix)
    return name or OFFICIAL
