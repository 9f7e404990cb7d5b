"""Says why a VCF cannot be written as BCF: BCF has numbers where VCF has names, and a header must declare them."""

import re
from collections.abc import Iterator
from contextlib import closing

from enformer_vep.io.vcf.stream import VcfStream
from enformer_vep.wording import shortened

MAX_POS = 2**31 - 1
"""The last position that BCF can hold."""

# The first ID is the line's own: a description may have another.
_DECLARED = re.compile(r"##(contig|FILTER|INFO|FORMAT)=<(?:.*?,)??ID=([^,>]+)")
_FORMAT = 8


def bcf_fault(path: str) -> str:
    """Returns what keeps a VCF from being written as BCF, and what to do; empty if nothing was found.

    Args:
      path: a VCF, plain or compressed.
    """
    declared: dict[str, set[str]] = {"contig": set(), "FILTER": {"PASS", "."}, "INFO": {"."}, "FORMAT": {"."}}
    num_records = 0
    with closing(VcfStream(path, path)) as stream:
        for line in stream.lines():
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if text.startswith("#CHROM") and len(text.split("\t")) == _FORMAT + 1:
                return "its #CHROM line has FORMAT but no samples; remove that column"
            if text.startswith("#"):
                if match := _DECLARED.match(text):
                    declared[match[1]].add(match[2])
                continue
            num_records += 1
            if fault := _fault_of(text, declared, f"record {num_records}"):
                return fault
    return ""


def _fault_of(text: str, declared: dict[str, set[str]], name: str) -> str:
    """Returns what is wrong with a record, under the name that it has in messages; empty if nothing is."""
    columns = text.split("\t", _FORMAT + 1)
    columns += [""] * (_FORMAT + 1 - len(columns))
    for kind, key in _keys(columns):
        if key not in declared[kind]:
            return f"its header does not declare {kind} {shortened(key)} ({name}); declare it"
    if columns[1].isdigit() and int(columns[1]) > MAX_POS:
        return f"{name} has POS {shortened(columns[1])}, and BCF has positions up to {MAX_POS:,}; leave it out"
    keys = columns[_FORMAT].split(":")
    for key in keys:
        if keys.count(key) > 1:
            return f"{name} has FORMAT {shortened(key)} more than once; keep one"
    return ""


def _keys(columns: list[str]) -> Iterator[tuple[str, str]]:
    """Yields what a record has that a header must declare, with its kind."""
    yield "contig", columns[0]
    for kind, column, separator in (("FILTER", 6, ";"), ("INFO", 7, ";"), ("FORMAT", _FORMAT, ":")):
        yield from ((kind, entry.split("=", 1)[0]) for entry in columns[column].split(separator) if entry)
