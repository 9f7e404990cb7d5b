"""From variants to the predicted tracks of both alleles: every stage of `predict --vcf`."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from enformer_vep.errors import SkipReason
from enformer_vep.genome.geometry import Geometry
from enformer_vep.io.genome.fasta import ReferenceCodes
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.run.identity import ViewsIdentity
from enformer_vep.run.predict.allele_files import open_allele_writer
from enformer_vep.run.predict.opening import open_inputs
from enformer_vep.run.predict.output import ALLELES_NAME, ALLELES_SUFFIX, beside
from enformer_vep.run.predict.profiles import VariantProfile, variant_profiles
from enformer_vep.run.predict.record import AllelesIdentity, VariantsCourse, VariantsIdentity
from enformer_vep.run.predict.settings import MAX_ALLELES, WINDOWS_PER_ALLELE, PredictOutput, PredictSettings
from enformer_vep.run.progress import Progress, duration
from enformer_vep.run.score.opening import open_scorer
from enformer_vep.run.score.part_scorer import check_finite
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import VariantScorer
from enformer_vep.run.variant_arguments import is_variant, read_variants
from enformer_vep.wording import plural


@dataclass(frozen=True)
class VariantsSummary:
    """What became of the alleles of a run, on how many tracks, in which time, and where it is written."""

    num_predicted: int
    num_skipped: dict[str, int]
    num_tracks: int
    seconds: float
    output: PredictOutput

    def __str__(self) -> str:
        num_skipped = sum(self.num_skipped.values())
        num_alleles = self.num_predicted + num_skipped
        text = f"predicted {self.num_predicted} of {plural(num_alleles, 'allele')}"
        text += f", {plural(self.num_tracks, 'track')} each, in {duration(self.seconds)}"
        if num_skipped:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.num_skipped.items())
            text += f"; skipped {num_skipped} ({reasons}), see {_list_of_alleles(self.output)}"
        return f"{text}; results: {self.output.path}"


def predict_variants(settings: PredictSettings) -> VariantsSummary:
    """Predicts both alleles of variants, and writes the chosen tracks.

    Every allele of the input is written, or listed with the reason why it was skipped. TensorFlow is imported once the
    rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input cannot be used.
      EnformerVepError: the run failed, or was stopped; nothing is left of it.
    """
    arguments, views = settings.inputs.variants, settings.scoring.views
    with open_inputs(settings) as inputs:
        alleles = read_variants(arguments, MAX_ALLELES)
        run = inputs.open()
        scorer = open_scorer(run.model, ReferenceCodes(inputs.genome), settings.scoring, settings.compute)
        num_placed = _num_placed(scorer, alleles)
        run.check_cost("the alleles take", WINDOWS_PER_ALLELE * num_placed, "choose fewer variants")
        run.notify()
        identity = VariantsIdentity(
            **vars(run.identity()),
            alleles=AllelesIdentity.of(alleles),
            placement=str(settings.scoring.placement),
            views=ViewsIdentity(views.reverse_complement, views.shifts, views.indels.value),
        )
        skipped: Counter[SkipReason] = Counter()
        first = time.perf_counter()
        with (
            open_allele_writer(settings.output, run.described(identity), len(alleles), run.geometry.num_bins) as writer,
            Progress(is_quiet=settings.quiet) as progress,
        ):
            progress.start(len(alleles))
            for allele, found in zip(alleles, _profiles(scorer, alleles, run.geometry), strict=True):
                if isinstance(found, Unscored):
                    skipped[found.reason] += 1
                writer.write(allele, found)
                progress.done()
            check_finite(skipped[SkipReason.NOT_FINITE], num_placed)
            num_predicted = len(alleles) - skipped.total()
            by_reason = {reason.value: count for reason, count in sorted(skipped.items()) if count}
            progress.begin("writing")
            paths = {"variants": " ".join(map(_path, arguments))}
            course = VariantsCourse(
                **run.course(scorer.engine, paths),
                alleles_read=len(alleles),
                alleles_predicted=num_predicted,
                alleles_skipped=skipped.total(),
                skipped_by_reason=by_reason,
            )
            writer.finish(course)
        seconds = time.perf_counter() - first
    return VariantsSummary(num_predicted, by_reason, len(run.model.tracks.identifiers), seconds, settings.output)


def _num_placed(scorer: VariantScorer, alleles: Sequence[VcfAllele]) -> int:
    """Returns how many alleles can be predicted, as far as is known without the model."""
    return sum(not allele.malformed and isinstance(scorer.place(allele.variant), PlacedVariant) for allele in alleles)


def _profiles(
    scorer: VariantScorer, alleles: Sequence[VcfAllele], geometry: Geometry
) -> Iterator[VariantProfile | Unscored]:
    """Yields the predictions of each allele, or why there are none."""
    found = variant_profiles(scorer, (allele.variant for allele in alleles if not allele.malformed), geometry)
    for allele in alleles:
        yield Unscored(SkipReason.MALFORMED_RECORD, allele.malformed) if allele.malformed else next(found)


def _list_of_alleles(output: PredictOutput) -> Path:
    if output.is_arrays:
        return output.path
    return beside(output.path, ALLELES_SUFFIX) if output.is_table else output.path / ALLELES_NAME


def _path(argument: str) -> str:
    return argument if argument == STANDARD_INPUT or is_variant(argument) else os.path.abspath(argument)
