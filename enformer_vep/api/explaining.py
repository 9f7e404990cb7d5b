"""Which bases matter: every change of a region, and contributions by gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from enformer_vep.api.options import read
from enformer_vep.api.predictions import one_allele
from enformer_vep.api.variants import GivenVariants, OneVariant, one_or_more, variant_text
from enformer_vep.errors import InputError
from enformer_vep.genome.saturation import LETTERS
from enformer_vep.genome.variant import Variant
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.options.values import Path, read_regions
from enformer_vep.run.arguments import find_regions, name_variants, parse_regions
from enformer_vep.run.explain.contribution_arrays import Contributions as ComputedContributions
from enformer_vep.run.explain.contributions import compute
from enformer_vep.run.explain.saturate import find_bases
from enformer_vep.run.explain.scalars import make_scalars
from enformer_vep.run.explain.sequences import SequenceMaker
from enformer_vep.run.explain.settings import MAX_BASES, MethodSettings
from enformer_vep.run.progress import notebook_progress
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.session import Session
from enformer_vep.run.settings import ScoringSettings
from enformer_vep.wording import plural


@dataclass(frozen=True, eq=False)
class Saturation:
    """The effects of every substitution of the bases of regions, and of short deletions if they were asked for.

    Attributes:
      table: one row per change, as `Model.score` returns it: chrom, pos, ref, alt ... and STATISTIC:TRACK.
    """

    table: pd.DataFrame

    def matrix(self, column: str) -> pd.DataFrame:
        """Returns the effects of substitutions in one column of the table, as a heat map or a logo needs them.

        Args:
          column: such as 'SAD:ENCFF833POA'.

        Returns:
          float32, one row per base with chrom and pos as the index, and columns A C G T; 0 for the genome's own letter.

        Raises:
          InputError: there is no such column.
        """
        if column not in self.table.columns or ":" not in column:
            scores = [name for name in self.table.columns if ":" in name]
            raise InputError(f"no column {column!r}: expected one such as {scores[0]}")
        rows = self.table[(self.table["ref"].str.len() == 1) & (self.table["alt"].str.len() == 1)]
        effects = rows.pivot(index=["chrom", "pos"], columns="alt", values=column).reindex(columns=list(LETTERS))
        own = rows.groupby(["chrom", "pos"])["ref"].first().reindex(effects.index)
        for letter in LETTERS:
            effects.loc[own == letter, letter] = 0
        effects.columns.name = None
        matrix: pd.DataFrame = effects.astype(np.float32)
        return matrix


@dataclass(frozen=True, eq=False)
class Contributions:
    """The contributions of bases, by gradients.

    Attributes:
      table: one row per scalar, sequence and base: scalar, sequence, allele ('ref', 'alt' or empty), chrom, pos
        (missing for inserted bases), base, contribution, hypothetical:A to :T, and effect:A to :T, to first order.
      values: one row per scalar and sequence: scalar, sequence, allele, and the value that is explained.
    """

    table: pd.DataFrame
    values: pd.DataFrame


def saturated_variants(
    session: Session, regions: Path | Sequence[Path], max_deletion_bp: int, max_alleles: int
) -> GivenVariants:
    """Returns every change of the bases of regions.

    Raises:
      InputError: a region cannot be used, has no known base, or there are more changes than are allowed.
    """
    read("deletions", max_deletion_bp, "saturate")
    named = parse_regions(read_regions(regions))
    intervals = find_regions(named, session.genome)
    what = ", ".join(region.text for region in named)
    num_bases = sum(interval.length for interval in intervals)
    if num_bases > MAX_BASES:
        raise InputError(f"{what} has {num_bases:,} bp: expected at most {MAX_BASES:,} bp; choose smaller regions")
    bases = find_bases(intervals, session.genome, max_deletion_bp)
    num_alleles = bases.num_substitutions + bases.num_deletions
    if num_alleles > max_alleles:
        raise InputError(
            f"{what} has {bases.num_bases:,} bp, and {plural(num_alleles, 'allele')} are changes of them: expected at "
            f"most {max_alleles:,}; choose smaller regions, or raise max_alleles"
        )
    if bases.num_unknown == bases.num_bases:
        raise InputError(f"{what} has no base but N, which cannot be changed: choose other regions")
    alleles = [
        VcfAllele(Variant(change.contig, change.pos, change.ref, alt), record, number)
        for record, change in enumerate(bases.changes())
        for number, alt in enumerate(change.alts, start=1)
    ]
    return GivenVariants(alleles, what)


def contributions(
    session: Session,
    what: Path | OneVariant | Sequence[Path | OneVariant],
    scoring: ScoringSettings,
    method: MethodSettings,
    *,
    width_bp: int | None,
    max_gradients: int,
    progress: bool | None,
) -> Contributions:
    """Computes contributions: see `Model.contributions`.

    Raises:
      InputError: a region, a variant or an option cannot be used.
      EnformerVepError: a gradient is not finite.
    """
    read("width", width_bp, "contributions")
    named = [variant_text(item) for item in one_or_more(what)]
    if not named:
        raise InputError("expected a region or a variant, found none")
    with session.turn():
        model = session.model_for(scoring)
        maker = SequenceMaker(session.reference, model.geometry, session.named_bins(scoring), width_bp)
        sequences = []
        if name_variants(named):
            for text in named:
                allele = one_allele(text)
                made = maker.alleles(allele)
                if isinstance(made, Unscored):
                    raise InputError(f"{allele} cannot be explained: {made.detail} ({made.reason})")
                sequences += made
        else:
            sequences = [maker.region(interval) for interval in find_regions(parse_regions(named), session.genome)]
        scalars = make_scalars(model.tracks, method.mean_by)
        of_scalar = method.gradients_of_scalar(reverse_complement=scoring.views.reverse_complement)
        num_gradients = len(sequences) * len(scalars) * of_scalar
        if num_gradients > max_gradients:
            raise InputError(
                f"this takes {plural(num_gradients, 'gradient')}: expected at most {max_gradients:,}; choose fewer "
                "regions, variants or tracks, explain means of tracks with mean_by, or raise max_gradients"
            )
        num_bases = sum(len(sequence.wanted) for sequence in sequences)
        hypothetical = np.zeros((len(scalars), num_bases, len(LETTERS)), dtype=np.float32)
        with notebook_progress("gradients", is_wanted=progress) as shown:
            shown.start(num_gradients)
            computed, _ = compute(session, method, scoring, sequences, scalars, hypothetical, shown)
    return Contributions(_table(computed), _values(computed))


def _table(computed: ComputedContributions) -> pd.DataFrame:
    parts = []
    for rows in computed.rows():
        columns: dict[str, Any] = {
            "scalar": rows.scalar,
            "sequence": rows.sequence,
            "allele": rows.allele,
            "chrom": rows.chrom,
            "pos": pd.Series(rows.positions, dtype="Int64").mask(rows.positions == 0),
            "base": [f"{LETTERS}N"[code] for code in rows.codes],
            "contribution": rows.contributions,
        }
        for kind, values in (("hypothetical", rows.hypothetical), ("effect", rows.effects)):
            columns |= {f"{kind}:{letter}": values[:, place] for place, letter in enumerate(LETTERS)}
        parts.append(pd.DataFrame(columns))
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return table


def _values(computed: ComputedContributions) -> pd.DataFrame:
    rows = [
        {"scalar": scalar, "sequence": sequence.name, "allele": sequence.allele, "value": float(value)}
        for scalar, values in zip(computed.scalars, computed.values, strict=True)
        for sequence, value in zip(computed.sequences, values, strict=True)
    ]
    values: pd.DataFrame = pd.DataFrame(rows)
    return values
