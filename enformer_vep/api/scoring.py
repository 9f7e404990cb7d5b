"""Scores in one call: into a frame, or into files as the command line writes them."""

import os
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from enformer_vep.api.model import Model, to_compute
from enformer_vep.api.options import ScoreVariantsOptions, in_words_of_python, read, read_views
from enformer_vep.api.variants import PlainVariants, Variants, check_variants, read_variants
from enformer_vep.genome.windows import CENTRED, DEFAULT_INDEL_POLICY
from enformer_vep.inference.device import DEFAULT_CACHE_BYTES, Precision
from enformer_vep.io.tables.outputs import SUMMARY_KINDS
from enformer_vep.options.commands import options_of
from enformer_vep.options.kinds import Choice
from enformer_vep.options.values import Path, Shifts, Stats, Tracks
from enformer_vep.run.annotate.course import annotate_vcf, plan_annotation
from enformer_vep.run.progress import is_interactive
from enformer_vep.run.score.course import score_vcf as run_score_vcf
from enformer_vep.run.score.summary import ScoreSummary
from enformer_vep.run.session import Session
from enformer_vep.run.settings import (
    DEFAULT_STATISTICS,
    ComputeSettings,
    EngineName,
    ScoreSettings,
    ScoringSettings,
)
from enformer_vep.wording import did_you_mean

if TYPE_CHECKING:
    import polars as pl
    from typing_extensions import Unpack


@overload
def score_variants(variants: "pl.DataFrame", **options: "Unpack[ScoreVariantsOptions]") -> "pl.DataFrame": ...


@overload
def score_variants(variants: PlainVariants, **options: "Unpack[ScoreVariantsOptions]") -> pd.DataFrame: ...


@in_words_of_python
def score_variants(
    variants: Variants,
    *,
    fasta: Path | None = None,
    model: Path | None = None,
    head: str = ScoringSettings.head,
    stats: Stats = DEFAULT_STATISTICS,
    tracks: Tracks | None = None,
    track_table: Path | None = None,
    window: str = CENTRED,
    bins: str = "all",
    reverse_complement: bool = False,
    shifts: Shifts = (0,),
    indels: str = DEFAULT_INDEL_POLICY.value,
    precision: Precision = ComputeSettings.precision,
    engine: EngineName = ComputeSettings.engine,
    device: str | None = None,
    batch_size: int | None = None,
    cache_size: int | str = DEFAULT_CACHE_BYTES,
    allow_nondeterministic: bool = False,
    strict: bool = False,
    allow_mismatches: bool = False,
    cache: Path | None = None,
    progress: bool | None = None,
) -> "pd.DataFrame | pl.DataFrame":
    """Scores every ALT allele of some variants, into a frame in memory.

    The scores are those that `enformer-vep score` writes for the same variants, to the bit. The model is loaded for
    this call alone: `open_model` keeps it for more. All scores of an allele are 21 kB for each statistic of all human
    tracks; for millions of alleles there is `score_vcf`.

    Args:
      variants: the path of a VCF, BCF or list; a pandas or polars frame with the columns chrom, pos (1-based), ref,
        alt, and perhaps id; or an iterable of texts such as 'chr7:5527157:C:T', of tuples (chrom, pos, ref, alt) or
        of Variant.
      fasta: the reference genome: a file, or the name of a fetched one such as 'hg38'; None for ENFORMER_VEP_FASTA.
      model: a checkpoint, a SavedModel, a .safetensors or PyTorch file, 'enformer' or 'demo'; None for
        ENFORMER_VEP_MODEL, and else the official weights.
      head: the head, 'human' or 'mouse'.
      stats: the statistics: 'SAD,SAR', or a list of names.
      tracks: an expression as of `--tracks`, or a list of numbers and expressions; None for all tracks.
      track_table: a table that names the tracks; None for the fetched one.
      window: the placement of windows: 'centred', 'grid' or 'shared:BP'.
      bins: the bins that statistics are taken over: 'all', 'centre:BP' or 'chr:start-end'.
      reverse_complement: whether both strands are averaged, at twice the cost.
      shifts: the shifts of the windows that are averaged, in bp.
      indels: how alleles that change the length are compared: 'left', 'average', 'stitch' or 'tower'.
      precision: 'float32', 'mixed', 'bfloat16', or on a GPU 'tf32'.
      engine: 'reusing' computes only what a variant changes; 'full' runs both sequences through the whole model.
      device: 'cpu', 'gpu' or 'gpu:N'; None for the first GPU if there is one, and else the CPU.
      batch_size: sequences that a GPU runs at a time.
      cache_size: memory for results that windows share, in bytes, or as a text such as '256M'.
      allow_nondeterministic: whether a GPU may use operations whose results differ a little from run to run.
      strict: whether an allele that cannot be scored is an error.
      allow_mismatches: whether to continue if many REF alleles differ from the genome.
      cache: the folder of fetched files; None for ENFORMER_VEP_CACHE, and else the user's.
      progress: whether a bar is shown; None for one if somebody is looking: on a terminal or in a notebook.

    Returns:
      One row per ALT allele, in the order of the input: chrom, pos, id, ref, alt, record (row, place or record of the
      input, from 0), allele (number of the ALT in it, from 1), status ('scored', or why it was not), detail, the other
      columns of a given frame, and float32 columns STATISTIC:TRACK, which are NaN where an allele was not scored. It
      is a frame of polars if the variants are one, otherwise of pandas, with the index of the given frame.

    Raises:
      InputError: the variants, the model, the genome or an option cannot be used.
      EnformerVepError: the model failed.
    """
    scoring = ScoringSettings(
        read("model", model),
        head,
        read("track_table", track_table),
        read("tracks", tracks),
        placement=read("window", window),
        statistics=read("stats", stats),
        bins=read("bins", bins),
        views=read_views(indels, shifts, reverse_complement=reverse_complement),
    )
    given = read_variants(variants)
    compute = to_compute(engine, precision, device, batch_size, cache_size, allow_nondeterministic)
    with Session(scoring, compute, read("fasta", fasta), read("cache", cache)) as session:
        # What is wrong with the variants is said before the model is loaded, which takes seconds.
        check_variants(given, session.genome, allow_mismatches=allow_mismatches)
        session.notify()
        return Model(session).score_given(given, scoring, strict=strict, progress=progress)


_TERMINAL = ("annotate", "quiet", "debug", "help")
"""Options of `score` that `score_vcf` names, or that are about the terminal."""


@in_words_of_python
def score_vcf(
    vcf: Path,
    out: Path | None = None,
    *,
    fasta: Path | None = None,
    model: Path | None = None,
    cache: Path | None = None,
    annotate: Path | None = None,
    progress: bool | None = None,
    **options: Any,
) -> ScoreSummary:
    """Scores a VCF into files: what `enformer-vep score` does, for runs that are larger than memory.

    Args:
      vcf: a VCF, BCF or list, or '-' for standard input.
      out: the table, .parquet, .tsv or .tsv.gz; None to name it after the VCF.
      fasta: the reference genome; None for ENFORMER_VEP_FASTA.
      model: the model; None for ENFORMER_VEP_MODEL, and else the official weights.
      cache: the folder of fetched files; None for ENFORMER_VEP_CACHE, and else the user's.
      annotate: a copy of the VCF or BCF with the scores in INFO, which is written after the run; None for none.
      progress: whether a bar is shown; None for one if somebody is looking: on a terminal or in a notebook.
      **options: every other option of `enformer-vep score` under its own name, with `_` for `-`: head, stats, tracks,
        window, layout, dtype, summary, region, gtf, gene_window, shard, resume, overwrite, verify and more. None stands
        for an option that is not given.

    Returns:
      How many alleles were scored and skipped, in which time, and where the results are.
      `read_scores(summary.table)` opens them.

    Raises:
      TypeError: there is no such option.
      InputError: an option or an input cannot be used.
      EnformerVepError: the run failed, or was stopped. Finished parts are kept for `resume=True`.
    """
    given = {"out": out, "fasta": fasta, "model": model, "cache": cache}
    settings = _settings(
        {**given, **options}, vcf=os.fsdecode(vcf), quiet=not (is_interactive() if progress is None else progress)
    )
    plan = None if annotate is None else plan_annotation(os.fsdecode(annotate), settings)
    summary = run_score_vcf(settings, has_bar=True)
    if plan is not None:
        annotate_vcf(plan)
    return summary


def _settings(arguments: dict[str, Any], *, vcf: str, quiet: bool) -> ScoreSettings:
    """Returns the settings of a run, given the options of `enformer-vep score` by their names in Python.

    Raises:
      TypeError: there is no such option.
      InputError: one cannot be used.
    """
    options = {name: option for name, option in options_of("score").items() if name not in _TERMINAL}
    for name in arguments:
        if name not in options:
            raise TypeError(f"score_vcf() has no option {name!r}{did_you_mean(name, sorted(options))}")
    summary = arguments.pop("summary", None) or "none"
    if arguments.pop("summary_only", False):
        summary = "only"
    views = {name: arguments.pop(name, None) for name in ("indels", "shifts", "reverse_complement")}
    values = {
        options[name].setting: options[name].read(value)
        for name, value in arguments.items()
        if value is not None or options[name].variable
    }
    return ScoreSettings.of(
        vcf=vcf,
        **values,
        summary=Choice(SUMMARY_KINDS).read("summary", "beside" if summary is True else summary),
        views=read_views(**views),
        quiet=quiet,
        command="enformer_vep.score_vcf",
    )
