"""Opens what a run needs, and says which run it is."""

import hashlib
import os
from dataclasses import dataclass, replace

from enformer_vep.errors import InputError, SkipReason
from enformer_vep.fetch.cache import Cache
from enformer_vep.genome.genes import GeneIndex, PromoterBins, TssBins
from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.genome.variant import Variant
from enformer_vep.io.genome.fasta import ReferenceCodes
from enformer_vep.io.tables.gene_table import GeneTableSettings
from enformer_vep.model.location import ModelLocation
from enformer_vep.run.background.record import OpenBackground
from enformer_vep.run.engines import make_engine
from enformer_vep.run.environment import versions
from enformer_vep.run.file_identity import file_identity
from enformer_vep.run.identity import (
    RUN_RECORD_FORMAT,
    GenesIdentity,
    RunIdentity,
    SaturationIdentity,
    SelectionIdentity,
    ShardRecord,
    TracksIdentity,
    ViewsIdentity,
)
from enformer_vep.run.input_identity import identify_fasta, identify_model
from enformer_vep.run.models import OpenModel, choose_tracks, open_model
from enformer_vep.run.run_record import RunPlan
from enformer_vep.run.score.gene_scorer import GeneScorer
from enformer_vep.run.score.genes import GeneTracks, choose_gene_tracks, open_genes
from enformer_vep.run.score.inputs import RunInputs
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.results import bases_to_json
from enformer_vep.run.score.resume import choose_part_size
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.score.work_folder import WorkFolder
from enformer_vep.run.settings import ComputeSettings, GeneSettings, ScoreSettings, ScoringSettings


@dataclass(frozen=True)
class Run:
    """A run whose inputs and model are open.

    Attributes:
      settings: what the user asked for.
      inputs: the VCF and the FASTA.
      model: the model.
      scorer: scores variants with it.
      plan: which run it is.
      background: what percentiles are taken against, None for no percentiles.
      genes: how genes are written; None if no gene is scored.
    """

    settings: ScoreSettings
    inputs: RunInputs
    model: OpenModel
    scorer: VariantScorer
    plan: RunPlan
    background: OpenBackground | None = None
    genes: GeneTableSettings | None = None

    @property
    def num_parts(self) -> int:
        """Number of parts that the run's alleles are divided into."""
        return -(-self.inputs.num_alleles // self.plan.part_size)

    @property
    def input_paths(self) -> dict[str, str]:
        """The paths of the inputs, absolute except for variants that came through a pipe."""
        inputs, gtf = self.inputs.settings, self.settings.genes.gtf
        background = {} if inputs.background is None else {"background": os.path.abspath(inputs.background)}
        paths = {
            "vcf": inputs.vcf if self.inputs.is_piped else os.path.abspath(inputs.vcf),
            "fasta": os.path.abspath(self.inputs.genome.path),
            "model": os.path.abspath(self.model.loaded.identity.path),
            **background,
        }
        return paths if gtf is None else paths | {"gtf": os.path.abspath(gtf)}


def open_run(settings: ScoreSettings, inputs: RunInputs, location: ModelLocation, work: WorkFolder) -> Run:
    """Loads the model of a run, and says which run it is. Imports TensorFlow.

    Args:
      settings: what the user asked for.
      inputs: the opened inputs.
      location: where the model is.
      work: the work folder, which may have parts of the same run.

    Raises:
      InputError: the model, the device, the head, the tracks, the placement, the bins, the background or the genes
        cannot be used.
    """
    path = settings.inputs.background
    background = None if path is None else OpenBackground.open(path)
    try:
        settings.scoring.bins.with_names(inputs.genome.resolve)
    except ValueError as error:
        raise InputError(str(error)) from error
    genes = open_genes(settings.genes, inputs.genome)
    model = open_model(location, settings.scoring, settings.compute, Cache.at(settings.inputs.cache))
    gene_tracks = None
    if genes is not None:
        known = choose_tracks(replace(settings.scoring, tracks=None), model.loaded, location, model.fetched_tracks)
        gene_tracks = choose_gene_tracks(settings.genes.gene_tracks, known, model.tracks)
    scorer = open_scorer(
        model,
        ReferenceCodes(inputs.genome),
        settings.scoring,
        settings.compute,
        None if genes is None or gene_tracks is None else _gene_scorer(genes, gene_tracks, settings, model),
    )
    if settings.inputs.saturated is not None:
        _check_reach(scorer, settings.inputs.saturated, settings.scoring)
    shard = None
    if settings.inputs.shard is not None:
        number, of = settings.inputs.shard.number, settings.inputs.shard.of
        shard = ShardRecord(number, of, *inputs.share, inputs.survey.num_alleles)
    part_size = choose_part_size(settings.output, model.device.kind, work)
    identity = _identity(settings, inputs, model)
    if background is not None:
        background.check(identity, model.tracks.identifiers)
    written = None
    if genes is not None and gene_tracks is not None:
        identity = replace(identity, genes=_genes_identity(settings.genes, gene_tracks))
        names = tuple(statistic.name for statistic in settings.genes.gene_statistics)
        written = GeneTableSettings(genes.genes, names, gene_tracks.table, settings.genes.gene_columns)
    return Run(settings, inputs, model, scorer, RunPlan(identity, shard, part_size), background, written)


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
        f"--bins {scoring.bins} lies outside the bins of every window of these regions: expected bins that the windows "
        "predict, up to 57 kb away"
    )


def _gene_scorer(genes: GeneIndex, tracks: GeneTracks, settings: ScoreSettings, model: OpenModel) -> GeneScorer:
    views = settings.scoring.views
    geometry = model.loaded.model.config.geometry
    promoters = PromoterBins(TssBins(settings.genes.gene_bins), views.indels, geometry)
    return GeneScorer(genes, settings.genes, tracks.places, promoters, views)


def open_scorer(
    model: OpenModel,
    reference: ReferenceCodes,
    scoring: ScoringSettings,
    compute: ComputeSettings,
    genes: GeneScorer | None = None,
) -> VariantScorer:
    """Makes what scores variants with a model, on a genome.

    Args:
      model: the model.
      reference: the genome.
      scoring: what the scores are.
      compute: the engine and its settings.
      genes: finds and scores genes; None if none is wanted.
    """
    is_anywhere = genes is not None and genes.is_at_tss
    return VariantScorer(
        make_engine(model, scoring, compute, reference.fetch, is_anywhere=is_anywhere),
        reference,
        model.loaded.model.config.geometry,
        scoring,
        model.tracks,
        genes,
    )


def _genes_identity(settings: GeneSettings, tracks: GeneTracks) -> GenesIdentity:
    assert settings.gtf is not None
    return GenesIdentity(
        gtf=file_identity(settings.gtf),
        transcripts=settings.transcripts,
        bins=settings.gene_bins,
        window=settings.gene_window,
        statistics=tuple(statistic.name for statistic in settings.gene_statistics),
        tracks=TracksIdentity(**tracks.table.record()),
        columns=settings.gene_columns,
    )


def _saturation_identity(bases: SaturatedBases) -> SaturationIdentity:
    digest = hashlib.sha256(bases_to_json(bases)).hexdigest()
    return SaturationIdentity(
        num_regions=len(bases.regions),
        num_bases=bases.num_bases,
        num_unknown_bases=bases.num_unknown,
        max_deletion_bp=bases.max_deletion_bp,
        num_deletions_left_out=bases.num_deletions_left_out,
        sha256=digest,
    )


def _identity(settings: ScoreSettings, inputs: RunInputs, model: OpenModel) -> RunIdentity:
    loaded, views = model.loaded, settings.scoring.views
    return RunIdentity(
        format=RUN_RECORD_FORMAT,
        notice=loaded.notice,
        versions=versions(),
        vcf=file_identity(inputs.vcf),
        fasta=identify_fasta(inputs.genome),
        model=identify_model(loaded),
        head=settings.scoring.head,
        statistics=settings.scoring.names,
        tracks=TracksIdentity(**model.tracks.record()),
        selection=SelectionIdentity(**inputs.selection.record()),
        placement=str(settings.scoring.placement),
        bins=str(settings.scoring.bins),
        views=ViewsIdentity(
            reverse_complement=views.reverse_complement, shifts=views.shifts, indels=views.indels.value
        ),
        engine=settings.compute.engine,
        precision=settings.compute.precision,
        device=model.device.kind,
        is_deterministic=model.device.is_deterministic,
        batch_size=model.batch_size,
        layout=settings.output.layout,
        dtype=settings.output.dtype,
        summary=settings.output.summary,
        background=None if settings.inputs.background is None else file_identity(settings.inputs.background),
        saturation=None if settings.inputs.saturated is None else _saturation_identity(settings.inputs.saturated),
    )
