import gzip
import io
import random
from pathlib import Path

import pysam
import pytest

from enformer_vep.io.bgzip import BLOCK_BYTES, BgzipWriter
from enformer_vep.io.vcf.stream import END_BLOCK, VcfStream


def compress(*pieces: bytes) -> bytes:
    stream = io.BytesIO()
    writer = BgzipWriter(stream)
    for piece in pieces:
        assert writer.write(piece) == len(piece)
    writer.close()
    assert not stream.closed
    return stream.getvalue()


@pytest.mark.parametrize("num_bytes", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 5])
@pytest.mark.parametrize("is_random", [True, False])
def test_what_is_written_is_read_back(num_bytes: int, is_random: bool, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(num_bytes) if is_random else b"chr1\t100\n" * (num_bytes // 9)
    path = tmp_path / "a.gz"
    path.write_bytes(compress(content))
    assert gzip.decompress(path.read_bytes()) == content
    with pysam.BGZFile(str(path)) as file:
        assert file.read(len(content) + 1) == content
    stream = VcfStream(str(path), str(path))
    assert (stream.is_bgzip, stream.has_end_block()) == (True, True)
    stream.close()


def test_the_bytes_do_not_depend_on_the_writes() -> None:
    content = random.Random(1).randbytes(200_000)
    assert compress(content) == compress(*(content[at : at + 777] for at in range(0, len(content), 777)))
    assert compress() == END_BLOCK
