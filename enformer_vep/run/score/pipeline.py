"""From a VCF to its scores: the one module that knows every stage."""

import ctypes
import gc
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial

from enformer_vep.errors import EnformerVepError, SkipReason
from enformer_vep.fetch.cache import Cache
from enformer_vep.inference.device import plain_float32
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.io.tables.formats import TableSettings
from enformer_vep.io.tables.gene_table import GeneTableSettings
from enformer_vep.io.tables.outputs import OutputPaths
from enformer_vep.io.vcf.selection import Selection
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.run.background.record import OpenBackground
from enformer_vep.run.course import TowerBins
from enformer_vep.run.engines import make_engine
from enformer_vep.run.environment import peak_memory_bytes
from enformer_vep.run.fetched import find_fasta
from enformer_vep.run.models import notify
from enformer_vep.run.progress import Progress
from enformer_vep.run.run_record import Counts, RunCourse, RunRecord
from enformer_vep.run.score.gene_cost import state_cost
from enformer_vep.run.score.inputs import RunInputs, check_inputs, open_inputs
from enformer_vep.run.score.naming import output_paths
from enformer_vep.run.score.opening import Run, open_run
from enformer_vep.run.score.part_scorer import PartScorer
from enformer_vep.run.score.results import ResultWriter, WholeFiles
from enformer_vep.run.score.resume import check_outputs, check_work, finished_record, prepare_work
from enformer_vep.run.score.strongest import StrongestEffects
from enformer_vep.run.score.summary import ScoreSummary
from enformer_vep.run.score.verify import Verification, verify
from enformer_vep.run.score.work_folder import INPUT_NAME, WorkFolder
from enformer_vep.run.settings import DEFAULT_TOLERANCE, ScoreSettings
from enformer_vep.run.signals import StopSignals


@dataclass(frozen=True)
class _Place:
    """Where a run leaves its files, and whom it tells and heeds."""

    paths: OutputPaths
    work: WorkFolder
    signals: StopSignals
    progress: Progress


@dataclass(frozen=True)
class _Computed:
    """What remains of a run when all of its parts are finished."""

    record: RunRecord
    course: Callable[..., RunCourse]  # of what is known when the run ends
    table: TableSettings
    background: OpenBackground | None
    num_parts: int
    num_new: int
    seconds: float
    verification: Verification | None
    genes: GeneTableSettings | None = None


def score_vcf(settings: ScoreSettings, *, has_bar: bool | None = None) -> ScoreSummary:
    """Scores every ALT allele of a VCF, and writes the table and the files beside it.

    The work is done in parts, which are kept in OUT.parts until the table is complete. TensorFlow is imported once the
    rest of the command is known to be usable.

    Args:
      settings: what is scored, how, and to where.
      has_bar: whether progress is shown as a bar and not as lines; None for a bar on a terminal.

    Raises:
      InputError: the settings or an input cannot be used.
      EnformerVepError: the run failed, or was stopped. Finished parts are kept.
    """
    check = settings.check
    with Progress(log_json=check.log_json, is_quiet=check.quiet, is_terminal=has_bar) as progress:
        return _score_vcf(settings, progress)


def _score_vcf(settings: ScoreSettings, progress: Progress) -> ScoreSummary:
    started = datetime.now(timezone.utc)
    inputs = settings.inputs
    cache = Cache.at(inputs.cache)
    location = locate_model(settings.scoring.model, cache.folder)
    check_inputs(settings)
    fasta = find_fasta(inputs.fasta, cache)
    selection = Selection.from_options(inputs.regions, pass_only=inputs.pass_only, include_id_file=inputs.include_id)
    paths = output_paths(settings)
    check_outputs(settings, paths)
    with closing(Genome(fasta)) as genome, StopSignals() as signals, WorkFolder(paths.work) as work:
        if paths.is_standard_output:
            work.discard_at_exit()  # a run to standard output cannot be resumed
        else:
            check_work(settings, paths, work)
        place = _Place(paths, work, signals, progress)
        try:
            opened = open_inputs(inputs, genome, selection, work)
            found = _compute(settings, opened, location, place, started)
            return _already_done(found, place) if isinstance(found, RunRecord) else _write(found, place, started)
        except EnformerVepError as error:
            if error.is_resumable and not paths.is_standard_output and work.finished():
                error.args = (f"{error}; finished parts are kept in {work.path}: use --resume to continue",)
            raise


def _compute(
    settings: ScoreSettings, inputs: RunInputs, location: ModelLocation, place: _Place, started: datetime
) -> _Computed | RunRecord:
    """Runs the unfinished parts and verifies some alleles; returns the record of a run that was finished before.

    The model is needed here alone: when this returns, its memory is free for the table.
    """
    run = open_run(settings, inputs, location, place.work)
    if record := finished_record(run.plan, settings.output, place.paths, place.work):
        return record
    prepare_work(run.plan, settings.output, place.work, keep=(INPUT_NAME,) if inputs.is_piped else ())
    notify(run.model, settings.scoring, settings.compute)
    first = time.perf_counter()
    num_new = _run_parts(run, place)
    seconds = time.perf_counter() - first
    verification = _verify(run, place)
    return _Computed(
        RunRecord(run.plan.identity, run.plan.shard, _count(run, place)),
        _course(run, num_new, seconds, started, verification),
        TableSettings(
            settings.scoring.names,
            run.model.tracks,
            settings.output.layout,
            settings.output.dtype,
            settings.output.summary,
            has_percentiles=run.background is not None,
            saturated=settings.inputs.saturated,
        ),
        run.background,
        run.num_parts,
        num_new,
        seconds,
        verification,
        run.genes,
    )


def _run_parts(run: Run, place: _Place) -> int:
    """Runs the unfinished parts in order; returns how many alleles they have."""
    inputs, part_size = run.inputs, run.plan.part_size
    finished = place.work.finished()
    total = inputs.num_alleles
    if run.scorer.genes is not None and run.scorer.genes.is_at_tss:
        state_cost(run.scorer.genes, inputs, part_size, finished)
    place.progress.start(total, sum(min(part_size, total - number * part_size) for number in finished))
    scorer = PartScorer(run.scorer, inputs.vcf_name, is_strict=inputs.settings.strict)
    num_new = 0
    with closing(inputs.parts(part_size)) as parts:
        for number, alleles in enumerate(parts):
            if number in finished:
                continue
            part = scorer.score(alleles, done=place.progress.done)
            with place.signals.shielded():
                place.work.write_part(number, part)
            num_new += len(alleles)
    return num_new


def _verify(run: Run, place: _Place) -> Verification | None:
    """Scores some alleles again with the full engine in float32."""
    check, compute = run.settings.check, run.settings.compute
    if not check.verify:
        return None
    place.progress.begin("verifying")
    plain = replace(compute, engine="full", precision="float32")
    with plain_float32():
        verification = verify(
            lambda: map(place.work.read_part, range(run.num_parts)),
            make_engine(run.model, run.settings.scoring, plain, run.scorer.reference.fetch),
            run.scorer.look_at,
            run.scorer.statistics,
            num_alleles=check.verify,
        )
    if verification is not None:
        verification.check(_tolerance(run.settings), compute)
    return verification


def _tolerance(settings: ScoreSettings) -> float:
    tolerance = settings.check.verify_tolerance
    return DEFAULT_TOLERANCE[settings.compute.precision] if tolerance is None else tolerance


def _count(run: Run, place: _Place) -> Counts:
    """Counts scored and skipped alleles before the table is started, as Parquet has the counts in its schema."""
    counts = place.work.count(range(run.num_parts))
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
        gene_rows=None if run.genes is None else counts.num_gene_rows,
    )


def _course(
    run: Run, num_new: int, seconds: float, started: datetime, verification: Verification | None
) -> Callable[..., RunCourse]:
    counts = run.scorer.engine.counts()
    return partial(
        RunCourse,
        command=run.settings.output.command,
        paths=run.input_paths,
        alleles_of_earlier_runs=run.inputs.num_alleles - num_new,
        transformer_passes=counts.transformer_passes,
        tower_bins=TowerBins(counts.tower_bins_computed, counts.tower_bins_reused),
        batch_size_at_end=counts.batch_size,
        device_name=run.model.device.description,
        started=started.isoformat(timespec="seconds"),
        seconds_scoring=round(seconds, 3),
        verification=verification.record(_tolerance(run.settings)) if verification else None,
    )


def _write(computed: _Computed, place: _Place, started: datetime) -> ScoreSummary:
    """Puts all parts together."""
    _give_back_memory()
    place.progress.begin("writing")
    with WholeFiles(place.paths) as files:
        table, percentiles = computed.table, None
        if computed.background is not None:
            percentiles = computed.background.percentiles(table.statistics, table.tracks.identifiers)
        writer = ResultWriter(files, place.paths, table, computed.record, computed.genes, percentiles)
        strongest = StrongestEffects(table)
        for number in range(computed.num_parts):
            part = place.work.read_part(number)
            writer.write(part)
            strongest.add(part)
        seconds_total = round((datetime.now(timezone.utc) - started).total_seconds(), 3)
        course = computed.course(seconds_total=seconds_total, peak_memory_bytes=peak_memory_bytes())
        with place.signals.shielded():
            writer.finish(replace(computed.record, course=course))
            place.work.discard_at_exit()
            place.progress.finish(computed.record.counts.alleles_scored, computed.record.counts.alleles_skipped)
    summary = _summary(computed.record.counts, place, computed.num_new, computed.seconds, computed.verification)
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


def _give_back_memory() -> None:
    """Frees unused memory, and returns to the system what the C library would keep of it.

    TensorFlow's allocator for CPUs keeps the model's memory nevertheless.
    """
    gc.collect()  # the traced graph and the model refer to each other
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc
        library.malloc_trim(0)
