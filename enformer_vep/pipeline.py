"""From a VCF to its scores: the one module that knows every stage."""

import logging
import platform
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from enformer_vep import __version__
from enformer_vep.errors import EnformerVepError, InputError, OutputError, SkipReason
from enformer_vep.geometry import Geometry
from enformer_vep.inference.device import check_device_name, prepare_device
from enformer_vep.inference.engine import AllelePair, Engine
from enformer_vep.io.fasta import Genome
from enformer_vep.io.run_record import file_identity
from enformer_vep.io.table import OutputPaths, ResultWriter
from enformer_vep.io.tracks import TrackTable, read_track_table, unnamed_tracks
from enformer_vep.io.vcf import STANDARD_INPUT, VcfReader, count_alleles
from enformer_vep.model.location import OFFICIAL, ModelLocation, locate_model
from enformer_vep.scoring import parse_statistics, score
from enformer_vep.sequence import encode, place_alleles
from enformer_vep.variant import Interval, Variant, check_alleles
from enformer_vep.windows import CENTRED, Window, centred_window, max_allele_bp

if TYPE_CHECKING:
    from enformer_vep.inference.full import FullEngine
    from enformer_vep.model.weights import LoadedModel

logger = logging.getLogger(__name__)

RUN_RECORD_FORMAT = 1
RECORDED_PACKAGES = ("tensorflow", "dm-sonnet", "numpy", "pysam", "pyfaidx", "pyarrow")

_VCF_SUFFIXES = (".vcf.gz", ".vcf.bgz", ".vcf", ".bcf")


@dataclass(frozen=True)
class ScoreSettings:
    """What `score` is asked for.

    Attributes:
      vcf: the variants, '-' for standard input.
      fasta: the reference genome.
      out: OUT, '-' for text on standard output, None to name it by the VCF.
      model: a checkpoint's folder or prefix, a SavedModel's folder, or a name.
      head: the head to score.
      statistics: their names, separated by commas.
      track_table: the published table that names the tracks, None to name them by number.
      tracks: which tracks are wanted, None for all.
      batch_size: sequences that are run at a time, None for the device's default.
      device: 'cpu', 'gpu', 'gpu:N', None for the first GPU and else the CPU.
      precision: 'float32' or 'tf32'.
      overwrite: whether files that exist are replaced.
      quiet: whether there is no progress bar.
      command: the command line, for the run record.
    """

    vcf: str
    fasta: str
    out: str | None = None
    model: str = OFFICIAL
    head: str = "human"
    statistics: str = "SAD"
    track_table: str | None = None
    tracks: str | None = None
    batch_size: int | None = None
    device: str | None = None
    precision: str = "float32"
    overwrite: bool = False
    quiet: bool = False
    command: str = ""


@dataclass(frozen=True)
class ScoreSummary:
    """What a run came to.

    Attributes:
      num_scored: alleles scored.
      num_skipped: alleles skipped, by reason.
      seconds: time from the first allele to the last, without loading.
      table: the path of the scores, None if they went to standard output.
      skipped: the path of the table of skipped alleles.
    """

    num_scored: int
    num_skipped: dict[SkipReason, int]
    seconds: float
    table: Path | None
    skipped: Path

    def __str__(self) -> str:
        num_skipped = sum(self.num_skipped.values())
        text = f"scored {self.num_scored} of {self.num_scored + num_skipped} alleles in {self.seconds:.1f} s"
        if self.num_scored:
            text += f" ({self.seconds / self.num_scored:.2g} s per allele)"
        if num_skipped:
            reasons = ", ".join(f"{count} {reason.value}" for reason, count in sorted(self.num_skipped.items()))
            text += f"; skipped {num_skipped} ({reasons}), see {self.skipped}"
        return f"{text}; results: {self.table or 'standard output'}"


def score_vcf(settings: ScoreSettings) -> ScoreSummary:
    """Scores every ALT allele of a VCF, and writes the table and what goes beside it.

    Nothing is written unless all of it is. TensorFlow is imported when the rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input are unusable.
      EnformerVepError: the run failed.
    """
    started = datetime.now(timezone.utc)
    try:
        statistics = parse_statistics(settings.statistics)
    except ValueError as error:
        raise InputError(str(error)) from error
    check_device_name(settings.device)
    location = locate_model(settings.model)
    paths = _output_paths(settings, location)
    paths.check(overwrite=settings.overwrite)
    with closing(VcfReader(settings.vcf)) as reader, closing(Genome(settings.fasta)) as genome:
        device = prepare_device(settings.device, settings.precision)
        from enformer_vep.model.weights import load_model

        loaded = load_model(location)
        geometry = loaded.model.config.geometry
        tracks = _tracks(settings, loaded)
        batch_size = settings.batch_size or device.default_batch_size
        engine = _full_engine(loaded, settings.head, tracks, batch_size)
        _notify(loaded, settings, tracks)
        total = None if settings.quiet or not sys.stderr.isatty() else count_alleles(settings.vcf)
        first = time.perf_counter()
        with ResultWriter(paths, statistics, tracks) as writer:
            bar = tqdm(total=total, unit=" alleles", disable=None if not settings.quiet else True, file=sys.stderr)
            with bar:
                num_read = _score_alleles(reader, genome, geometry, engine, statistics, writer, bar)
            num_skipped = sum(writer.num_skipped.values())
            if num_read != writer.num_scored + num_skipped:
                raise EnformerVepError(
                    f"{num_read} alleles were read, but {writer.num_scored} scored and {num_skipped} skipped: "
                    "this is a fault of enformer-vep, please report it; nothing was written"
                )
            seconds = time.perf_counter() - first
            counts = {
                "records": reader.num_records,
                "alleles_read": num_read,
                "alleles_scored": writer.num_scored,
                "alleles_skipped": num_skipped,
                "skipped_by_reason": {reason.value: n for reason, n in sorted(writer.num_skipped.items())},
                "sequences_run": engine.num_sequences_run,
            }
            record = _what_was_run(settings, loaded, genome) | {
                "counts": counts,
                "num_tracks": len(tracks.identifiers),
                "device": device.description,
                "batch_size": batch_size,
                "started": started.isoformat(timespec="seconds"),
                "seconds_scoring": round(seconds, 3),
                "seconds_total": round((datetime.now(timezone.utc) - started).total_seconds(), 3),
                "peak_memory_bytes": _peak_memory_bytes(),
            }
            writer.finish(record)
    table = None if paths.is_standard_output else paths.table
    return ScoreSummary(writer.num_scored, writer.num_skipped, seconds, table, paths.skipped)


def _score_alleles(
    reader: VcfReader,
    genome: Genome,
    geometry: Geometry,
    engine: Engine,
    statistics: tuple[str, ...],
    writer: ResultWriter,
    bar: "tqdm[Any]",
) -> int:
    """Scores or skips every allele of the reader, in order; returns how many there were."""
    num_read = 0
    waiting: deque[Variant] = deque()

    def pairs() -> Iterator[AllelePair]:
        nonlocal num_read
        for variant in reader:
            num_read += 1
            contig = genome.resolve(variant.chrom)
            problem = check_alleles(variant, max_allele_bp(geometry)) or genome.check_variant(variant, contig)
            if problem or contig is None:
                assert problem is not None  # a contig that is not in the FASTA is a problem
                writer.write_skip(variant, *problem)
                bar.update()
                continue
            waiting.append(variant)
            yield allele_pair(variant, genome, centred_window(variant, contig, geometry))

    for predictions in engine.predict(pairs()):
        writer.write_scores(waiting.popleft(), score(predictions.reference, predictions.alternate, statistics))
        bar.update()
    return num_read


def allele_pair(variant: Variant, genome: Genome, window: Window) -> AllelePair:
    """Reads the window's reference and lays both alleles in it."""
    interval = window.interval
    num_more_bp = max(0, len(variant.ref) - len(variant.alt))
    region = encode(genome.fetch(Interval(interval.contig, interval.start, interval.end + num_more_bp)))
    reference, alternate = place_alleles(
        region,
        offset_bp=window.offset_bp,
        num_ref_bp=len(variant.ref),
        alternate=encode(variant.alt),
        length_bp=interval.length,
    )
    return AllelePair(window, reference, alternate)


def _output_paths(settings: ScoreSettings, location: ModelLocation) -> OutputPaths:
    name = "stdin" if settings.vcf == STANDARD_INPUT else settings.vcf
    suffix = next((suffix for suffix in _VCF_SUFFIXES if name.endswith(suffix)), "")
    stem = f"{name.removesuffix(suffix)}.{location.name}"
    if settings.out is None and settings.vcf == STANDARD_INPUT:
        raise OutputError("variants from standard input have no name to name the output by: give one with -o")
    # With '-', the files beside the table go to the working folder.
    return OutputPaths(settings.out or f"{stem}.parquet", default_stem=Path(stem).name)


def _notify(loaded: "LoadedModel", settings: ScoreSettings, tracks: TrackTable) -> None:
    """Says what the user should know of the model and the tracks' names, once nothing is wrong with the command."""
    if loaded.notice:
        logger.warning("model %s: %s", loaded.name, loaded.notice)
    else:
        known = "the published Enformer" if loaded.is_published else "not the published Enformer"
        logger.info("weights: %s, %s by their checksums", loaded.index_path, known)
    if settings.track_table is None:
        names = f"{tracks.identifiers[0]} to {tracks.identifiers[-1]}"
        logger.info("no --track-table: tracks are named by head and number, %s", names)


def _tracks(settings: ScoreSettings, loaded: "LoadedModel") -> TrackTable:
    heads = loaded.model.config.heads
    if settings.head not in heads:
        raise InputError(f"no head {settings.head!r}: this model has {', '.join(heads)}")
    num_tracks = heads[settings.head]
    if settings.track_table is not None:
        tracks = read_track_table(settings.track_table, settings.head, num_tracks)
    else:
        prefix = f"{loaded.name}_" if loaded.notice else ""
        tracks = unnamed_tracks(settings.head, num_tracks, prefix=prefix, description=loaded.notice or "")
    return tracks if settings.tracks is None else tracks.select(settings.tracks)


def _full_engine(loaded: "LoadedModel", head: str, tracks: TrackTable, batch_size: int) -> "FullEngine":
    from enformer_vep.inference.full import FullEngine

    is_whole_head = tracks.indices == list(range(loaded.model.config.heads[head]))
    return FullEngine(loaded.model, head, tracks=None if is_whole_head else tracks.indices, batch_size=batch_size)


def _what_was_run(settings: ScoreSettings, loaded: "LoadedModel", genome: Genome) -> dict[str, Any]:
    """The part of the run record that says what was run on what, and not how it went."""
    return {
        "format": RUN_RECORD_FORMAT,
        "notice": loaded.notice,
        "command": settings.command,
        "versions": _versions(),
        "vcf": file_identity(settings.vcf),
        "fasta": file_identity(settings.fasta) | {"index": file_identity(genome.index_path)},
        "model": {
            "name": loaded.name,
            "index": file_identity(loaded.index_path),
            "format": loaded.file_format,
            "tensors_sha256": loaded.sha256,
            "is_published": loaded.is_published,
            "config": loaded.model.config.to_dict(),
        },
        "head": settings.head,
        "statistics": list(parse_statistics(settings.statistics)),
        "placement": CENTRED,
        "engine": "full",
        "precision": settings.precision,
    }


def _versions() -> dict[str, str]:
    versions = {"enformer-vep": __version__, "python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            versions[package] = "unknown"
    return versions


def _peak_memory_bytes() -> int:
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes
