"""`annotate --vep-plugin`: scores as the VCF that the plugin Enformer of Ensembl's VEP reads.

The plugin (Enformer.pm of Ensembl/VEP_plugins, release 111 and later) takes each line apart by its columns. The contig
must begin with `chr`; INFO is cut at 'SAD', what comes before are the components, and of what follows the first value
is SAD and the second SAR. So the order of the fields matters, and there is one ALT in a line.
"""

import heapq
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from enformer_vep import __version__
from enformer_vep.errors import InputError, OutputError
from enformer_vep.io.bgzip import BgzipWriter
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.genome.contigs import known_chromosomes
from enformer_vep.io.tables.components import ComponentRows
from enformer_vep.io.tables.row_reader import side_by_side
from enformer_vep.io.tables.score_rows import ScoreRows
from enformer_vep.io.tracks.choice import TrackChoice
from enformer_vep.io.vcf.alleles import AlleleFields
from enformer_vep.io.vcf.annotations import SOURCE, encoded, numbers, quoted
from enformer_vep.io.vcf.tabix import VcfOrder, drop_index
from enformer_vep.run.annotate.course import about_line, find_scores, output_kind, places_of, write_index
from enformer_vep.run.progress import StopSignals
from enformer_vep.run.score_table import ScoreTable
from enformer_vep.wording import plural

STATISTICS = ("SAD", "SAR")
"""In the order in which the plugin expects them."""

_BATCH_SCORES = 1 << 22
_PREFIX = "chr"

_CHUNK_LINES = 200_000

Line = tuple[int, int, bytes]
"""Two numbers by which lines are sorted, and the line with its end; of equal ones, the first stays the first."""


@dataclass(frozen=True)
class PluginSettings:
    """The settings of `annotate --vep-plugin`.

    Attributes:
      vcf: the VCF that was scored.
      scores: the finished output of `score`, with SAD and SAR.
      out: the VCF to write.
      info: the tracks of which the strongest is taken, None for all.
      components: a table that `components` made of the scores, None for none.
      overwrite: whether an existing file is replaced.
    """

    vcf: str
    scores: str
    out: str
    info: TrackChoice | None = None
    components: str | None = None
    overwrite: bool = False


def write_plugin_vcf(settings: PluginSettings) -> str:
    """Writes a sorted and indexed VCF with a line for each scored allele.

    Returns:
      What was done, in one line.

    Raises:
      InputError: an input cannot be used, or the inputs do not belong together.
      EnformerVepError: the output cannot be written, or the run was stopped; nothing is left.
    """
    if output_kind(settings.out) != "vcf.gz":
        raise OutputError(f"cannot write {settings.out!r} for VEP's plugin: expected a name that ends in .vcf.gz")
    path = Path(settings.out)
    check_writable(path, overwrite=settings.overwrite)
    table = find_scores(settings.scores, settings.vcf, out=path, with_summaries=False)
    for statistic in STATISTICS:
        table.checked_statistic(statistic)
    components = None if settings.components is None else _components(settings.components, table)
    tracks = list(range(len(table.tracks.identifiers)))
    if settings.info is not None:
        tracks = places_of(table, settings.info)
    order = VcfOrder()
    num_lines = 0
    with StopSignals():
        with whole_file(path) as stream, SortedLines(path.parent) as lines:
            contigs: dict[str, int] = {}
            for fields, info in _rows(table, tracks, components):
                num_lines += len(fields)
                for line in _lines(fields, info, contigs):
                    lines.add(line)
            writer = BgzipWriter(stream)
            writer.write(_header(table, components, list(contigs)))
            for text in lines.read():
                contig, pos, _, ref, _ = text.split(b"\t", 4)
                order.see(contig, int(pos), len(ref))
                writer.write(text)
            writer.close()
            drop_index(path)
        index = write_index(path, order, "vcf.gz")
    where = f"{path}, indexed by {index.name}" if index else str(path)
    return f"wrote {plural(num_lines, 'allele')} for VEP's plugin Enformer: {where}"


def _components(path: str, table: ScoreTable) -> ComponentRows:
    rows = ComponentRows(path)
    if rows.scores != json.loads(json.dumps(replace(table.record, course=None).to_dict())):
        raise InputError(f"{path} has the components of other scores than {table.path}: make them of these scores")
    return rows


def _rows(
    table: ScoreTable, tracks: list[int], components: ComponentRows | None
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yields alleles with their INFO."""
    num_alleles = max(1, min(10_000, _BATCH_SCORES // (2 * len(tracks))))
    scores = ScoreRows(table.paths, table.settings, STATISTICS, tracks).read(AlleleFields._fields, num_alleles)
    identifiers = encoded(pa.array(table.tracks.identifiers, pa.string())).take(pa.array(tracks))
    if components is None:
        for fields, values in scores:
            yield fields, _info(values, identifiers, [])
        return
    names = (str(table.path), str(components.paths.table))
    for fields, values, of_alleles in side_by_side(scores, components.read(), names):
        yield fields, _info(values, identifiers, list(zip(components.names, of_alleles.T, strict=True)))


def _info(scores: npt.NDArray[np.float32], identifiers: pa.Array, components: list[tuple[str, Any]]) -> pa.Array:
    num_tracks = len(identifiers)
    sad, sar = scores[:, :num_tracks], scores[:, num_tracks:]
    rows = np.arange(len(scores))
    track = np.abs(sar).argmax(axis=1)  # SAR compares tracks of different scales, and SAD does not
    fields = [(name, _floats(column)) for name, column in components]
    fields += [("SAD", _floats(sad[rows, track])), ("SAR", _floats(sar[rows, track]))]
    fields.append(("TRACK", identifiers.take(pa.array(track))))
    texts = [pyarrow.compute.binary_join_element_wise(pa.repeat(name, len(rows)), text, "=") for name, text in fields]
    return pyarrow.compute.binary_join_element_wise(*texts, ";")


def _floats(column: npt.NDArray[np.float32]) -> pa.Array:
    text = numbers(column)
    return pyarrow.compute.if_else(pyarrow.compute.equal(text, ""), ".", text)


def _lines(fields: pa.RecordBatch, info: pa.Array, contigs: dict[str, int]) -> Iterator[Line]:
    """Yields the lines of alleles; new contigs are added to `contigs`, by whose order lines are sorted."""
    columns = [fields[name].to_pylist() for name in ("chrom", "pos", "id", "ref", "alt")]
    for chrom, pos, name, ref, alt, entries in zip(*columns, info.to_pylist(), strict=True):
        contig = _contig(_text(chrom))
        rank = contigs.setdefault(contig, len(contigs))
        line = (contig, str(pos), _text(name), _text(ref).upper(), _text(alt).upper(), ".", ".", entries)
        yield rank, pos, "\t".join(line).encode("utf-8", "surrogateescape") + b"\n"


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _contig(name: str) -> str:
    """Returns a contig's name as the plugin needs it: chr1 for 1, Chr1 and NC_000001.11."""
    name = _chromosomes().get(name, name)
    return _PREFIX + (name[len(_PREFIX) :] if name.lower().startswith(_PREFIX) else name)


@lru_cache(maxsize=1)
def _chromosomes() -> dict[str, str]:
    return {accession: each.name for each in known_chromosomes() for accession in each.accessions}


def _header(table: ScoreTable, components: ComponentRows | None, contigs: list[str]) -> bytes:
    described = dict.fromkeys(components.names, "Principal component of the scores of all tracks") if components else {}
    described |= {
        "SAD": "Enformer's SAD on TRACK: the sum over bins of alternate - reference",
        "SAR": "Enformer's SAR on TRACK: the sum over bins of log2(1 + alternate) - log2(1 + reference)",
    }
    lines = ["##fileformat=VCFv4.3", about_line(table, ",".join(STATISTICS))]
    lines += [
        f"##INFO=<ID={name},Number=1,Type=Float,Description={quoted(text)},Source={quoted(SOURCE)},"
        f"Version={quoted(__version__)}>"
        for name, text in described.items()
    ]
    lines.append(
        '##INFO=<ID=TRACK,Number=1,Type=String,Description="The track whose SAR is largest in magnitude, '
        'percent-encoded; the plugin does not read it">'
    )
    lines += [f"##contig=<ID={name}>" for name in contigs]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


class SortedLines:
    """Sorts more lines than the memory has room for, through temporary files. Used in a `with` block."""

    def __init__(self, folder: Path) -> None:
        """Chooses where temporary files are, which have as many bytes as the lines."""
        self._folder = folder
        self._waiting: list[Line] = []
        self._chunks: list[IO[bytes]] = []
        self._stack = ExitStack()

    def __enter__(self) -> "SortedLines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, line: Line) -> None:
        """Adds a line."""
        self._waiting.append(line)
        if len(self._waiting) >= _CHUNK_LINES:
            self._spill()

    def read(self) -> Iterator[bytes]:
        """Yields all lines, sorted; call it once."""
        if self._waiting:
            self._spill()
        merged = heapq.merge(*map(_spilled, self._chunks), key=_sort_key)
        return (line for _, _, line in merged)

    def _spill(self) -> None:
        chunk = self._stack.enter_context(tempfile.TemporaryFile(dir=self._folder, prefix=".enformer-vep-"))  # noqa: SIM115
        self._waiting.sort(key=_sort_key)
        chunk.writelines(b"%d\t%d\t%b" % line for line in self._waiting)
        self._chunks.append(chunk)
        self._waiting = []


def _sort_key(line: Line) -> tuple[int, int]:
    return line[:2]


def _spilled(chunk: IO[bytes]) -> Iterator[Line]:
    chunk.seek(0)
    for text in chunk:
        first, second, line = text.split(b"\t", 2)
        yield int(first), int(second), line
