import gzip
import os
import random
import struct
import threading
import tracemalloc
import zlib
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enformer_vep.errors import DamagedVcfError, VcfError
from enformer_vep.io.vcf.stream import END_BLOCK, VcfStream

LINES = [b"first", b"", b"a\tb", b"x" * 300_000, b"last"]


def block(data: bytes, level: int = 6) -> bytes:
    """A bgzip block, as hts-specs SAMv1 4.1 lays it out."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    size = 18 + len(body) + 8
    header = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, size - 1)
    return header + body + struct.pack("<II", zlib.crc32(data), len(data))


def bgzip(data: bytes, block_bytes: int = 60_000) -> bytes:
    return b"".join(block(data[at : at + block_bytes]) for at in range(0, len(data), block_bytes)) + END_BLOCK


def read(path: Path, content: bytes) -> list[bytes]:
    path.write_bytes(content)
    with closing(VcfStream(str(path), "NAME")) as stream:
        return list(stream.lines())


COMPRESSIONS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip members": lambda data: gzip.compress(data[:7]) + gzip.compress(b"") + gzip.compress(data[7:]),
    "bgzip": bgzip,
    "bgzip joined": lambda data: bgzip(data[:11]) + bgzip(data[11:]),
    "bgzip, then gzip": lambda data: bgzip(data[:11]) + gzip.compress(data[11:]),
}


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("has_final_end", [True, False])
def test_lines(compress, line_end: bytes, has_final_end: bool, tmp_path: Path) -> None:
    data = line_end.join(LINES) + line_end * has_final_end
    assert read(tmp_path / "any.name", compress(data)) == LINES


@given(st.lists(st.binary(max_size=40).map(lambda line: line.translate(None, b"\r\n")), max_size=20), st.data())
def test_lines_are_those_that_were_joined(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], data) -> None:
    compress = data.draw(st.sampled_from(sorted(COMPRESSIONS)))
    line_ends = data.draw(st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=len(lines), max_size=len(lines)))
    content = b"".join(map(bytes.__add__, lines, line_ends))
    if compress == "plain" and content.startswith(b"\x1f\x8b"):
        return
    assert read(tmp_path_factory.getbasetemp() / "lines", COMPRESSIONS[compress](content)) == lines


def test_a_return_and_a_feed_in_two_chunks(tmp_path: Path) -> None:
    assert read(tmp_path / "a", b"x" * 65_535 + b"\r\nsecond\r\n") == [b"x" * 65_535, b"second"]


def test_empty_files(tmp_path: Path) -> None:
    for content in (b"", gzip.compress(b""), END_BLOCK):
        assert read(tmp_path / "a", content) == []


DAMAGE = {
    "gzip cut": (gzip.compress(bytes(range(256)) * 9)[:-20], "cut short"),
    "gzip cut in its checksum": (gzip.compress(b"line\n")[:-1], "cut short"),
    "gzip cut in its header": (gzip.compress(b"line\n")[:7], "cut short"),
    "gzip cut in the second member's magic": (gzip.compress(b"line\n") + b"\x1f", "cut short"),
    "bgzip cut in a block": (bgzip(b"line\n" * 99)[:40], "cut short"),
    "bgzip cut in its last block": (bgzip(b"line\n")[:-3], "cut short"),
    "bgzip without its last block": (block(b"line\n"), "empty last block"),
    "two without a last block": (bgzip(b"line\n") + block(b"line\n"), "empty last block"),
    "gzip with a wrong checksum": (gzip.compress(b"line\n")[:-8] + bytes(8), "is damaged"),
    "gzip of no known method": (b"\x1f\x8b\x07" + bytes(40), "is damaged"),
    "bgzip with a wrong checksum": (block(b"line\n")[:-8] + bytes(8) + END_BLOCK, "is damaged"),
    "a block that is too large": (block(b"line\n" * 20_000) + END_BLOCK, "holds more than 65536 bytes"),
    "text after the end": (bgzip(b"line\n") + b"more", "not gzip follow at byte 61"),
    "zeros after the end": (gzip.compress(b"line\n") + bytes(512), "not gzip follow at byte 25"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedVcfError, match=message) as caught:
        read(tmp_path / "a", content)
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith("NAME ")


def test_every_flipped_bit_of_a_block_is_found(tmp_path: Path) -> None:
    whole = bgzip(b"chr1\t5\t.\tA\tC\n" * 5)
    for at in range(len(whole) * 8):
        content = bytearray(whole)
        content[at // 8] ^= 1 << at % 8
        try:
            lines = read(tmp_path / "a", bytes(content))
        except DamagedVcfError:
            continue
        # What no checksum covers: the time, the flags of the compressor, the block's size and that it is a block; and
        # the magic, without which it is a plain file that does not begin as a VCF does.
        assert lines == [b"chr1\t5\t.\tA\tC"] * 5 or at < 16


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b", block(b"line\n"), END_BLOCK]))
def test_any_bytes_are_lines_or_damage(tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes) -> None:
    with suppress(DamagedVcfError):
        read(tmp_path_factory.getbasetemp() / "any", start + data)


def test_nothing_of_a_damaged_block_is_yielded(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(block(b"1\n2\n3") + block(b"3\n4\n")[:-8] + bytes(8) + END_BLOCK)
    with closing(VcfStream(str(tmp_path / "a"), "NAME")) as stream:
        found = stream.lines()
        assert [next(found), next(found)] == [b"1", b"2"]
        with pytest.raises(DamagedVcfError):
            next(found)


def test_lines_from_a_virtual_offset(tmp_path: Path) -> None:
    first = block(b"1\n2\n3")
    (tmp_path / "a").write_bytes(first + block(b"3\n4\n") + END_BLOCK)
    with closing(VcfStream(str(tmp_path / "a"), "NAME")) as stream:
        assert stream.has_end_block()
        assert list(stream.lines_from(2)) == [b"2", b"33", b"4"]
        assert list(stream.lines_from(len(first) * 65_536 + 2)) == [b"4"]
        with pytest.raises(DamagedVcfError, match="no line begins at 0x1,"):
            stream.lines_from(1)
        with pytest.raises(DamagedVcfError):
            stream.lines_from(5 * 65_536)
        with pytest.raises(DamagedVcfError):
            stream.lines_from(2**64 - 1)  # found by tests/fuzz_vcf.py: no file has such a place


def test_looking_for_the_end_does_not_disturb_reading(tmp_path: Path) -> None:
    line = random.Random(1).randbytes(199_999).replace(b"\n", b"x") + b"x"  # no LF, and no CR that would be its end's
    (tmp_path / "a").write_bytes(bgzip(line + b"\n"))
    with closing(VcfStream(str(tmp_path / "a"), "NAME")) as stream:
        assert stream.has_end_block()
        assert list(stream.lines()) == [line]


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = bgzip(b"1\n2\n" * 50_000)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    with closing(VcfStream(str(tmp_path / "pipe"), "NAME")) as stream:
        assert not stream.is_regular
        assert list(stream.lines()) == [b"1", b"2"] * 50_000
    writer.join()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b"chr1\t5\t.\tA\tC\t.\t.\t.\n" * 1_000_000, 1))  # 20 MB
    with closing(VcfStream(str(tmp_path / "a"), "NAME")) as stream:
        tracemalloc.start()
        num_lines = sum(1 for _ in stream.lines())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert num_lines == 1_000_000
    assert peak < 4_000_000


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    for path, message in (
        (str(tmp_path / "none"), "no such file: NAME"),
        (str(tmp_path), "NAME is a folder"),
        (str(tmp_path / ("x" * 300)), "cannot be opened"),
        ("a\0b", "cannot be opened"),
        ("", "no such file"),
    ):
        with pytest.raises(VcfError, match=message) as caught:
            VcfStream(path, "NAME")
        assert caught.value.exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_permission(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0)
    with pytest.raises(VcfError, match="permission denied"):
        VcfStream(str(tmp_path / "a"), "NAME")
