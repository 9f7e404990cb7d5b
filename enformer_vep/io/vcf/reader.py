"""Reads variants from VCF text, plain or compressed with gzip or bgzip, from tables and lists without header, and BCF.

Only the first columns of a line of text are read. htslib would also parse INFO and the genotypes, and refuse a file
for errors in columns on which no score depends.

A survey reads a file once from end to end, before anything slow starts: its content, and a sample of its alleles.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.genome.variant import MISSING, Variant, check_alleles
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.io.vcf.bcf import BCF_MAGIC, BcfFile
from enformer_vep.io.vcf.header import is_rs_id, read_header, show, split_variant, to_text
from enformer_vep.io.vcf.selection import Selection
from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.io.vcf.tabix import IndexedContig, TabixIndex, find_index, index_fits
from enformer_vep.wording import plural

STANDARD_INPUT = "-"

MAX_POS = 1 << 53
"""The largest position: tools that read tables may not represent larger numbers exactly."""

_NUM_READ_COLUMNS = 5
_NUM_FILTER_COLUMNS = 7
_HEADER_BYTE = ord("#")
_MAX_POS_DIGITS = len(str(MAX_POS))
_INTEGER_START = re.compile(rb"\s*[+-]?\d{1,18}")
_SORTED_POS = re.compile(rb"[1-9]\d{0,17}")  # tabix takes 010 for octal, and sorts it as 8


class VcfReader:
    """The alleles of a VCF or BCF: an iterator that is used once. INFO and genotypes are not read.

    Attributes:
      name: the file's name in messages.
      num_records: records read so far, whether selected or not. Blank lines and lines that begin with '#' are not
        records. Records that an index allows the reader to skip count as read.
      num_alleles: alleles read so far, those before the first that is wanted included.
      notice: a sentence on what the file lacks; empty if it has a VCF header.
    """

    def __init__(
        self, path: str, selection: Selection | None = None, *, name: str | None = None, first_allele: int = 0
    ) -> None:
        """Opens a file and reads its header.

        Args:
          path: the file. It may be a pipe, which is read once.
          selection: which records are wanted; None for all.
          name: the file's name in messages, by default its path.
          first_allele: the first allele that is yielded, counted from 0 among those of the selected records. The
            records before it are counted, and hardly looked at.

        Raises:
          VcfError: it cannot be opened, or is not a VCF or BCF.
          DamagedVcfError: it is cut short or damaged in its header.
        """
        self.name = path if name is None else name
        self.num_records = 0
        self.num_alleles = 0
        self._num_skipped = first_allele
        self._stops_at_contig = False
        self._num_selected = 0
        self._selection = None if selection is None or selection.selects_all else selection
        self._index: TabixIndex | None = None
        self.notice = ""
        self._num_header_lines = 0
        self._num_lines = 0
        self._is_list = False
        self._contigs: set[str] = set()
        self._bcf: BcfFile | None = None
        self._stream = VcfStream(path, self.name)
        try:
            if self._stream.start.startswith(BCF_MAGIC):
                self._bcf = BcfFile(path, self._stream)
                self._contigs.update(self._bcf.contigs)
            else:
                if self._selection is not None and self._selection.regions:
                    self._index = find_index(path, self._stream)
                header = read_header(self._stream.lines(), self._stream.start, self.name)
                self._lines, self._num_header_lines = header.rest, header.num_lines
                self._is_list, self.notice = header.is_list, header.notice
                self._contigs.update(header.contigs)
                self._drop_unfit_index(path)
        except VcfError:
            self.close()
            raise

    @property
    def num_records_left_out(self) -> int:
        """Records so far that the selection excludes."""
        return self.num_records - self._num_selected

    @property
    def contigs(self) -> frozenset[str]:
        """The contigs that the file declares, and those of the records that were read or skipped with an index."""
        return frozenset(self._contigs)

    def __iter__(self) -> Iterator[VcfAllele]:
        """Yields every ALT allele of every selected record, in the file's order, from `first_allele` on.

        A record without ALT gives one allele, '.'. A line that is not a record gives one too, which says what is wrong
        with it. The selection excludes such a line only if its place can be read and lies outside the regions.

        Raises:
          DamagedVcfError: the file is cut short or damaged; what was read before that place has been yielded.
        """
        alleles = self._iterate_text() if self._bcf is None else self._iterate_bcf(self._bcf)
        try:
            yield from alleles
        except DamagedVcfError as error:
            num_read = plural(self.num_records, "record")
            raise DamagedVcfError(f"{error}; {num_read} before this place could be read") from error

    def skip_to(self, number: int) -> None:
        """Skips the alleles up to the `number`-th, counted from 1, or up to the next contig if that comes first.

        They are counted, and hardly looked at. It may be called while the alleles are iterated over.
        """
        self._num_skipped = number - 1
        self._stops_at_contig = True

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()
        if self._bcf is not None:
            self._bcf.close()

    def _drop_unfit_index(self, path: str) -> None:
        if self._index is None:
            return
        first_line = next(self._lines, None)
        if first_line is not None:
            self._lines = chain([first_line], self._lines)
        with closing(VcfStream(path, self.name)) as stream:
            if not index_fits(self._index, first_line, stream):
                self._index = None

    def _wanted_contigs(self, index: TabixIndex) -> list[IndexedContig]:
        selection = self._selection
        return [contig for contig in index.contigs if selection and selection.last_end(contig.name) is not None]

    def _iterate_text(self) -> Iterator[VcfAllele]:
        selection = self._selection
        num_columns = _NUM_FILTER_COLUMNS if selection and selection.pass_only else _NUM_READ_COLUMNS
        self._num_lines = self._num_header_lines
        last_contig = b""
        for line in self._lines if self._index is None else self._indexed_lines(self._index):
            self._num_lines += 1
            if not line or line[0] == _HEADER_BYTE:  # a header among the records: two files were joined
                continue
            if self._is_list and not line.strip():
                continue
            record = self.num_records
            self.num_records = record + 1
            if not self._is_list:
                fields = line.split(b"\t", num_columns)
            elif (variant := split_variant(line)) is not None:
                fields = variant
            else:
                self._num_selected += 1
                self.num_alleles += 1
                if self.num_alleles > self._num_skipped:
                    yield _no_variant(line.strip(), record, self._num_lines)
                continue
            if fields[0] != last_contig and len(fields) > 1:
                last_contig = fields[0]
                self._contigs.add(to_text(last_contig))
                if self._stops_at_contig:
                    self._num_skipped = 0
            pos = _read_pos(fields[1]) if len(fields) >= _NUM_READ_COLUMNS and fields[0] and fields[3] else None
            if pos is None:
                if selection is None or _may_lie_within(selection, fields):
                    self._num_selected += 1
                    self.num_alleles += 1
                    if self.num_alleles > self._num_skipped:
                        yield _malformed(fields, record, self._num_lines)
                continue
            if selection is not None:
                filters = to_text(fields[6]) if selection.pass_only and len(fields) > 6 else MISSING
                if not selection.keeps(to_text(fields[0]), pos, to_text(fields[3]), to_text(fields[2]), filters):
                    continue
            self._num_selected += 1
            num_alts = fields[4].count(b",") + 1
            if self.num_alleles + num_alts <= self._num_skipped:
                self.num_alleles += num_alts
                continue
            chrom, name, ref, alts = to_text(fields[0]), to_text(fields[2]), to_text(fields[3]), to_text(fields[4])
            for allele, alt in enumerate(alts.split(","), start=1):
                self.num_alleles += 1
                if self.num_alleles > self._num_skipped:
                    yield VcfAllele(Variant(chrom, pos, ref, alt), record, allele, name)

    def _indexed_lines(self, index: TabixIndex) -> Iterator[bytes]:
        """Yields the lines of the contigs that have regions, and counts the records and lines that are skipped."""
        assert self._selection is not None
        self._contigs.update(contig.name for contig in index.contigs)
        for contig in self._wanted_contigs(index):
            self.num_records = contig.first_record
            self._num_lines = self._num_header_lines + contig.first_record  # a file with blank lines has no index
            end_record = contig.first_record + contig.num_records
            end = self._selection.last_end(contig.name) or 0
            start_of_line = contig.name.encode("utf-8", "surrogateescape") + b"\t"
            for line in self._stream.lines_from(contig.offset):
                if line and line[0] != _HEADER_BYTE:
                    if (self.num_records < end_record) != line.startswith(start_of_line):
                        raise self._unfit_index(contig)
                    if self.num_records == end_record:
                        break
                    place = _SORTED_POS.match(line, len(start_of_line))
                    if place and int(place[0]) > end:
                        break
                yield line
            else:
                if self.num_records != end_record:
                    raise self._unfit_index(contig)
        self.num_records = index.num_records

    def _unfit_index(self, contig: IndexedContig) -> DamagedVcfError:
        return DamagedVcfError(
            f"{self.name} does not match its index: expected {plural(contig.num_records, 'record')} of {contig.name}, "
            f"found a difference after {self.num_records - contig.first_record}; index it again, or remove the index"
        )

    def _iterate_bcf(self, bcf: BcfFile) -> Iterator[VcfAllele]:
        selection = self._selection
        last_contig = ""
        for chrom, pos, name, ref, alts, filters in bcf.records():
            if chrom != last_contig:
                last_contig = chrom
                if self._stops_at_contig:
                    self._num_skipped = 0
            record = self.num_records
            self.num_records = record + 1
            if selection is not None and not selection.keeps(chrom, pos, ref, name, filters):
                continue
            self._num_selected += 1
            for allele, alt in enumerate(alts, start=1):
                self.num_alleles += 1
                if self.num_alleles > self._num_skipped:
                    yield VcfAllele(Variant(chrom, pos, ref, alt), record, allele, name)


def _read_pos(field: bytes) -> int | None:
    """Returns a position; None if it is not a whole number from 0 to MAX_POS. int() alone would accept ' +1_0'."""
    if not field.isdigit():
        return None
    if len(field) > _MAX_POS_DIGITS:
        field = field.lstrip(b"0") or b"0"
        if len(field) > _MAX_POS_DIGITS:
            return None
    pos = int(field)
    return pos if pos <= MAX_POS else None


def _may_lie_within(selection: Selection, fields: list[bytes]) -> bool:
    """Returns whether a malformed line may be one of the selected records: it may, unless its place lies elsewhere.

    If its place can be read, an index has it too; so the same lines are found with and without an index.
    """
    match = _INTEGER_START.match(fields[1]) if len(fields) > 1 and fields[0] else None
    return match is None or selection.overlaps(to_text(fields[0]), int(match[0]) - 1, int(match[0]))


def _malformed(fields: list[bytes], record: int, line_number: int) -> VcfAllele:
    """Returns what can be read of a line that is not a record, and everything that is wrong with it."""
    problems = []
    if len(fields) < _NUM_READ_COLUMNS:
        problems.append(f"expected at least {_NUM_READ_COLUMNS} columns separated by tabs, found {len(fields)}")
    chrom, pos_text, name, ref, alt = [*fields, *[None] * _NUM_READ_COLUMNS][:_NUM_READ_COLUMNS]
    pos = None if pos_text is None else _read_pos(pos_text)
    if not chrom:
        problems.append("CHROM is empty")
    if pos_text is not None and pos is None:
        problems.append(f"POS is {show(pos_text)}, expected a whole number from 0 to {MAX_POS}")
    if ref is not None and not ref:
        problems.append("REF is empty")
    chrom_text, name_text, ref_text, alt_text = (to_text(field or b".") for field in (chrom, name, ref, alt))
    detail = f"line {line_number} is not a VCF record: {'; '.join(problems)}"
    return VcfAllele(Variant(chrom_text, pos or 0, ref_text, alt_text), record, 1, name_text, detail)


def _no_variant(line: bytes, record: int, line_number: int) -> VcfAllele:
    """Returns an allele for a line of a list that is not a variant: the line as ID, and what was expected.

    White space in it is one space, as the ID is going to be a field of tab-separated text.
    """
    detail = f"line {line_number} is not a variant: expected CHROM:POS:REF:ALT, found {show(line)}"
    if is_rs_id(line):
        detail += "; an rsID gives neither a position nor alleles"
    return VcfAllele(Variant(MISSING, 0, MISSING, MISSING), record, 1, " ".join(to_text(line).split()), detail)


@dataclass(frozen=True)
class Survey:
    """The result of one pass over a file.

    Attributes:
      num_records: all records of the file.
      num_alleles: alleles of the selected records.
      num_records_left_out: records that the selection leaves out.
      sample: some of the selected alleles that are plain sequences, spread evenly over the file.
      contigs: the contigs that the file declares, and those of its records, selected or not.
      plain_contigs: the contigs of the selected alleles that are plain sequences.
      notice: a sentence on what the file lacks; empty if it has a VCF header.
    """

    num_records: int
    num_alleles: int
    num_records_left_out: int
    sample: tuple[Variant, ...]
    contigs: frozenset[str] = frozenset()
    plain_contigs: frozenset[str] = frozenset()
    notice: str = ""


def survey_vcf(
    path: str, selection: Selection | None = None, *, name: str | None = None, sample_size: int = 1000
) -> Survey:
    """Reads a file from end to end, counts its records, and keeps an evenly spread sample of its plain alleles.

    Every plain allele is kept at first, then one of every 2, 4, 8 and so on, as the file turns out to be longer. Most
    alleles between them are only counted.

    Args:
      path: the file.
      selection: which records are wanted; None for all.
      name: the file's name in messages, by default its path.
      sample_size: the largest number of alleles that are kept; from a large file, more than half as many are.

    Raises:
      VcfError: it cannot be read to its end.
    """
    sample: list[Variant] = []
    plain_contigs: set[str] = set()
    stride = next_sampled = 1
    with closing(VcfReader(path, selection, name=name)) as reader:
        for allele in reader:
            if not _is_plain(allele):
                continue
            plain_contigs.add(allele.variant.chrom)
            if reader.num_alleles >= next_sampled:
                sample.append(allele.variant)
                next_sampled = reader.num_alleles + stride
                if len(sample) > sample_size:
                    next_sampled += stride if len(sample) % 2 else 0  # or the newest is dropped
                    del sample[1::2]
                    stride *= 2
            reader.skip_to(next_sampled)
        return Survey(
            reader.num_records,
            reader.num_alleles,
            reader.num_records_left_out,
            tuple(sample),
            reader.contigs,
            frozenset(plain_contigs),
            reader.notice,
        )


def survey_alleles(alleles: Sequence[VcfAllele], *, sample_size: int = 1000) -> Survey:
    """Returns the survey of a file with these alleles of whole records, none of them left out."""
    plain = [allele.variant for allele in alleles if _is_plain(allele)]
    sample = tuple(plain[:: -(-len(plain) // sample_size) or 1])
    contigs = frozenset(allele.variant.chrom for allele in alleles)
    num_records = len({allele.record for allele in alleles})
    return Survey(num_records, len(alleles), 0, sample, contigs, frozenset(variant.chrom for variant in plain))


def _is_plain(allele: VcfAllele) -> bool:
    return not allele.malformed and check_alleles(allele.variant, sys.maxsize) is None
