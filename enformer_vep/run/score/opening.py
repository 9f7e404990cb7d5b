"""Names the outputs of a run, opens its model, background and genes, and identifies the run."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from enformer_vep.errors import InputError, OutputError, SkipReason
from enformer_vep.genome.genes import PromoterBins, TssBins
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.genome.variant import Variant
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.gene_table import GeneTableSettings
from enformer_vep.io.tables.outputs import SATURATION_SUFFIXES, SUFFIXES, OutputPaths
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.model.location import DEMO, INDEX_SUFFIX, OFFICIAL, PICKLE_SUFFIXES, SAFETENSORS_SUFFIX
from enformer_vep.run.background.record import OpenBackground
from enformer_vep.run.run_record import RunPlan, ShardRecord, identify_run
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.genes import choose_gene_tracks, open_genes
from enformer_vep.run.score.inputs import RunInputs
from enformer_vep.run.score.parts import WorkFolder
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.resume import choose_part_size
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.session import OpenModel, Session
from enformer_vep.run.settings import ScoreSettings, ScoringSettings
from enformer_vep.wording import option

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
        raise OutputError(f"the output cannot be named after standard input: name it with {option('-o')}")
    if output.out is not None and output.out.endswith(_VCF_SUFFIXES):
        raise OutputError(
            f"scores cannot be written to {output.out!r}, which is a VCF by its name: name a .parquet, .tsv or .tsv.gz "
            f"with {option('-o')}, and write the VCF beside it with {option('--annotate', output.out)}"
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
        raise OutputError(f"a run that writes to standard output cannot be resumed: name a file with {option('-o')}")
    if output.layout == "list" and not paths.is_parquet:
        raise OutputError(f"{option('--layout', 'list')} requires Parquet, but {output.out} is text: use wide or long")
    return paths


def model_label(model: str) -> str:
    """Returns what a model is called in the names of outputs: its own name, or that of its folder or file."""
    if model in (OFFICIAL, DEMO):
        return model
    name = os.path.basename(os.path.abspath(model))
    for suffix in (INDEX_SUFFIX, SAFETENSORS_SUFFIX, *PICKLE_SUFFIXES):
        name = name.removesuffix(suffix)
    return name or OFFICIAL


@dataclass(frozen=True)
class Run:
    """A run that can begin. It holds nothing of the model, whose memory is free when the table is written.

    Attributes:
      settings: the settings of the run.
      inputs: the VCF and the FASTA.
      plan: its identity, its shard, and the size of its parts.
      paths: the paths of the inputs, absolute except for variants that came through a pipe.
      table: how scores are written.
      background: the background of percentiles, None for no percentiles.
      genes: finds and scores genes; None if no gene is scored.
      gene_table: how genes are written; None if no gene is scored.
    """

    settings: ScoreSettings
    inputs: RunInputs
    plan: RunPlan
    paths: dict[str, str]
    table: TableSettings
    background: OpenBackground | None
    genes: GeneScorer | None
    gene_table: GeneTableSettings | None

    @property
    def num_parts(self) -> int:
        """Number of parts that the run's alleles are divided into."""
        return -(-self.inputs.num_alleles // self.plan.part_size)


def open_run(settings: ScoreSettings, session: Session, inputs: RunInputs, work: WorkFolder) -> Run:
    """Loads the model of a run, opens its background and genes, and identifies it. Imports TensorFlow.

    Args:
      settings: the settings of the run.
      session: the genome, and the model once it is loaded.
      inputs: the variants.
      work: the work folder, which may have parts of the same run.

    Raises:
      InputError: the model, the device, the head, the tracks, the placement, the bins, the background or the genes
        cannot be used.
    """
    scoring, of_genes = settings.scoring, settings.genes
    path = settings.inputs.background
    background = None if path is None else OpenBackground.open(path)
    session.named_bins(scoring)
    index = open_genes(of_genes, session.genome)
    model = session.model
    genes = gene_table = gene_tracks = None
    if index is not None:
        known = session.model_for(replace(scoring, tracks=None)).tracks
        gene_tracks = choose_gene_tracks(of_genes.gene_tracks, known, model.tracks)
        promoters = PromoterBins(TssBins(of_genes.gene_bins), scoring.views.indels, model.geometry)
        genes = GeneScorer(index, of_genes, gene_tracks.places, promoters, scoring.views)
        names = tuple(statistic.name for statistic in of_genes.gene_statistics)
        gene_table = GeneTableSettings(index.genes, names, gene_tracks.table, of_genes.gene_columns)
    scorer = session.scorer(scoring, genes)
    if settings.inputs.saturated is not None:
        _check_reach(scorer, settings.inputs.saturated, scoring)
    shard = None
    if settings.inputs.shard is not None:
        number, of = settings.inputs.shard.number, settings.inputs.shard.of
        shard = ShardRecord(number, of, *inputs.share, inputs.survey.num_alleles)
    part_size = choose_part_size(settings.output, model.device.kind, work)
    identity = identify_run(settings, inputs, model, None if gene_tracks is None else gene_tracks.table)
    if background is not None:
        background.check(identity, model.tracks.identifiers)
    table = TableSettings(
        scoring.names,
        model.tracks,
        settings.output.layout,
        settings.output.dtype,
        settings.output.summary,
        has_percentiles=background is not None,
        saturated=settings.inputs.saturated,
    )
    plan = RunPlan(identity, shard, part_size)
    return Run(settings, inputs, plan, _input_paths(settings, inputs, model), table, background, genes, gene_table)


def _input_paths(settings: ScoreSettings, inputs: RunInputs, model: OpenModel) -> dict[str, str]:
    asked = settings.inputs
    paths = {
        "vcf": asked.vcf if inputs.is_piped else os.path.abspath(asked.vcf),
        "fasta": os.path.abspath(inputs.genome.path),
        "model": os.path.abspath(model.loaded.identity.path),
    }
    if asked.background is not None:
        paths["background"] = os.path.abspath(asked.background)
    if settings.genes.gtf is not None:
        paths["gtf"] = os.path.abspath(settings.genes.gtf)
    return paths


def _check_reach(scorer: VariantScorer, saturated: SaturatedBases, scoring: ScoringSettings) -> None:
    """Checks that the window of some base has some of the bins.

    Raises:
      InputError: no effect could be seen there.
    """
    for change in saturated.changes():
        placed = scorer.place(Variant(change.contig, change.pos, change.ref, change.alts[0]))
        if not isinstance(placed, Unscored) or placed.reason is not SkipReason.OUTSIDE_BINS:
            return
    raise InputError(
        f"{option('--bins', scoring.bins)} lies outside the bins of every window of these regions: expected bins that "
        "the windows predict, up to 57 kb away"
    )
