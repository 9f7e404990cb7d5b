"""`annotate` and `score --annotate`: finished scores as INFO of the VCF that was scored."""

import logging
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pysam

from enformer_vep import __version__
from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.vcf.annotated_bcf import annotate_bcf, check_convertible, convert
from enformer_vep.io.vcf.annotated_vcf import Annotated, annotate_text, checked_header
from enformer_vep.io.vcf.annotations import (
    ABOUT_KEY,
    ENFORMER,
    Annotations,
    Declarations,
    InfoField,
    structured_line,
    subfields,
    track_fields,
)
from enformer_vep.io.vcf.bcf import BCF_MAGIC
from enformer_vep.io.vcf.reader import STANDARD_INPUT
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.io.vcf.tabix import CSI, TBI, VcfOrder, drop_index, index_vcf
from enformer_vep.run.annotate.annotation_rows import AnnotationRows
from enformer_vep.run.identities import FileIdentity, identify_file
from enformer_vep.run.progress import StopSignals
from enformer_vep.run.score.opening import output_paths
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.run.settings import ScoreSettings
from enformer_vep.wording import option, plural

logger = logging.getLogger(__name__)

SUFFIXES = {".vcf": "vcf", ".vcf.gz": "vcf.gz", ".vcf.bgz": "vcf.gz", ".bcf": "bcf"}
"""The formats that can be written, by the end of a name."""


@dataclass(frozen=True)
class AnnotateSettings:
    """The settings of `annotate`.

    Attributes:
      vcf: the VCF that was scored.
      scores: the finished output of `score`.
      out: the VCF to write.
      info: the tracks that get fields of their own, None for none.
      statistic: the statistic whose scores are written; None for the run's first.
      overwrite: whether an existing file is replaced.
    """

    vcf: str
    scores: str
    out: str
    info: TrackChoice | None = None
    statistic: str | None = None
    overwrite: bool = False


def annotate_vcf(settings: AnnotateSettings) -> str:
    """Writes a VCF with the scores of its alleles in INFO.

    Returns:
      What was done, in one line.

    Raises:
      InputError: an input cannot be used, or the scores are those of another VCF.
      EnformerVepError: the VCF is damaged, or the output cannot be written, or the run was stopped; nothing is left.
    """
    kind = output_kind(settings.out)
    path = Path(settings.out)
    check_writable(path, overwrite=settings.overwrite)
    table = find_scores(settings.scores, settings.vcf, out=path, with_summaries=True)
    rows = _rows(table, settings)
    declarations = _declarations(rows)
    annotations = Annotations(rows.read(), is_complete=selects_all(table), name=settings.scores)
    with StopSignals():
        with whole_file(path) as stream:
            written = _write(settings.vcf, declarations, annotations, stream, kind)
            _check_complete(annotations, table)
            drop_index(path)  # which is that of the file that is replaced
        index = write_index(path, written.order, kind)
    if written.num_without_info:
        logger.warning(
            "%s of %s not annotated, as the column INFO is missing there",
            plural(written.num_without_info, "record"),
            path,
        )
    where = f"{path}, indexed by {index.name}" if index else str(path)
    return f"annotated {written.num_annotated:,} of {plural(written.num_records, 'record')}: {where}"


def plan_annotation(out: str, settings: ScoreSettings) -> AnnotateSettings:
    """Checks that the VCF of a run can be annotated with the scores that it will write.

    A run with --resume replaces the annotated VCF of an earlier run, and no other file.

    Args:
      out: the VCF to write.
      settings: the run.

    Returns:
      What `annotate_vcf` is to do when the run is finished.

    Raises:
      InputError: it cannot be annotated, or the output cannot be written.
    """
    kind = output_kind(out)
    vcf, paths = settings.inputs.vcf, output_paths(settings)
    if settings.inputs.shard is not None:
        raise InputError(
            f"{option('--annotate')} does not go with {option('--shard')}: use 'annotate' when the shards are merged"
        )
    if vcf == STANDARD_INPUT:
        raise InputError(f"{option('--annotate')} needs a VCF that is a file: standard input can be read only once")
    if paths.is_standard_output:
        raise InputError(f"{option('--annotate')} needs scores in a file: name one with {option('-o')}")
    if not is_bcf(vcf):
        checked_header(vcf)
        if kind == "bcf":
            check_convertible(vcf, kind)
    path = Path(out)
    if path.exists() and path.samefile(vcf):
        raise OutputError(f"{out} is the VCF itself: choose another output")
    is_replaced = settings.output.overwrite or (settings.output.resume and path.is_file() and is_annotated(out))
    check_writable(path, overwrite=is_replaced)
    return AnnotateSettings(vcf, str(paths.table), out, overwrite=is_replaced)


def is_annotated(path: str) -> bool:
    """Returns whether a file is a VCF or BCF that `annotate` wrote."""
    start = f"##{ABOUT_KEY}="
    try:
        if is_bcf(path):
            with pysam.VariantFile(path, drop_samples=True) as file:
                return start in str(file.header)
        with closing(VcfStream(path, path)) as stream:
            for line in stream.lines():
                if not line.startswith(b"##"):
                    return False
                if line.startswith(start.encode()):
                    return True
    except (InputError, OSError, ValueError):
        return False
    return False


def output_kind(out: str) -> str:
    """Returns the format of a VCF to be written, one of SUFFIXES' values.

    Raises:
      OutputError: the name has none of these endings.
    """
    for suffix, kind in SUFFIXES.items():
        if out.endswith(suffix):
            return kind
    raise OutputError(f"cannot tell the format of {out!r}: expected a name that ends in {', '.join(SUFFIXES)}")


def find_scores(scores: str, vcf: str, *, out: Path, with_summaries: bool) -> ScoreTable:
    """Opens finished scores, and checks that they are those of a VCF.

    Raises:
      InputError: the scores cannot be used, or are those of another VCF or of a shard, or OUT is one of both files.
    """
    if vcf == STANDARD_INPUT:
        raise InputError("the VCF cannot be read from standard input: name the file that was scored")
    is_bcf(vcf)  # which says what is wrong with a file that cannot be opened
    table = ScoreTable.find(scores, with_summaries=with_summaries)
    for path in (vcf, scores):
        if out.exists() and out.samefile(path):
            raise OutputError(f"{out} is {path} itself: choose another output")
    if shard := table.record.shard:
        raise InputError(
            f"{scores} is shard {shard.number} of {shard.of}: put all shards together with 'enformer-vep merge', and "
            "annotate with the result"
        )
    identity, scored = identify_file(vcf), table.record.identity.vcf
    if identity != scored:
        raise InputError(
            f"{scores} has the scores of another VCF: its run record has {_described(scored)}, and {vcf} has "
            f"{_described(identity)}; annotate the very file that was scored, or score this one"
        )
    return table


def places_of(table: ScoreTable, choice: TrackChoice) -> list[int]:
    """Returns the places in a table of the tracks of a choice.

    Raises:
      TrackError: one is not in the table.
    """
    place = {index: number for number, index in enumerate(table.tracks.indices)}
    return [place[index] for index in table.tracks.select(choice).indices]


def about_line(table: ScoreTable, statistic: str) -> str:
    """Returns the header line that says which scores a VCF has."""
    identity = table.record.identity
    about = {
        "ID": ENFORMER,
        "Version": __version__,
        "Model": identity.model.name,
        "Weights": identity.weights,
        "Head": identity.scoring.head,
        "Statistic": statistic,
        "Scores": f"{table.path.name} {identify_file(table.path).digest}",
    }
    if identity.notice:
        about["Notice"] = identity.notice
    return structured_line(ABOUT_KEY, about)


def selects_all(table: ScoreTable) -> bool:
    """Returns whether all records of the VCF were scored or skipped, and none was left out."""
    selection = table.record.identity.selection
    return not selection.num_regions and not selection.pass_only and selection.num_include_ids is None


def _described(identity: FileIdentity) -> str:
    return f"{plural(identity.bytes, 'byte')} with SHA-256 {identity.digest[:16]}"


def _rows(table: ScoreTable, settings: AnnotateSettings) -> AnnotationRows:
    statistic = table.checked_statistic(settings.statistic or table.record.identity.scoring.names[0])
    tracks: list[int] = []
    if settings.info is not None:
        if table.record.identity.output.summary == "only":
            raise InputError(
                f"{table.path} is a summary, which does not have the scores of every track: leave out "
                f"{option('--info')}, or score without {option('--summary-only')}"
            )
        tracks = places_of(table, settings.info)
    rows = AnnotationRows(table, statistic, tracks)
    rows.check_files()
    return rows


def _declarations(rows: AnnotationRows) -> Declarations:
    description = (
        f"Enformer's {rows.statistic} of each ALT allele: of each group of tracks the one whose score is largest in "
        "magnitude, its score, and the signed percentile of the score in a background. STATUS is scored, or why the "
        "allele was skipped; GENE is the gene in reach whose start changes most. "
        f"Format: {'|'.join(subfields(rows.groups))}"
    )
    chosen = rows.table.tracks.table.iloc[list(rows.tracks)]
    own = track_fields(rows.statistic, list(chosen["identifier"]), list(chosen["description"]), ENFORMER)
    fields = (InfoField(ENFORMER, "String", description), *own)
    return Declarations(fields, about_line(rows.table, rows.statistic), __version__)


def is_bcf(vcf: str) -> bool:
    """Returns whether a file begins as a BCF does.

    Raises:
      VcfError: it cannot be opened.
    """
    with closing(VcfStream(vcf, vcf)) as stream:
        return stream.start.startswith(BCF_MAGIC)


def _write(vcf: str, declarations: Declarations, annotations: Annotations, stream: BinaryIO, kind: str) -> Annotated:
    """Writes the annotated VCF, through a temporary file in the format of the input if OUT has another one."""
    annotate, own = (annotate_bcf, "bcf") if is_bcf(vcf) else (annotate_text, "vcf")
    if (own == "bcf") != (kind == "bcf"):
        out = Path(stream.name)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f"{out.name}.", suffix=f".{own}") as file:
            annotated = annotate(vcf, declarations, annotations, file.write)
            file.flush()
            convert(file.name, stream.name, kind, name=vcf)
        return annotated
    if kind == "vcf":
        return annotate(vcf, declarations, annotations, stream.write)
    writer = BgzipWriter(stream)
    annotated = annotate(vcf, declarations, annotations, writer.write)
    writer.close()
    return annotated


def _check_complete(annotations: Annotations, table: ScoreTable) -> None:
    counts = table.record.counts
    if annotations.num_alleles != counts.alleles_read:
        raise InputError(
            f"{table.path} has {plural(annotations.num_alleles, 'allele')} with the skipped ones, but its run record "
            f"says {counts.alleles_read:,}: use the table as it was written"
        )


def write_index(path: Path, order: VcfOrder, kind: str) -> Path | None:
    """Writes the index beside a whole file, or says why it has none; plain text has none.

    Raises:
      EnformerVepError: it cannot be written.
    """
    if kind == "vcf":
        return None
    if not order.is_sorted:
        logger.warning("%s has no index, as its records are not sorted: 'bcftools sort' sorts them", path)
        return None
    for suffix in (CSI,) if kind == "bcf" or order.is_long else (TBI, CSI):
        if index := index_vcf(path, suffix):
            return index
    logger.warning("%s has no index, as htslib cannot read all of its records", path)
    return None
