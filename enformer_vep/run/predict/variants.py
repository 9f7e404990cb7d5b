"""The course of `predict --vcf`, from variants to files of both alleles' predicted tracks."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from enformer_vep.errors import SkipReason
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.run.arguments import is_variant, read_variants
from enformer_vep.run.model_run import AllelesIdentity, VariantsCourse, VariantsIdentity
from enformer_vep.run.predict.allele_files import open_allele_writer
from enformer_vep.run.predict.files import ALLELES_NAME, ALLELES_SUFFIX, beside
from enformer_vep.run.predict.opening import open_run
from enformer_vep.run.predict.settings import MAX_ALLELES, WINDOWS_PER_ALLELE, PredictOutput, PredictSettings
from enformer_vep.run.progress import Progress, duration
from enformer_vep.run.score.placed import PlacedVariant, Unscored
from enformer_vep.run.score.scorer import check_finite
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
    arguments = settings.inputs.variants
    with open_run(settings) as run:
        alleles = read_variants(arguments, MAX_ALLELES)
        model = run.load()
        scorer = run.session.scorer(settings.scoring)
        num_placed = sum(isinstance(scorer.place_allele(allele), PlacedVariant) for allele in alleles)
        run.check_cost("the alleles take", WINDOWS_PER_ALLELE * num_placed, "choose fewer variants")
        run.session.notify()
        identity = run.identity(VariantsIdentity, alleles=AllelesIdentity.of(alleles))
        skipped: Counter[SkipReason] = Counter()
        first = time.perf_counter()
        with (
            open_allele_writer(
                settings.output, run.described(identity), len(alleles), model.geometry.num_bins
            ) as writer,
            Progress(is_quiet=settings.quiet) as progress,
        ):
            progress.start(len(alleles))
            for allele, profile in zip(alleles, scorer.profiles(alleles), strict=True):
                if isinstance(profile, Unscored):
                    skipped[profile.reason] += 1
                writer.write(allele, profile)
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
    return VariantsSummary(num_predicted, by_reason, len(model.tracks.identifiers), seconds, settings.output)


def _list_of_alleles(output: PredictOutput) -> Path:
    if output.is_arrays:
        return output.path
    return beside(output.path, ALLELES_SUFFIX) if output.is_table else output.path / ALLELES_NAME


def _path(argument: str) -> str:
    return argument if argument == STANDARD_INPUT or is_variant(argument) else os.path.abspath(argument)
