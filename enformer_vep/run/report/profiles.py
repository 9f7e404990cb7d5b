"""Predicts the profiles of the strongest alleles of a run: with its model, genome and settings."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from enformer_vep.errors import InputError
from enformer_vep.fetch.cache import Cache
from enformer_vep.genome.genes import GeneIndex
from enformer_vep.genome.indels import IndelPolicy
from enformer_vep.genome.variant import Interval
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import Placement
from enformer_vep.io.genome.fasta import Genome, ReferenceCodes
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.model.location import locate_model
from enformer_vep.report.contents import Profile, Start
from enformer_vep.run.fetched import find_fasta
from enformer_vep.run.identity import RunIdentity
from enformer_vep.run.input_identity import identify_fasta
from enformer_vep.run.models import OpenModel, notify, open_model
from enformer_vep.run.predict.profiles import VariantProfile, variant_profiles
from enformer_vep.run.progress import Progress
from enformer_vep.run.report.settings import ProfileSettings
from enformer_vep.run.score.genes import open_genes
from enformer_vep.run.score.opening import open_scorer
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.run.settings import ComputeSettings, GeneSettings, ScoringSettings

if TYPE_CHECKING:
    from enformer_vep.run.score.scorer import VariantScorer


def predict_profiles(
    table: ScoreTable,
    alleles: Sequence[VcfAllele],
    tracks: Sequence[Sequence[int]],
    settings: ProfileSettings,
    gtf: str | None = None,
    *,
    quiet: bool,
) -> list[Profile | str]:
    """Predicts both alleles' profiles, windows and views being those of the run. Imports TensorFlow.

    Args:
      table: the scores of the run.
      alleles: some of its alleles.
      tracks: of each, places of the wanted tracks in the table.
      settings: the genome and the model.
      gtf: genes of which the starts are returned, None for none.
      quiet: whether there is no progress bar.

    Returns:
      For each allele its profile, or why it has none.

    Raises:
      InputError: the genome or model cannot be used, or is not that of the run.
      EnformerVepError: the model failed.
    """
    identity, cache = table.record.identity, Cache.at(settings.cache)
    location = locate_model(settings.model, cache.folder)
    with closing(Genome(find_fasta(settings.fasta, cache))) as genome:
        if replace(identify_fasta(genome), index=None) != replace(identity.fasta, index=None):
            raise InputError(f"{genome.path} is not the genome of {table.path}: give the FASTA that it was scored with")
        genes = open_genes(GeneSettings(gtf), genome)
        union = sorted({place for wanted in tracks for place in wanted})
        indices = table.tracks.indices
        scoring = _scoring(identity, settings.model, [indices[place] for place in union])
        compute = ComputeSettings(device=settings.device)
        model = open_model(location, scoring, compute, cache)
        _check(model, table, [indices[place] for place in union])
        notify(model, scoring, compute)
        scorer = open_scorer(model, ReferenceCodes(genome), scoring, compute)
        with Progress(is_quiet=quiet, unit="alleles") as progress:
            progress.start(len(alleles))
            found: list[Profile | str] = []
            for profile, wanted in zip(_predicted(scorer, alleles, model), tracks, strict=True):
                found.append(_profile(profile, wanted, union, model, genes))
                progress.done()
    return found


def _scoring(identity: RunIdentity, model: str, indices: Sequence[int]) -> ScoringSettings:
    views = identity.views
    return ScoringSettings(
        model,
        identity.head,
        tracks=TrackChoice(tuple(indices)),
        placement=Placement.parse(identity.placement),
        views=ViewSettings(views.reverse_complement, tuple(views.shifts), IndelPolicy(views.indels)),
    )


def _check(model: OpenModel, table: ScoreTable, indices: Sequence[int]) -> None:
    if model.loaded.identity.tensors_sha256 != table.record.identity.model.tensors_sha256:
        raise InputError(
            f"{model.loaded.identity.path} is not the model of {table.path}: give the model that it was scored with"
        )
    if model.tracks.indices != list(indices):
        raise InputError(f"the track table of {model.loaded.identity.path} names other tracks than {table.path}")


def _predicted(
    scorer: "VariantScorer", alleles: Sequence[VcfAllele], model: OpenModel
) -> Iterator[VariantProfile | Unscored]:
    geometry = model.loaded.model.config.geometry
    return variant_profiles(scorer, [allele.variant for allele in alleles], geometry)


def _profile(
    found: VariantProfile | Unscored,
    wanted: Sequence[int],
    union: Sequence[int],
    model: OpenModel,
    genes: GeneIndex | None,
) -> Profile | str:
    if isinstance(found, Unscored):
        return found.detail
    columns = np.searchsorted(union, wanted)
    bin_size_bp = model.loaded.model.config.geometry.bin_size_bp
    reference, difference = found.reference[:, columns], found.difference[:, columns]
    starts = () if genes is None else _starts(genes, found.bins)
    return Profile(found.bins.start + 1, bin_size_bp, tuple(wanted), reference, difference, starts)


def _starts(genes: GeneIndex, bins: Interval) -> tuple[Start, ...]:
    found = [genes.genes[number] for number in genes.with_start_in(bins)]
    middle = (bins.start + bins.end) // 2
    return tuple(Start(gene.name, gene.strand, gene.nearest_tss(middle) + 1) for gene in found)
