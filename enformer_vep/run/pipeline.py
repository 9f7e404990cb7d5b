"""From a VCF to its scores: the one module that knows every stage."""

import ctypes
import gc
import logging
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from enformer_vep.errors import EnformerVepError, InputError, SkipReason
from enformer_vep.inference.device import plain_float32, prepare_device
from enformer_vep.inference.engine import Engine
from enformer_vep.io.fasta import Genome
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.reference import ReferenceCodes
from enformer_vep.io.selection import Selection
from enformer_vep.io.survey import survey_vcf
from enformer_vep.io.table import TableSettings
from enformer_vep.io.vcf import STANDARD_INPUT, VcfReader
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.run.assembly import check_assembly
from enformer_vep.run.engines import check_engine, make_engine, placement_of
from enformer_vep.run.identity import choose_tracks, input_paths, notify, run_identity
from enformer_vep.run.inputs import check_inputs, keep_piped_input
from enformer_vep.run.naming import output_paths
from enformer_vep.run.parts import INPUT_NAME, PartCounts, WorkFolder
from enformer_vep.run.progress import Progress
from enformer_vep.run.results import ResultWriter, WholeFiles
from enformer_vep.run.resume import check_outputs, check_same, check_work, differences, earlier_part_size
from enformer_vep.run.run_record import how_it_went, is_run_record, read_run_record
from enformer_vep.run.scorer import Scorer
from enformer_vep.run.selected import check_selected
from enformer_vep.run.settings import ScoreSettings, ScoreSummary
from enformer_vep.run.shards import Shard
from enformer_vep.run.signals import StopSignals
from enformer_vep.run.verify import DEFAULT_TOLERANCE, Verification, verify
from enformer_vep.scoring import parse_statistics

logger = logging.getLogger(__name__)

DEFAULT_PART_SIZE = {"CPU": 20, "GPU": 1000}
"""Alleles of a part: at most this many, a few minutes of work, are lost if the program is killed."""


def score_vcf(settings: ScoreSettings) -> ScoreSummary:
    """Scores every ALT allele of a VCF, and writes the table and the files beside it.

    The work is done in parts, which are kept in OUT.parts until the table is complete. TensorFlow is imported once the
    rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input cannot be used.
      EnformerVepError: the run failed, or was stopped. Finished parts are kept.
    """
    with Progress(log_json=settings.log_json, is_quiet=settings.quiet) as progress:
        return _score_vcf(settings, progress)


def _score_vcf(settings: ScoreSettings, progress: Progress) -> ScoreSummary:
    try:
        parse_statistics(settings.statistics)
    except ValueError as error:
        raise InputError(str(error)) from error
    check_engine(settings)
    Shard.parse(settings.shard)
    location = locate_model(settings.model)
    check_inputs(settings)
    selection = Selection.from_options(
        settings.regions, pass_only=settings.pass_only, include_id_file=settings.include_id
    )
    paths = output_paths(settings, location)
    check_outputs(settings, paths)
    with closing(Genome(settings.fasta)) as genome, StopSignals() as signals, WorkFolder(paths.work) as work:
        if paths.is_standard_output:
            work.discard_at_exit()  # a run to standard output cannot be resumed
        else:
            check_work(settings, paths, work)
        try:
            return _Run(settings, location, paths, selection, genome, signals, work, progress).run()
        except EnformerVepError as error:
            if error.is_resumable and not paths.is_standard_output and work.finished():
                error.args = (f"{error}; finished parts are kept in {work.path}: use --resume to continue",)
            raise


class _Run:
    """One run of `score_vcf`, once its inputs are open and its work folder is locked."""

    def __init__(
        self,
        settings: ScoreSettings,
        location: ModelLocation,
        paths: OutputPaths,
        selection: Selection,
        genome: Genome,
        signals: StopSignals,
        work: WorkFolder,
        progress: Progress,
    ) -> None:
        self.started = datetime.now(timezone.utc)
        self.settings = settings
        self.paths = paths
        self.selection = selection.with_names(genome.resolve)
        self.genome = genome
        self.signals = signals
        self.work = work
        self.progress = progress
        self.statistics = parse_statistics(settings.statistics)
        self.shard = Shard.parse(settings.shard)
        self.vcf_name = "standard input" if settings.vcf == STANDARD_INPUT else settings.vcf
        self.vcf = keep_piped_input(settings.vcf, work)
        self.survey = survey_vcf(self.vcf, self.selection, name=self.vcf_name)
        self.first, self.end = self.shard.share(self.survey.num_alleles)
        if self.survey.notice:
            logger.info("%s", self.survey.notice)
        check_selected(self.survey, genome, selection, self.vcf_name)
        check_assembly(self.survey, genome, self.vcf_name, allow_mismatches=settings.allow_mismatches)
        self.device = prepare_device(settings.device, settings.precision)
        from enformer_vep.model.weights import load_model

        self.loaded = load_model(location)
        geometry = self.loaded.model.config.geometry
        placement = placement_of(settings, geometry)
        self.tracks = choose_tracks(settings, self.loaded, location)
        self.batch_size = self.device.batch_size(settings.batch_size)
        self.part_size = self._choose_part_size()
        self.codes = ReferenceCodes(genome)
        self.engine = self._make_engine(settings)
        self.scorer = Scorer(
            self.engine,
            genome,
            self.codes,
            geometry,
            placement,
            self.statistics,
            num_tracks=len(self.tracks.identifiers),
            vcf_name=self.vcf_name,
            is_strict=settings.strict,
        )

    def run(self) -> ScoreSummary:
        """Runs the unfinished parts, and puts all parts together."""
        identity = self._identity()
        shard = self.shard.record(self.survey.num_alleles)
        if self.settings.resume and self.paths.table.exists() and is_run_record(self.paths.run):
            # This includes a run that died after its last file was in place, before its parts were removed.
            record = read_run_record(self.paths.run)
            if self.paths.is_whole() and not differences(record, identity | shard):
                return self._already_done(record)
            if not self.work.finished() and not self.settings.overwrite:
                check_same(record, identity | shard, self.paths.run)
        self._prepare(identity | shard | {"part_size": self.part_size})
        notify(self.loaded, self.tracks)
        if self.batch_size != (self.settings.batch_size or self.batch_size):
            logger.info("a CPU runs one sequence at a time: --batch-size %d has no effect", self.settings.batch_size)
        first = time.perf_counter()
        num_new = self._run_parts()
        seconds = time.perf_counter() - first
        engine_counts = self.engine.counts()
        went = {
            "paths": input_paths(self.settings, self.loaded, is_piped=self.vcf != self.settings.vcf),
            "alleles_of_earlier_runs": self.end - self.first - num_new,
            "transformer_passes": engine_counts.transformer_passes,
            "tower_bins": {"computed": engine_counts.tower_bins_computed, "reused": engine_counts.tower_bins_reused},
            "batch_size_at_end": engine_counts.batch_size,
            "device_name": self.device.description,
        }
        verification = self._verify()
        if verification:
            went["verification"] = verification.record(self._tolerance)
        del self.engine, self.scorer, self.loaded  # the table's row groups and columns need as much memory as the model
        _give_back_memory()
        table = TableSettings(self.statistics, self.tracks, self.settings.layout, self.settings.dtype)
        counts = self._count()
        run = identity | shard | {"counts": self._count_record(counts)}
        self.progress.begin("writing")
        with WholeFiles(self.paths) as files:
            writer = ResultWriter(files, self.paths, table, run)
            for number in range(self._num_parts):
                writer.write(self.work.read_part(number))
            went |= how_it_went(self.started, seconds)
            with self.signals.shielded():
                writer.finish(run | {"command": self.settings.command} | went)
                self.work.discard_at_exit()
                self.progress.finish(counts.num_scored, counts.num_skipped.total())
        table_path = None if self.paths.is_standard_output else self.paths.table
        return ScoreSummary(
            counts.num_scored,
            dict(counts.num_skipped),
            num_new,
            seconds,
            table_path,
            self.paths.skipped,
            str(verification) if verification else None,
        )

    def _choose_part_size(self) -> int:
        wanted = self.settings.part_size
        earlier = earlier_part_size(self.work) if self.settings.resume else None
        if earlier and wanted and wanted != earlier:
            logger.info("--part-size %d is ignored: the unfinished run has parts of %d alleles", wanted, earlier)
        return earlier or wanted or DEFAULT_PART_SIZE[self.device.kind]

    def _count(self) -> PartCounts:
        """Counts scored and skipped alleles before the table is started, as Parquet has the counts in its schema."""
        counts = self.work.count(range(self._num_parts))
        if counts.num_alleles != self.end - self.first:
            raise EnformerVepError(
                f"{self.end - self.first} alleles were read, but {counts.num_scored} were scored and "
                f"{counts.num_skipped.total()} skipped: if {self.vcf_name} did not change during the run, please "
                "report this bug in enformer-vep"
            )
        return counts

    def _count_record(self, counts: PartCounts) -> dict[str, Any]:
        return {
            "records": self.survey.num_records,
            "records_left_out": self.survey.num_records_left_out,
            "alleles_read": counts.num_alleles,
            "alleles_scored": counts.num_scored,
            "alleles_skipped": counts.num_skipped.total(),
            "skipped_by_reason": {reason.value: n for reason, n in sorted(counts.num_skipped.items())},
            "float16_overflows": counts.num_float16_overflows if self.settings.dtype == "float16" else 0,
        }

    def _make_engine(self, settings: ScoreSettings) -> Engine:
        return make_engine(
            self.loaded,
            settings,
            self.tracks,
            batch_size=self.batch_size,
            fetch=self.codes.fetch,
            device=self.device,
        )

    @property
    def _tolerance(self) -> float:
        tolerance = self.settings.verify_tolerance
        return DEFAULT_TOLERANCE[self.settings.precision] if tolerance is None else tolerance

    def _verify(self) -> Verification | None:
        """Scores some alleles again with the full engine in float32."""
        if not self.settings.verify:
            return None
        self.progress.begin("verifying")
        plain = replace(self.settings, engine="full", precision="float32")
        with plain_float32():
            return verify(
                lambda: map(self.work.read_part, range(self._num_parts)),
                self._make_engine(plain),
                self.scorer.pair,
                self.statistics,
                num_alleles=self.settings.verify,
                tolerance=self._tolerance,
            )

    @property
    def _num_parts(self) -> int:
        return -(-(self.end - self.first) // self.part_size)

    def _run_parts(self) -> int:
        """Runs the unfinished parts in order; returns how many alleles they have."""
        finished = self.work.finished()
        num_new = 0
        total = self.end - self.first
        self.progress.start(total, sum(min(self.part_size, total - n * self.part_size) for n in finished))
        with closing(VcfReader(self.vcf, self.selection, name=self.vcf_name)) as reader:
            alleles = islice(reader, self.first, self.end)
            for number in range(self._num_parts):
                variants = list(islice(alleles, self.part_size))
                if number in finished:
                    continue
                part = self.scorer.score(variants, done=self.progress.done)
                with self.signals.shielded():
                    self.work.write_part(number, part)
                num_new += len(variants)
        return num_new

    def _identity(self) -> dict[str, Any]:
        return run_identity(
            self.settings,
            vcf=self.vcf,
            genome=self.genome,
            loaded=self.loaded,
            statistics=self.statistics,
            tracks=self.tracks,
            selection=self.selection,
            device=self.device,
            batch_size=self.batch_size,
        )

    def _prepare(self, run: dict[str, Any]) -> None:
        """Makes sure that the finished parts belong to this run."""
        earlier = self.work.read_run() if self.settings.resume and self.work.finished() else None
        if earlier is not None and not (self.settings.overwrite and differences(earlier, run)):
            check_same(earlier, run, self.work.path)
            return
        self.work.clear(keep=() if self.vcf == self.settings.vcf else (INPUT_NAME,))
        self.work.write_run(run)

    def _already_done(self, record: dict[str, Any]) -> ScoreSummary:
        """The summary of a run that was resumed after its last file was in place."""
        counts = record["counts"]
        self.progress.start(counts["alleles_read"], counts["alleles_read"])
        self.progress.finish(counts["alleles_scored"], counts["alleles_skipped"])
        by_reason = {SkipReason(reason): n for reason, n in counts["skipped_by_reason"].items()}
        self.work.discard_at_exit()
        return ScoreSummary(counts["alleles_scored"], by_reason, 0, 0.0, self.paths.table, self.paths.skipped)


def _give_back_memory() -> None:
    """Frees unused memory, and returns to the system what the C library would keep of it."""
    gc.collect()  # the traced graph and the model refer to each other
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc
        library.malloc_trim(0)
