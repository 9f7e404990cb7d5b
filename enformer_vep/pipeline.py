"""From a VCF to its scores: the one module that knows every stage."""

import ctypes
import gc
import logging
import os
import shutil
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from enformer_vep.assembly import check_assembly
from enformer_vep.engines import check_engine, make_engine, placement_of
from enformer_vep.errors import EnformerVepError, InputError, OutputError, SkipReason, VcfError
from enformer_vep.inference.device import plain_float32, prepare_device
from enformer_vep.inference.engine import Engine
from enformer_vep.io.fasta import Genome
from enformer_vep.io.outputs import OutputPaths
from enformer_vep.io.parts import INPUT_NAME, WorkFolder
from enformer_vep.io.results import ResultWriter, WholeFiles
from enformer_vep.io.run_record import file_identity, how_it_went, read_run_record, versions
from enformer_vep.io.selection import Selection
from enformer_vep.io.survey import survey_vcf
from enformer_vep.io.table import TableSettings
from enformer_vep.io.tracks import TrackTable, read_track_table, unnamed_tracks
from enformer_vep.io.vcf import STANDARD_INPUT, VcfReader
from enformer_vep.model.location import ModelLocation, locate_model
from enformer_vep.reference import ReferenceCodes
from enformer_vep.resume import check_same, check_work, differences
from enformer_vep.scorer import Scorer
from enformer_vep.scoring import parse_statistics
from enformer_vep.selected import check_selected
from enformer_vep.settings import ScoreSettings, ScoreSummary
from enformer_vep.shards import Shard
from enformer_vep.signals import StopSignals
from enformer_vep.verify import DEFAULT_TOLERANCE, Verification, verify
from enformer_vep.wording import did_you_mean

if TYPE_CHECKING:
    from enformer_vep.model.weights import LoadedModel

logger = logging.getLogger(__name__)

RUN_RECORD_FORMAT = 1

DEFAULT_PART_SIZE = {"CPU": 20, "GPU": 1000}
"""Alleles of a part: what a death of the program costs at most, some minutes of work."""

_VCF_SUFFIXES = (".vcf.gz", ".vcf.bgz", ".vcf", ".bcf")


def score_vcf(settings: ScoreSettings) -> ScoreSummary:
    """Scores every ALT allele of a VCF, and writes the table and what goes beside it.

    The work is done in parts, which are kept in OUT.parts until the table is whole. TensorFlow is imported when the
    rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input are unusable.
      EnformerVepError: the run failed, or was stopped. Finished parts are kept.
    """
    try:
        parse_statistics(settings.statistics)
    except ValueError as error:
        raise InputError(str(error)) from error
    check_engine(settings)
    location = locate_model(settings.model)
    paths = _output_paths(settings, location)
    paths.check(overwrite=settings.overwrite, resume=settings.resume)
    selection = Selection.from_options(
        settings.regions, pass_only=settings.pass_only, include_id_file=settings.include_id
    )
    with closing(Genome(settings.fasta)) as genome, StopSignals() as signals, WorkFolder(paths.work) as work:
        if paths.is_standard_output:
            work.remove()  # such a run cannot be resumed: its parts go with it, however it ends
        else:
            check_work(settings, paths, work)
        try:
            return _Run(settings, location, paths, selection, genome, signals, work).run()
        except EnformerVepError as error:
            if not paths.is_standard_output and (num_parts := len(work.finished())):
                message = f"{error}; {num_parts} finished parts are kept in {work.path}: --resume goes on from them"
                error.args = (message,)
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
    ) -> None:
        self.started = datetime.now(timezone.utc)
        self.settings = settings
        self.paths = paths
        self.selection = selection.with_names(genome.resolve)
        self.genome = genome
        self.signals = signals
        self.work = work
        self.statistics = parse_statistics(settings.statistics)
        self.shard = Shard.parse(settings.shard)
        self.vcf_name = "standard input" if settings.vcf == STANDARD_INPUT else settings.vcf
        self.vcf = _keep_piped_input(settings.vcf, work)
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
        self.tracks = _tracks(settings, self.loaded, location)
        self.batch_size = settings.batch_size or self.device.default_batch_size
        self.part_size = settings.part_size or DEFAULT_PART_SIZE[self.device.kind]
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
        """Runs the parts that are not finished, and puts all of them together."""
        identity = self._identity()
        shard = self.shard.record(self.survey.num_alleles)
        if self.settings.resume and self.paths.is_whole():
            # Also if it died when all was in place, and only its parts were still to be removed.
            record = read_run_record(self.paths.run)
            if not self.work.finished() or not differences(record, identity | shard):
                check_same(record, identity | shard, self.paths.run)
                return self._already_done(record)
        self._prepare(identity | shard | {"part_size": self.part_size})
        _notify(self.loaded, self.settings, self.tracks)
        first = time.perf_counter()
        num_new = self._run_parts()
        seconds = time.perf_counter() - first
        counts = self.engine.counts()
        went = {
            "paths": self._input_paths(),
            "alleles_of_earlier_runs": self.end - self.first - num_new,
            "transformer_passes": counts.transformer_passes,
            "tower_bins": {"computed": counts.tower_bins_computed, "reused": counts.tower_bins_reused},
            "batch_size_at_end": counts.batch_size,
            "device_name": self.device.description,
        }
        verification = self._verify()
        if verification:
            went["verification"] = verification.record(self._tolerance)
        del self.engine, self.scorer, self.loaded  # the table's row groups and columns need as much memory as the model
        _give_back_memory()
        table = TableSettings(self.statistics, self.tracks, self.settings.layout, self.settings.dtype)
        with WholeFiles(self.paths) as files:
            writer = ResultWriter(files, self.paths, table)
            for number in range(self._num_parts):
                writer.write(self.work.read_part(number))
            num_skipped = sum(writer.num_skipped.values())
            if writer.num_scored + num_skipped != self.end - self.first:
                raise EnformerVepError(
                    f"{self.end - self.first} alleles were read, but {writer.num_scored} scored and {num_skipped} "
                    f"skipped: did {self.vcf_name} change? If not, please report this fault of enformer-vep"
                )
            num_alleles = {
                "records": self.survey.num_records,
                "records_left_out": self.survey.num_records_left_out,
                "alleles_read": writer.num_scored + num_skipped,
                "alleles_scored": writer.num_scored,
                "alleles_skipped": num_skipped,
                "skipped_by_reason": {reason.value: n for reason, n in sorted(writer.num_skipped.items())},
                "float16_overflows": writer.num_overflowed,
            }
            run = identity | shard | {"counts": num_alleles}
            went |= how_it_went(self.started, seconds)
            with self.signals.shielded():
                writer.finish(run, run | {"command": self.settings.command} | went)
                self.work.remove()
        table_path = None if self.paths.is_standard_output else self.paths.table
        return ScoreSummary(
            writer.num_scored,
            writer.num_skipped,
            num_new,
            seconds,
            table_path,
            self.paths.skipped,
            str(verification) if verification else None,
        )

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
        quiet = True if self.settings.quiet else None  # None: silent if standard error is no terminal
        with (
            closing(VcfReader(self.vcf, self.selection, name=self.vcf_name)) as reader,
            tqdm(total=self.end - self.first, unit=" alleles", disable=quiet, file=sys.stderr) as bar,
        ):
            alleles = islice(reader, self.first, self.end)
            for number in range(self._num_parts):
                variants = list(islice(alleles, self.part_size))
                if number in finished:
                    bar.update(len(variants))
                    bar.unpause()
                    continue
                part = self.scorer.score(variants, done=bar.update)
                with self.signals.shielded():
                    self.work.write_part(number, part)
                num_new += len(variants)
        return num_new

    def _identity(self) -> dict[str, Any]:
        """What is run on what: the same wherever, whenever and in however many parts it is run."""
        return {
            "format": RUN_RECORD_FORMAT,
            "notice": self.loaded.notice,
            "versions": versions(),
            "vcf": file_identity(self.vcf),
            "fasta": file_identity(self.settings.fasta) | {"index": file_identity(self.genome.index_path)},
            "model": {
                "name": self.loaded.name,
                "index": file_identity(self.loaded.index_path),
                "format": self.loaded.file_format,
                "tensors_sha256": self.loaded.sha256,
                "is_published": self.loaded.is_published,
                "config": self.loaded.model.config.to_dict(),
            },
            "head": self.settings.head,
            "statistics": list(self.statistics),
            "tracks": self.tracks.record(),
            "selection": self.selection.record(),
            "placement": self.settings.window,
            "engine": self.settings.engine,
            "precision": self.settings.precision,
            "device": self.device.kind,
            "is_deterministic": self.device.kind == "CPU",
            "batch_size": self.batch_size,
            "layout": self.settings.layout,
            "dtype": self.settings.dtype,
        }

    def _input_paths(self) -> dict[str, str]:
        paths = {"vcf": self.settings.vcf, "fasta": self.settings.fasta, "model_index": str(self.loaded.index_path)}
        is_piped = self.vcf != self.settings.vcf
        return {name: path if name == "vcf" and is_piped else os.path.abspath(path) for name, path in paths.items()}

    def _prepare(self, run: dict[str, Any]) -> None:
        """Makes sure that the finished parts are those of this run."""
        earlier = self.work.read_run()
        if earlier is not None and self.work.finished() and self.settings.resume:
            check_same(earlier, run, self.work.path)
            return
        self.work.clear(keep=() if self.vcf == self.settings.vcf else (INPUT_NAME,))
        self.work.write_run(run)

    def _already_done(self, record: dict[str, Any]) -> ScoreSummary:
        """The summary of a run that was resumed after its last file was in place."""
        counts = record["counts"]
        by_reason = {SkipReason(reason): n for reason, n in counts["skipped_by_reason"].items()}
        self.work.remove()
        return ScoreSummary(counts["alleles_scored"], by_reason, 0, 0.0, self.paths.table, self.paths.skipped)


def _give_back_memory() -> None:
    """Frees what nothing needs any more, and lets the system have what the C library keeps of it."""
    gc.collect()  # the traced graph and the model refer to each other
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc
        library.malloc_trim(0)


def _keep_piped_input(vcf: str, work: WorkFolder) -> str:
    """Copies variants that can be read only once into the work folder; returns the path of what can be read again.

    Raises:
      VcfError: standard input is a terminal, or there is no such file.
    """
    if vcf != STANDARD_INPUT and (os.path.isfile(vcf) or os.path.isdir(vcf) or not os.path.exists(vcf)):
        return vcf
    if vcf == STANDARD_INPUT and (sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()):
        raise VcfError("standard input is a terminal: pipe a VCF into it, or name a file")
    copy = work.path / INPUT_NAME
    try:
        with copy.open("wb") as target:
            if vcf == STANDARD_INPUT:
                shutil.copyfileobj(sys.stdin.buffer, target)
            else:
                with open(vcf, "rb") as source:
                    shutil.copyfileobj(source, target)
    except OSError as error:
        raise EnformerVepError(f"cannot copy the variants to {copy}: {error.strerror}") from error
    return str(copy)


def _output_paths(settings: ScoreSettings, location: ModelLocation) -> OutputPaths:
    name = "stdin" if settings.vcf == STANDARD_INPUT else settings.vcf
    suffix = next((suffix for suffix in _VCF_SUFFIXES if name.endswith(suffix)), "")
    shard = f".{settings.shard.replace('/', '-of-')}" if settings.shard else ""
    stem = f"{name.removesuffix(suffix)}.{location.name}{shard}"
    if settings.out is None and settings.vcf == STANDARD_INPUT:
        raise OutputError("variants from standard input have no name to name the output by: give one with -o")
    # With '-', the files beside the table go to the working folder.
    paths = OutputPaths(settings.out or f"{stem}.parquet", default_stem=Path(stem).name)
    if paths.is_standard_output and settings.resume:
        raise OutputError("a run to standard output cannot be resumed: name a file with -o")
    if settings.layout == "list" and not paths.is_parquet:
        raise OutputError(f"layout list needs Parquet, {settings.out} is text: use wide or long")
    return paths


def _tracks(settings: ScoreSettings, loaded: "LoadedModel", location: ModelLocation) -> TrackTable:
    heads = loaded.model.config.heads
    if settings.head not in heads:
        raise InputError(
            f"no head {settings.head!r}: this model has {', '.join(heads)}{did_you_mean(settings.head, heads)}"
        )
    num_tracks = heads[settings.head]
    if track_table := settings.track_table or location.track_table_path(settings.head):
        tracks = read_track_table(str(track_table), settings.head, num_tracks)
    else:
        prefix = f"{loaded.name}_" if loaded.notice else ""
        tracks = unnamed_tracks(settings.head, num_tracks, prefix=prefix, description=loaded.notice or "")
    return tracks if settings.tracks is None else tracks.select(settings.tracks)


def _notify(loaded: "LoadedModel", settings: ScoreSettings, tracks: TrackTable) -> None:
    """Says what the user should know of the model and the tracks' names, once nothing is wrong with the command."""
    if loaded.notice:
        logger.warning("model %s: %s", loaded.name, loaded.notice)
    else:
        known = "the published Enformer" if loaded.is_published else "not the published Enformer"
        logger.info("weights: %s, %s by their checksums", loaded.index_path, known)
    if tracks.is_unnamed:
        names = f"{tracks.identifiers[0]} to {tracks.identifiers[-1]}"
        logger.info("no --track-table: tracks are named by head and number, %s", names)
