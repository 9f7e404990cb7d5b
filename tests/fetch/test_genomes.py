"""Genomes: checked against UCSC's list, bgzipped, indexed, and there only when whole."""

import gzip
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from enformer_vep.errors import DiskFullError, FetchError, UnreachableError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.download import Downloader
from enformer_vep.fetch.fetching import FetchSettings, fetch, parse_words
from enformer_vep.fetch.genomes import fetch_genome, make_genome
from enformer_vep.fetch.remote import GENOMES
from enformer_vep.fetch.transfer import Patience
from enformer_vep.genome.variant import Interval
from enformer_vep.io.genome.fasta import Genome
from tests.fetch.conftest import SEQUENCES, all_files
from tests.fetch.site import Answer, Site
from tests.support import file_system

PLACE = "/genomes/hg38/hg38.fa.gz"
LIST = "/genomes/hg38/md5sum.txt"
PATIENCE = Patience(attempts=2, sleep=lambda seconds: None)


def get(cache: Cache, site: Site | None, *, force: bool = False) -> Path:
    url = "http://127.0.0.1:9" if site is None else site.url  # at 9, nobody listens
    settings = FetchSettings(parse_words(["hg38"]), cache, url, force=force, patience=PATIENCE)
    (path,) = fetch(settings, lambda folder: None)
    return path


def names(cache: Cache) -> list[str]:
    return [str(path.relative_to(cache.folder)) for path in all_files(cache.folder)]


WHOLE = ["genomes/hg38.fa.gz", "genomes/hg38.fa.gz.fai", "genomes/hg38.fa.gz.gzi", "locks/hg38.lock"]


def check(cache: Cache) -> None:
    assert names(cache) == WHOLE
    before = {path: path.stat().st_mtime_ns for path in all_files(cache.folder)}
    genome = Genome(str(cache.genome("hg38")))
    assert dict(genome.contigs) == {name: len(sequence) for name, sequence in SEQUENCES.items()}
    for name, sequence in SEQUENCES.items():
        assert genome.fetch(Interval(name, 0, len(sequence))).decode() == sequence
    genome.close()
    assert {path: path.stat().st_mtime_ns for path in all_files(cache.folder)} == before, "it was indexed again"


def test_a_genome_is_bgzipped_and_indexed(mirror: Site, cache: Cache) -> None:
    assert get(cache, mirror) == cache.genome("hg38")
    check(cache)
    assert get(cache, None) == cache.genome("hg38")  # which is there, and needs no connection
    assert len(mirror.requests) == 2
    assert cache.fetched_genomes() == ["hg38"]


def test_force_fetches_again(mirror: Site, cache: Cache) -> None:
    get(cache, mirror)
    get(cache, mirror, force=True)
    assert len(mirror.requests) == 4
    check(cache)


def test_the_bytes_do_not_depend_on_the_number_of_cores(
    mirror: Site, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(cache, mirror)
    source = tmp_path / "source.fa.gz"
    source.write_bytes(mirror.files[PLACE])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    make_genome(source, tmp_path / "one.fa.gz")
    assert (tmp_path / "one.fa.gz").read_bytes() == cache.genome("hg38").read_bytes()


LISTS = {
    "as UCSC writes it": ("{md5}  hg38.fa.gz\n", None),
    "with others": ("0123456789abcdef0123456789abcdef  hg38.2bit\n{md5}  hg38.fa.gz\n", None),
    "with a path": ("{md5} *./hg38.fa.gz\n", None),
    "without it": ("0123456789abcdef0123456789abcdef  hg38.2bit\n", "does not name hg38.fa.gz"),
    "none": (None, "answered 404 Not Found"),
    "odd bytes": ("\udcff\udc80 hg38.fa.gz", "does not name hg38.fa.gz"),
}


@pytest.mark.parametrize("case", LISTS)
def test_lists_of_checksums(case: str, mirror: Site, cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    text, said = LISTS[case]
    md5 = mirror.files.pop(LIST).split()[0].decode()
    if text is not None:
        mirror.files[LIST] = text.format(md5=md5).encode("utf-8", "surrogateescape")
    get(cache, mirror)
    check(cache)
    if said:
        assert f"{said}" in caplog.text
        assert "the checksum that is known is used" in caplog.text


def test_a_new_file_of_ucsc_is_taken_and_said(mirror: Site, cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    packed = gzip.compress(b">chr1\nACGT\n")
    mirror.files[PLACE] = packed
    import hashlib

    mirror.files[LIST] = f"{hashlib.md5(packed).hexdigest()}  hg38.fa.gz\n".encode()
    get(cache, mirror)
    assert "hg38.fa.gz: the list of checksums says md5:" in caplog.text
    assert names(cache) == WHOLE


def test_a_wrong_genome_is_not_kept_nor_is_the_list(mirror: Site, cache: Cache) -> None:
    mirror.files[PLACE] = gzip.compress(b">chr1\nACGT\n")
    with pytest.raises(FetchError, match=r"hg38.fa.gz is not the file that was expected: .* nothing of it was kept"):
        get(cache, mirror)
    assert names(cache) == ["locks/hg38.lock"]


BAD_CONTENT = {
    "cut short": (lambda whole: whole[:-1000], "is damaged"),
    "not gzip": (lambda whole: b"x" * 1000, "is damaged"),
    "a bit": (lambda whole: whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:], "is damaged"),
    "no FASTA": (lambda whole: gzip.compress(b"hello\n" * 1000), "is not a FASTA"),
    "a contig twice": (lambda whole: gzip.compress(b">a\nACGT\n>a\nACGT\n"), "two sequences named 'a'"),
    "empty": (lambda whole: gzip.compress(b""), "is not a FASTA"),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_a_file_that_is_no_genome(case: str, mirror: Site, tmp_path: Path) -> None:
    change, message = BAD_CONTENT[case]
    source = tmp_path / "in" / "source.fa.gz"
    source.parent.mkdir()
    source.write_bytes(change(mirror.files[PLACE]))
    with pytest.raises(FetchError, match=message) as error:
        make_genome(source, tmp_path / "out" / "hg38.fa.gz")
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_files_that_were_carried_by_hand_need_no_connection(mirror: Site, cache: Cache) -> None:
    place = cache.downloads / PLACE[1:]
    place.parent.mkdir(parents=True)
    place.write_bytes(mirror.files[PLACE])
    (cache.downloads / LIST[1:]).write_bytes(mirror.files[LIST])
    get(cache, None)
    check(cache)


def test_the_list_need_not_be_carried(mirror: Site, cache: Cache) -> None:
    place = cache.downloads / PLACE[1:]
    place.parent.mkdir(parents=True)
    place.write_bytes(mirror.files[PLACE])
    get(cache, None)
    check(cache)


def test_another_file_that_was_carried_by_hand(mirror: Site, cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    place = cache.downloads / PLACE[1:]
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another")
    with pytest.raises(UnreachableError):
        get(cache, None)
    assert "is another file: expected md5:" in caplog.text
    assert not cache.genome("hg38").exists()


def test_a_file_that_is_no_bgzip_under_the_final_name(mirror: Site, cache: Cache) -> None:
    final = cache.genome("hg38")
    final.parent.mkdir(parents=True)
    final.write_bytes(mirror.files[PLACE])
    with pytest.raises(FetchError, match=r"is not a whole bgzipped file: remove it, or fetch .* with --force"):
        get(cache, mirror)
    get(cache, mirror, force=True)
    check(cache)


def test_what_a_killed_process_left_is_no_hindrance(mirror: Site, cache: Cache) -> None:
    folder = cache.genome("hg38").parent / ".hg38.fa.gz.new"
    folder.mkdir(parents=True)
    (folder / "hg38.fa.gz").write_bytes(b"half")
    (folder / "hg38.fa.gz.fai").write_bytes(b"half")
    cache.genome("hg38").with_name("hg38.fa.gz.fai").write_bytes(b"chr9\t9\t9\t9\t9\n")  # the index comes first
    get(cache, mirror)
    check(cache)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for one genome, not for two."""
    with file_system(tmp_path / "small", "140k") as folder:
        yield folder


def test_a_disk_without_room_for_the_bgzipped_genome(
    mirror: Site, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(small_disk)
    assert len(mirror.files[PLACE]) < 140 * 1024 < 2 * len(mirror.files[PLACE])
    with pytest.raises(DiskFullError, match=r"free, but hg38.fa.gz needs \d+ kB: make room"):
        get(cache, mirror)
    assert names(cache) == ["downloads/genomes/hg38/md5sum.txt", "locks/hg38.lock"]
    # As if another program filled the disk meanwhile.
    monkeypatch.setattr("enformer_vep.fetch.transfer.Transfer._check_room", lambda *_: None)
    with pytest.raises(DiskFullError, match=r"but the genome needs \d+ kB: make room .*; the download is kept in"):
        get(cache, mirror)
    monkeypatch.setattr("enformer_vep.fetch.genomes._check_room", lambda *_: None)
    with pytest.raises(DiskFullError, match="the disk is full"):
        get(cache, mirror)
    kept = "downloads/genomes/hg38/hg38.fa.gz"
    assert names(cache) == [kept, "downloads/genomes/hg38/md5sum.txt", "locks/hg38.lock"]
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    get(cache, None)
    check(cache)


def test_a_broken_off_download_of_a_genome_goes_on(mirror: Site, cache: Cache) -> None:
    mirror.answers[PLACE] = [Answer(cut=70_000)]
    fetch_genome(GENOMES["hg38"], Downloader(cache, mirror.url, patience=PATIENCE))
    assert mirror.requests[-1][0] == PLACE
    assert mirror.requests[-1][1] in ("bytes=65536-", "bytes=70000-")
