"""The options of `score_vcf`, which are those of `enformer-vep score`, as the settings of a run."""

from typing import Any

from enformer_vep.api.options import (
    at_least,
    one_of,
    path_text,
    to_bins,
    to_bytes,
    to_placement,
    to_regions,
    to_statistics,
    to_tracks,
    to_views,
)
from enformer_vep.errors import InputError
from enformer_vep.genome.indels import DEFAULT_INDEL_POLICY
from enformer_vep.inference.device import PRECISIONS
from enformer_vep.io.genome.gene_choices import GENE_COLUMNS, GENE_WINDOWS, TRANSCRIPT_CHOICES
from enformer_vep.io.tables.outputs import DTYPES, LAYOUTS
from enformer_vep.run.settings import ENGINES, ScoreSettings
from enformer_vep.run.shards import Shard
from enformer_vep.wording import did_you_mean

_READ = {
    "tracks": to_tracks,
    "gene_tracks": to_tracks,
    "statistics": to_statistics,
    "gene_statistics": to_statistics,
    "placement": to_placement,
    "bins": to_bins,
    "cache_bytes": to_bytes,
    "shard": Shard.parse,
}
"""How the values of options are read: texts, and lists of them where there may be several."""

_NAMES = {
    "stats": "statistics",
    "window": "placement",
    "gene_stat": "gene_statistics",
    "cache_size": "cache_bytes",
    "region": "regions",
}
"""The settings of options that have other names on the command line."""

OPTIONS = {
    *("allow_mismatches", "strict", "track_table", "layout", "dtype", "overwrite", "pass_only", "include_id", "head"),
    *("gtf", "transcripts", "gene_window", "gene_bins", "gene_columns", "precision", "engine", "device", "batch_size"),
    *("allow_nondeterministic", "verify", "verify_tolerance", "resume", "part_size", "log_json", "background"),
    *("tracks", "gene_tracks", "bins", "shard", "summary", "summary_only", "reverse_complement", "shifts", "indels"),
    *_NAMES,
}
"""The options of `score` other than those that `score_vcf` names."""


def score_settings(
    *, vcf: str, out: str | None, fasta: str | None, model: str, cache: str | None, quiet: bool, **options: Any
) -> ScoreSettings:
    """Returns the settings of a run, given the options of `enformer-vep score` by their names.

    Raises:
      TypeError: there is no such option.
      InputError: one cannot be used.
    """
    for name in options:
        if name not in OPTIONS:
            raise TypeError(f"score_vcf() has no option {name!r}{did_you_mean(name, sorted(OPTIONS))}")
    values = {_NAMES.get(name, name): value for name, value in options.items() if value is not None}
    for name, read in _READ.items():
        if name in values:
            values[name] = read(values[name])
    for name in ("track_table", "include_id", "gtf", "log_json", "background"):
        if name in values:
            values[name] = path_text(values[name])
    if "regions" in values:
        values["regions"] = tuple(to_regions(values["regions"]))
    if isinstance(values.get("summary"), bool):
        values["summary"] = "beside" if values["summary"] else "none"
    if values.pop("summary_only", False):
        values["summary"] = "only"
    values["views"] = to_views(
        values.pop("indels", DEFAULT_INDEL_POLICY.value),
        values.pop("shifts", (0,)),
        reverse_complement=values.pop("reverse_complement", False),
    )
    settings = ScoreSettings.of(
        vcf=vcf,
        out=out,
        fasta=fasta,
        model=model,
        cache=cache,
        quiet=quiet,
        command="enformer_vep.score_vcf",
        **values,
    )
    _check_choices(settings)
    return settings


def _check_choices(settings: ScoreSettings) -> None:
    """Checks what the command line checks while it reads its options."""
    one_of("layout", settings.output.layout, LAYOUTS)
    one_of("dtype", settings.output.dtype, DTYPES)
    one_of("summary", settings.output.summary, ("none", "beside", "only"))
    one_of("precision", settings.compute.precision, PRECISIONS)
    one_of("engine", settings.compute.engine, ENGINES)
    one_of("transcripts", settings.genes.transcripts, TRANSCRIPT_CHOICES)
    one_of("gene_window", settings.genes.gene_window, GENE_WINDOWS)
    one_of("gene_columns", settings.genes.gene_columns, GENE_COLUMNS)
    one_of("gene_bins", settings.genes.gene_bins, (3, 10))
    at_least("batch_size", settings.compute.batch_size, 1)
    at_least("part_size", settings.output.part_size, 1)
    at_least("verify", settings.check.verify, 0)
    tolerance = settings.check.verify_tolerance
    if tolerance is not None and not tolerance >= 0:
        raise InputError(f"verify_tolerance is {tolerance!r}: expected a number of at least 0")
