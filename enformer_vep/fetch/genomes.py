"""Makes a genome out of its download: bgzipped and indexed, so that any place in it can be read."""

import gzip
import logging
import os
import shutil
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from enformer_vep.errors import DiskFullError, FastaError, FetchError
from enformer_vep.fetch.download import ByteBar, Downloader, OtherFileError
from enformer_vep.fetch.remote import RemoteGenome
from enformer_vep.fetch.transfer import write_error
from enformer_vep.io.bgzip import BLOCK_BYTES, END_BLOCK, is_whole, to_block
from enformer_vep.io.genome.fasta import Genome
from enformer_vep.wording import cause, sized

logger = logging.getLogger(__name__)

BLOCKS_AHEAD = 256
"""Blocks that are compressed or wait to be written, of 64 KiB each."""

GROWTH = 1.1
"""How much larger a bgzipped genome is than the gzipped one, at most."""


def fetch_genome(genome: RemoteGenome, downloader: Downloader) -> Path:
    """Downloads a genome, checks it against UCSC's list of checksums, and makes it readable at any place.

    Args:
      genome: which one.
      downloader: gets its files.

    Returns:
      The bgzipped FASTA. Its indexes are beside it. The download is removed.

    Raises:
      FetchError: it cannot be downloaded, or is not what was expected.
    """
    try:
        download = downloader.get(genome.fasta, _expected_checksum(genome, downloader))
    except OtherFileError:
        (downloader.cache.downloads / genome.checksums.place).unlink(missing_ok=True)  # it may be out of date
        raise
    final = downloader.cache.genome(genome.name)
    make_genome(download, final, is_quiet=downloader.is_quiet)
    shutil.rmtree(download.parent, ignore_errors=True)
    return final


def is_fetched(path: Path) -> bool:
    """Says whether a genome is there.

    Raises:
      FetchError: there is a file of its name that is no whole bgzip.
    """
    if not path.is_file():
        return False
    if not is_whole(path):
        raise FetchError(f"{path} is not a whole bgzipped file: remove it, or fetch the genome again with --force")
    return True


def _expected_checksum(genome: RemoteGenome, downloader: Downloader) -> str:
    """Returns the FASTA's MD5 that UCSC's list gives, or the known one if there is no such list."""
    known = genome.fasta.checksum or ""
    name = genome.fasta.place.rsplit("/", 1)[-1]
    try:
        text = downloader.get(genome.checksums).read_text(encoding="utf-8", errors="replace")
    except FetchError as error:
        if error.exit_code == 1 and not (downloader.cache.downloads / genome.fasta.place).is_file():
            raise  # neither can the genome be reached
        logger.info("%s; the checksum that is known is used", error)
        return known
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*./") == name and len(words[0]) == 32:
            listed = f"md5:{words[0].lower()}"
            if known and listed != known:
                logger.warning("%s: the list of checksums says %s; until now it was %s", name, listed, known)
            return listed
    logger.info("the list of checksums does not name %s; the checksum that is known is used", name)
    return known


def make_genome(source: Path, final: Path, *, is_quiet: bool = False) -> None:
    """Makes a bgzipped and indexed FASTA of a gzipped one. It appears only when it is whole.

    Args:
      source: the gzipped FASTA.
      final: the place of the bgzipped one. The folder is created.
      is_quiet: whether no progress is shown.

    Raises:
      FetchError: the source is damaged or no FASTA, or the disk is full.
    """
    folder = final.parent / f".{final.name}.new"
    new = folder / final.name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _check_room(source, folder)
        logger.info("compressing and indexing %s, so that any place in it can be read", final.name)
        _recompress(source, new, is_quiet=is_quiet)
        Genome(str(new)).close()  # which indexes it
        # The indexes come first: where the FASTA is, everything is.
        for suffix in (".gzi", ".fai", ""):
            os.replace(f"{new}{suffix}", f"{final}{suffix}")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FetchError(f"{source} is damaged: {cause(error)}; remove it and fetch the genome again") from error
    except FastaError as error:
        raise FetchError(f"{source} is not a genome: {error}") from error
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(source: Path, folder: Path) -> None:
    needed, free = int(source.stat().st_size * GROWTH), shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"{folder.parent} has {sized(free)} free, but the genome needs {sized(needed)}: make room and give the "
            f"same command again; the download is kept in {source.parent}"
        )


def _recompress(source: Path, new: Path, *, is_quiet: bool) -> None:
    """Writes the content of a gzip file as bgzip; blocks are compressed on all cores."""
    with (
        source.open("rb") as raw,
        gzip.GzipFile(fileobj=raw) as content,
        new.open("wb") as out,
        ByteBar(new.name, is_quiet=is_quiet) as bar,
        ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool,
    ):
        size, waiting = source.stat().st_size, deque[Future[bytes]]()
        for block in _blocks(content):
            waiting.append(pool.submit(to_block, block))
            if len(waiting) >= BLOCKS_AHEAD:
                out.write(waiting.popleft().result())
                bar.at(raw.tell(), size)
        while waiting:
            out.write(waiting.popleft().result())
        out.write(END_BLOCK)
        out.flush()
        os.fsync(out.fileno())


def _blocks(content: gzip.GzipFile) -> Iterator[bytes]:
    """Yields the content in pieces of a bgzip block each."""
    waiting = bytearray()
    while piece := content.read(1 << 20):
        waiting += piece
        while len(waiting) >= BLOCK_BYTES:
            yield bytes(waiting[:BLOCK_BYTES])
            del waiting[:BLOCK_BYTES]
    if waiting:
        yield bytes(waiting)
