"""The course of `score`, from a VCF to its scores: settings, a session, the generator of parts, and the table."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.inference.device import plain_float32
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.vcf.selection import Selection
from enformer_vep.run.identities import peak_memory_bytes
from enformer_vep.run.model_run import TowerBins
from enformer_vep.run.progress import Progress, StopSignals
from enformer_vep.run.run_record import Counts, RunCourse, RunRecord
from enformer_vep.run.score.genes import state_cost
from enformer_vep.run.score.inputs import check_inputs, open_inputs
from enformer_vep.run.score.opening import Run, open_run, output_paths
from enformer_vep.run.score.parts import INPUT_NAME, WorkFolder
from enformer_vep.run.score.results import ResultWriter, WholeFiles
from enformer_vep.run.score.resume import check_outputs, check_work, finished_record, prepare_work
from enformer_vep.run.score.scorer import VariantScorer, scored_parts
from enformer_vep.run.score.summary import ScoreSummary, StrongestEffects
from enformer_vep.run.score.verify import Verification, verify
from enformer_vep.run.session import Session
from enformer_vep.run.settings import DEFAULT_TOLERANCE, ScoreSettings
from enformer_vep.wording import option


def score_vcf(settings: ScoreSettings, *, session: Session | None = None, has_bar: bool | None = None) -> ScoreSummary:
    """Scores every ALT allele of a VCF, and writes the table and the files beside it.

    The work is done in parts, which are kept in OUT.parts until the table is complete. TensorFlow is imported once the
    rest of the command is known to be usable, and the model's memory is free when the table is written.

    Args:
      settings: the settings of the run.
      session: an open one of the same settings, which is closed at the end; None to open one.
      has_bar: whether progress is shown as a bar and not as lines; None for a bar on a terminal.

    Raises:
      InputError: the settings or an input cannot be used.
      EnformerVepError: the run failed, or was stopped. Finished parts are kept.
    """
    started = datetime.now(timezone.utc)
    inputs, check = settings.inputs, settings.check
    with Progress(log_json=check.log_json, is_quiet=check.quiet, is_terminal=has_bar) as progress:
        check_inputs(settings)
        selection = Selection.from_options(
            inputs.regions, pass_only=inputs.pass_only, include_id_file=inputs.include_id
        )
        paths = output_paths(settings)
        with (
            session or Session(settings.scoring, settings.compute, inputs.fasta, inputs.cache) as opened,
            StopSignals() as signals,
            _work_folder(settings, paths) as work,
        ):
            place = _Place(paths, work, signals, progress)
            run = open_run(settings, opened, open_inputs(inputs, opened.genome, selection, work), work)
            if record := finished_record(run.plan, settings.output, paths, work):
                return _already_done(record, place)
            prepare_work(run.plan, settings.output, work, keep=(INPUT_NAME,) if run.inputs.is_piped else ())
            opened.notify()
            computed = _compute(run, opened, place, started)
            opened.unload()
            return _write(run, computed, place, started)


@dataclass(frozen=True)
class _Place:
    """The files, progress bar and stop signals of a run."""

    paths: OutputPaths
    work: WorkFolder
    signals: StopSignals
    progress: Progress


@dataclass(frozen=True)
class _Computed:
    """The results of a run, beside its parts, when all of them are finished."""

    counts: Counts
    course: Callable[..., RunCourse]  # of what is known when the run ends
    num_new: int
    seconds: float
    verification: Verification | None


@contextmanager
def _work_folder(settings: ScoreSettings, paths: OutputPaths) -> Iterator[WorkFolder]:
    """Locks the folder of the parts; an error within the block says how to continue from those that it keeps."""
    check_outputs(settings, paths)  # before a genome is indexed for nothing
    with WorkFolder(paths.work) as work:
        if paths.is_standard_output:
            work.discard_at_exit()  # a run to standard output cannot be resumed
        else:
            check_work(settings, paths, work)
        try:
            yield work
        except EnformerVepError as error:
            if error.is_resumable and not paths.is_standard_output and work.finished():
                error.add(f"; finished parts are kept in {work.path}: use {option('--resume')} to continue")
            raise


def _compute(run: Run, session: Session, place: _Place, started: datetime) -> _Computed:
    """Scores the unfinished parts into the work folder, verifies some alleles, and counts all of them."""
    scorer = session.scorer(run.settings.scoring, run.genes)
    first = time.perf_counter()
    num_new = _score_parts(run, scorer, place)
    seconds = time.perf_counter() - first
    counts = scorer.engine.counts()  # before the full engine verifies, which may be this one
    verification = _verify(run, session, scorer, place)
    course = partial(
        RunCourse,
        command=run.settings.output.command,
        paths=run.paths,
        alleles_of_earlier_runs=run.inputs.num_alleles - num_new,
        transformer_passes=counts.transformer_passes,
        tower_bins=TowerBins(counts.tower_bins_computed, counts.tower_bins_reused),
        batch_size_at_end=counts.batch_size,
        device_name=session.model.device.description,
        started=started.isoformat(timespec="seconds"),
        seconds_scoring=round(seconds, 3),
        verification=verification.record(_tolerance(run.settings)) if verification else None,
    )
    return _Computed(_count(run, place.work), course, num_new, seconds, verification)


def _score_parts(run: Run, scorer: VariantScorer, place: _Place) -> int:
    """Keeps each part as it is scored; returns how many alleles they have."""
    inputs, part_size = run.inputs, run.plan.part_size
    finished, total = place.work.finished(), inputs.num_alleles
    if run.genes is not None and run.genes.is_at_tss:
        state_cost(run.genes, inputs, part_size, finished)
    place.progress.start(total, sum(min(part_size, total - number * part_size) for number in finished))
    num_new = 0
    with closing(inputs.parts(part_size, finished)) as parts:
        strict = inputs.settings.strict
        scored = scored_parts(scorer, parts, inputs.vcf_name, is_strict=strict, done=place.progress.done)
        numbers = (number for number in range(run.num_parts) if number not in finished)
        for number, part in zip(numbers, scored, strict=True):
            with place.signals.shielded():
                place.work.write_part(number, part)
            num_new += len(part.alleles) + len(part.skipped)
    return num_new


def _verify(run: Run, session: Session, scorer: VariantScorer, place: _Place) -> Verification | None:
    """Scores some alleles again with the full engine in float32."""
    check, compute = run.settings.check, run.settings.compute
    if not check.verify:
        return None
    place.progress.begin("verifying")
    plain = session.engine(run.settings.scoring, replace(compute, engine="full", precision="float32"))
    with plain_float32():
        verification = verify(
            lambda: map(place.work.read_part, range(run.num_parts)),
            plain,
            scorer.comparison_of,
            scorer.statistics,
            num_alleles=check.verify,
        )
    if verification is not None:
        verification.check(_tolerance(run.settings), compute)
    return verification


def _tolerance(settings: ScoreSettings) -> float:
    tolerance = settings.check.verify_tolerance
    return DEFAULT_TOLERANCE[settings.compute.precision] if tolerance is None else tolerance


def _count(run: Run, work: WorkFolder) -> Counts:
    """Counts scored and skipped alleles before the table is started, as Parquet has the counts in its schema."""
    counts = work.count(range(run.num_parts))
    if counts.num_alleles != run.inputs.num_alleles:
        raise EnformerVepError(
            f"{run.inputs.num_alleles} alleles were read, but {counts.num_scored} were scored and "
            f"{counts.num_skipped.total()} skipped: if {run.inputs.vcf_name} did not change during the run, please "
            "report this bug in enformer-vep"
        )
    return Counts(
        records=run.inputs.survey.num_records,
        records_left_out=run.inputs.survey.num_records_left_out,
        alleles_read=counts.num_alleles,
        alleles_scored=counts.num_scored,
        alleles_skipped=counts.num_skipped.total(),
        skipped_by_reason={reason.value: number for reason, number in sorted(counts.num_skipped.items())},
        float16_overflows=counts.num_float16_overflows if run.settings.output.dtype == "float16" else 0,
        gene_rows=None if run.gene_table is None else counts.num_gene_rows,
    )


def _write(run: Run, computed: _Computed, place: _Place, started: datetime) -> ScoreSummary:
    place.progress.begin("writing")
    table, percentiles = run.table, None
    record = RunRecord(run.plan.identity, run.plan.shard, computed.counts)
    with WholeFiles(place.paths) as files:
        if run.background is not None:
            percentiles = run.background.percentiles(table.statistics, table.tracks.identifiers)
        writer = ResultWriter(files, place.paths, table, record, run.gene_table, percentiles)
        strongest = StrongestEffects(table)
        for number in range(run.num_parts):
            part = place.work.read_part(number)
            writer.write(part)
            strongest.add(part)
        seconds_total = round((datetime.now(timezone.utc) - started).total_seconds(), 3)
        course = computed.course(seconds_total=seconds_total, peak_memory_bytes=peak_memory_bytes())
        with place.signals.shielded():
            writer.finish(replace(record, course=course))
            place.work.discard_at_exit()
            place.progress.finish(computed.counts.alleles_scored, computed.counts.alleles_skipped)
    summary = _summary(computed.counts, place, computed.num_new, computed.seconds, computed.verification)
    return replace(summary, strongest=strongest.largest())


def _already_done(record: RunRecord, place: _Place) -> ScoreSummary:
    """The summary of a run that was resumed after its last file was in place."""
    counts = record.counts
    place.progress.start(counts.alleles_read, counts.alleles_read)
    place.progress.finish(counts.alleles_scored, counts.alleles_skipped)
    place.work.discard_at_exit()
    return _summary(counts, place, num_new=0, seconds=0.0)


def _summary(
    counts: Counts, place: _Place, num_new: int, seconds: float, verification: Verification | None = None
) -> ScoreSummary:
    return ScoreSummary(
        counts.alleles_scored,
        {SkipReason(reason): number for reason, number in counts.skipped_by_reason.items()},
        num_new,
        seconds,
        None if place.paths.is_standard_output else place.paths.table,
        place.paths.skipped,
        str(verification) if verification else None,
    )
