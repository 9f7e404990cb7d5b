"""Predicts the profiles of the strongest alleles of a run: with its model, genome and settings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from enformer_vep.errors import InputError
from enformer_vep.genome.genes import GeneIndex
from enformer_vep.genome.variant import Interval
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.report.contents import Profile, Start
from enformer_vep.run.identities import identify_fasta
from enformer_vep.run.progress import Progress
from enformer_vep.run.report.settings import ProfileSettings
from enformer_vep.run.run_record import RunIdentity
from enformer_vep.run.score.genes import open_genes
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.score.scorer import VariantProfile
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.run.session import OpenModel, Session
from enformer_vep.run.settings import ComputeSettings, GeneSettings, ScoringSettings


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
    identity, indices = table.record.identity, table.tracks.indices
    union = sorted({place for wanted in tracks for place in wanted})
    scoring = _scoring(identity, settings.model, [indices[place] for place in union])
    with Session(scoring, ComputeSettings(device=settings.device), settings.fasta, settings.cache) as session:
        genome = session.genome
        if replace(identify_fasta(genome), index=None) != replace(identity.fasta, index=None):
            raise InputError(f"{genome.path} is not the genome of {table.path}: give the FASTA that it was scored with")
        genes = open_genes(GeneSettings(gtf), genome)
        model = session.model
        _check(model, table, [indices[place] for place in union])
        session.notify()
        profiles: list[Profile | str] = []
        with Progress(is_quiet=quiet, unit="alleles") as progress:
            progress.start(len(alleles))
            predicted = session.scorer(scoring).profiles(alleles)
            for profile, wanted in zip(predicted, tracks, strict=True):
                profiles.append(_profile(profile, wanted, union, model, genes))
                progress.done()
    return profiles


def _scoring(identity: RunIdentity, model: str, indices: Sequence[int]) -> ScoringSettings:
    usual = ScoringSettings()
    return replace(
        identity.scoring,
        model=model,
        tracks=TrackChoice(tuple(indices)),
        statistics=usual.statistics,
        bins=usual.bins,
    )


def _check(model: OpenModel, table: ScoreTable, indices: Sequence[int]) -> None:
    if model.loaded.identity.tensors_sha256 != table.record.identity.model.tensors_sha256:
        raise InputError(
            f"{model.loaded.identity.path} is not the model of {table.path}: give the model that it was scored with"
        )
    if model.tracks.indices != list(indices):
        raise InputError(f"the track table of {model.loaded.identity.path} names other tracks than {table.path}")


def _profile(
    profile: VariantProfile | Unscored,
    wanted: Sequence[int],
    union: Sequence[int],
    model: OpenModel,
    genes: GeneIndex | None,
) -> Profile | str:
    if isinstance(profile, Unscored):
        return profile.detail
    columns = np.searchsorted(union, wanted)
    bin_size_bp = model.geometry.bin_size_bp
    reference, difference = profile.reference[:, columns], profile.difference[:, columns]
    starts = () if genes is None else _starts(genes, profile.bins)
    return Profile(profile.bins.start + 1, bin_size_bp, tuple(wanted), reference, difference, starts)


def _starts(genes: GeneIndex, bins: Interval) -> tuple[Start, ...]:
    starting = [genes.genes[number] for number in genes.with_start_in(bins)]
    middle = (bins.start + bins.end) // 2
    return tuple(Start(gene.name, gene.strand, gene.nearest_tss(middle) + 1) for gene in starting)
