"""Reads the header of VCF text, and says of a file that has none what it is instead."""

from collections.abc import Iterator

from enformer_vep.errors import VcfError

COLUMNS = (b"#CHROM", b"POS", b"ID", b"REF", b"ALT", b"QUAL", b"FILTER", b"INFO")

_FIRST_LINE = b"##fileformat=VCF"
_EXPECTED = "expected a first line '##fileformat=VCFv4.x'"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUM_SHOWN = 60
_NOT_VCF = (
    (b">", "FASTA"),
    (b"BZh", "bzip2: run 'bunzip2' on it"),
    (b"PK\x03\x04", "zip: run 'unzip' on it"),
    (b"\xfd7zXZ", "xz: run 'unxz' on it"),
    (b"\x28\xb5\x2f\xfd", "zstd: run 'unzstd' on it"),
    (b"BAM\x01", "BAM"),
    (b"CRAM", "CRAM"),
)


def read_header(lines: Iterator[bytes], start: bytes, name: str) -> int:
    """Reads lines up to and with the #CHROM line.

    Args:
      lines: the lines of the file; those behind the header are left in it.
      start: the first bytes of the file, inflated.
      name: what messages call the file.

    Returns:
      The number of lines of the header.

    Raises:
      VcfError: it is the header of no VCF.
    """
    if start.startswith(_BYTE_ORDER_MARK):
        raise VcfError(f"{name} begins with a byte order mark: {_EXPECTED}; save it as UTF-8 without BOM")
    if b"\r" in start and b"\n" not in start:  # before a line is looked for, which would be all the file
        raise VcfError(
            f"{name} has carriage returns alone for line ends: expected line feeds; put them in with tr '\\r' '\\n'"
        )
    if start and not start.startswith(_FIRST_LINE):
        raise _not_vcf(start, name)
    num_lines = 0
    for line in lines:
        num_lines += 1
        if num_lines == 1 and not line.startswith(_FIRST_LINE):
            raise _not_vcf(line, name)
        if line.startswith(COLUMNS[0]):
            _check_columns(line, f"{name} line {num_lines}")
            return num_lines
        if line and not line.startswith(b"#"):
            raise VcfError(
                f"{name} line {num_lines}: expected a #CHROM line before the first record, found {show(line)}; is the "
                "header whole?"
            )
    if not num_lines:
        raise VcfError(f"{name} is empty: {_EXPECTED}")
    raise VcfError(f"{name} has no #CHROM line: expected one at the end of the header, found the file's end")


def _check_columns(line: bytes, where: str) -> None:
    columns = line.split(b"\t", len(COLUMNS))
    if len(columns) < len(COLUMNS):
        raise VcfError(
            f"{where}: expected a #CHROM line of at least {len(COLUMNS)} columns separated by tabs, found "
            f"{len(columns)}: {show(line)}; put tabs between the columns, here and in the records"
        )
    for expected, found in zip(COLUMNS, columns, strict=False):
        if expected != found:
            raise VcfError(f"{where}: expected column {expected.decode()}, found {show(found)}")


def _not_vcf(start: bytes, name: str) -> VcfError:
    for magic, kind in _NOT_VCF:
        if start.startswith(magic):
            return VcfError(f"{name} is not a VCF: {_EXPECTED}, found {kind}")
    first_line = start.split(b"\n", 1)[0]
    return VcfError(f"{name} is not a VCF: {_EXPECTED}, found {show(first_line)}")


def to_text(field: bytes) -> str:
    """Decodes a field; bytes that are no UTF-8 are kept as surrogates, to be written as they were."""
    return field.decode("utf-8", "surrogateescape")


def show(text: bytes) -> str:
    """Returns the start of bytes as it can be printed in one line."""
    return repr(to_text(text[:_NUM_SHOWN])) + ("..." if len(text) > _NUM_SHOWN else "")
