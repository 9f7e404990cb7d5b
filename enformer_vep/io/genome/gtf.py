"""Reads where genes start from a GTF: those of GENCODE, Ensembl and RefSeq, and others like them.

Only lines of transcripts are taken apart, or those of exons where a file has no transcripts: of a whole GENCODE file,
one line in fourteen. So it is read in seconds, line by line, and an error can name the line.
"""

import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from enformer_vep.errors import GeneError
from enformer_vep.genome.genes import FORWARD, REVERSE, Gene
from enformer_vep.io.bgzip import GZIP_MAGIC
from enformer_vep.io.genome.gene_choices import TRANSCRIPT_TAGS, TranscriptChoice
from enformer_vep.wording import cause, option, shortened

_NUM_COLUMNS = 9
_TRANSCRIPT, _EXON = b"transcript", b"exon"
_ATTRIBUTE = re.compile(rb'([^\s;"]+) +(?:"([^"]*)"|([^\s;"]+))')
_NAMES = (b"gene_name", b"gene")
"""Attributes with a gene's symbol: of GENCODE and Ensembl, and of RefSeq."""
_GFF3 = re.compile(rb"(?:ID|Parent|Name)=")


@dataclass(frozen=True)
class GtfGenes:
    """The genes of a GTF.

    Attributes:
      genes: the genes with at least one chosen transcript. Contigs have the names of the GTF.
      num_transcripts: all transcripts of the file, chosen or not.
      num_unstranded: those of them that are on no strand and so have no start; they are left out.
    """

    genes: tuple[Gene, ...]
    num_transcripts: int
    num_unstranded: int


@dataclass(slots=True)
class _Transcript:
    """A transcript as far as it was read: 1-based, both ends in."""

    gene: tuple[bytes, bytes, bytes]  # contig, strand, gene_id
    name: bytes
    start: int
    end: int
    is_chosen: bool


@dataclass(slots=True)
class _Starts:
    name: bytes
    tss: set[int] = field(default_factory=set)
    num_transcripts: int = 0
    start: int = sys.maxsize
    end: int = 0


def read_genes(path: str, transcripts: TranscriptChoice = "all") -> GtfGenes:
    """Reads the starts of the transcripts of a GTF, by gene.

    A transcript starts at its first base on the forward strand and at its last one on the reverse strand. A gene is a
    `gene_id` on one strand of one contig; RefSeq has genes of one identifier on both X and Y.

    Args:
      path: the file, plain or compressed with gzip or bgzip.
      transcripts: which transcripts count.

    Raises:
      GeneError: the file cannot be read, is not a GTF, or has no transcript of this choice.
    """
    if not Path(path).is_file():
        raise GeneError(f"no such file: {path}: expected a GTF, plain or compressed with gzip")
    tags = _tag_pattern(transcripts)
    try:
        all_transcripts = list(_read_transcripts(path, tags)) or _read_exons(path, tags)
    except (OSError, EOFError, zlib.error) as error:
        raise GeneError(f"{path} cannot be read: {cause(error)}") from error
    if not all_transcripts:
        raise GeneError(f"{path} has neither transcripts nor exons: expected a GTF with lines of 'transcript' features")
    if not any(transcript.is_chosen for transcript in all_transcripts):
        expected = " or ".join(f'tag "{tag}"' for tag in TRANSCRIPT_TAGS[transcripts])
        raise GeneError(
            f"{path} has no transcript with {expected}, which {option('--transcripts', transcripts)} asks for: use "
            f"{option('--transcripts', 'all')}, or a GTF with such tags"
        )
    starts: dict[tuple[bytes, bytes, bytes], _Starts] = {}
    num_unstranded = 0
    for transcript in all_transcripts:
        strand = transcript.gene[1].decode()
        if strand not in (FORWARD, REVERSE):
            num_unstranded += 1
        elif transcript.is_chosen:
            of_gene = starts.setdefault(transcript.gene, _Starts(transcript.name))
            of_gene.tss.add(transcript.start - 1 if strand == FORWARD else transcript.end - 1)
            of_gene.num_transcripts += 1
            of_gene.start, of_gene.end = min(of_gene.start, transcript.start - 1), max(of_gene.end, transcript.end)
    genes = tuple(_gene(*key, of_gene) for key, of_gene in starts.items())
    return GtfGenes(genes, len(all_transcripts), num_unstranded)


def _gene(contig: bytes, strand: bytes, gene_id: bytes, starts: _Starts) -> Gene:
    name, found_id = _text(starts.name or gene_id), _text(gene_id)
    tss, body = tuple(sorted(starts.tss)), (starts.start, starts.end)
    return Gene(found_id, name, _text(contig), _text(strand), tss, starts.num_transcripts, body)


def _tag_pattern(transcripts: TranscriptChoice) -> re.Pattern[bytes] | None:
    if transcripts == "all":
        return None
    return re.compile(rb'\btag +"(?:%s)"' % b"|".join(re.escape(tag.encode()) for tag in TRANSCRIPT_TAGS[transcripts]))


def _read_transcripts(path: str, tags: re.Pattern[bytes] | None) -> Iterator[_Transcript]:
    for number, fields in _lines(path, _TRANSCRIPT):
        yield _parse(path, number, fields, tags)[1]


def _read_exons(path: str, tags: re.Pattern[bytes] | None) -> list[_Transcript]:
    """Puts transcripts together from their exons, by gene and `transcript_id`."""
    transcripts: dict[tuple[object, bytes], _Transcript] = {}
    for number, fields in _lines(path, _EXON):
        transcript_id, exon = _parse(path, number, fields, tags)
        if not transcript_id:
            raise _malformed(path, number, 'the exon has no transcript_id "..." among its attributes')
        known = transcripts.setdefault((exon.gene, transcript_id), exon)
        known.start, known.end = min(known.start, exon.start), max(known.end, exon.end)
        known.is_chosen |= exon.is_chosen
    return list(transcripts.values())


def _lines(path: str, feature: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Yields the lines of a feature with their numbers, as columns; checks that every line has nine."""
    with _open(path) as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(b"#") or not line.strip():
                continue
            fields = line.split(b"\t", _NUM_COLUMNS - 1)
            if len(fields) < _NUM_COLUMNS:
                actual = f"found {len(fields)}: {shortened(_text(line.strip()))!r}"
                raise _malformed(path, number, f"expected {_NUM_COLUMNS} columns separated by tabs, {actual}")
            if fields[2] == feature:
                yield number, fields


def _open(path: str) -> BinaryIO:
    with open(path, "rb") as file:
        is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return cast("BinaryIO", gzip.open(path)) if is_compressed else open(path, "rb")


def _parse(path: str, number: int, fields: list[bytes], tags: re.Pattern[bytes] | None) -> tuple[bytes, _Transcript]:
    """Returns the transcript's identifier, empty if there is none, and the transcript."""
    contig, start, end, strand, text = fields[0], fields[3], fields[4], fields[6], fields[8]
    attributes = {name: quoted or plain for name, quoted, plain in _ATTRIBUTE.findall(text)}
    gene_id = attributes.get(b"gene_id")
    if not gene_id:
        hint = ": this looks like GFF3, which 'gffread -T' converts" if _GFF3.match(text) else ""
        raise _malformed(path, number, f'expected gene_id "..." among the attributes, found none{hint}')
    if not (start.isdigit() and end.isdigit() and 1 <= int(start) <= int(end)):
        raise _malformed(
            path, number, f"expected a start from 1 and an end not before it, found {_text(start)!r} and {_text(end)!r}"
        )
    if strand not in (b"+", b"-", b".", b"?"):
        raise _malformed(path, number, f"expected strand + or -, found {_text(strand)!r}")
    name = next((attributes[key] for key in _NAMES if attributes.get(key)), b"")
    is_chosen = tags is None or tags.search(text) is not None
    return attributes.get(b"transcript_id", b""), _Transcript(
        (contig, strand, gene_id), name, int(start), int(end), is_chosen
    )


def _malformed(path: str, number: int, problem: str) -> GeneError:
    return GeneError(f"{path} line {number}: not a line of a GTF: {problem}")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
