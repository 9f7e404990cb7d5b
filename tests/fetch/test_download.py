"""Downloads from a server that breaks off, stalls, sends something else, redirects and refuses."""

import hashlib
import json
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from enformer_vep.errors import DiskFullError, FetchError, TransferError, UnreachableError
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.download import Downloader
from enformer_vep.fetch.remote import RemoteFile
from enformer_vep.fetch.transfer import CHUNK_BYTES, Patience
from tests.fetch.site import Answer, Site
from tests.support import file_system

CONTENT = random.Random(1).randbytes(5 * CHUNK_BYTES + 123)
CUT = 2 * CHUNK_BYTES
PLACE = "things/thing.bin"
PATH = f"/{PLACE}"
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MODES = {"ranges": (True, True), "no ranges": (False, True), "ranges, no tags": (True, False)}


class Pauses(list):
    """Takes the place of sleep."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def downloader(site: Site, cache: Cache, pauses: Pauses) -> Downloader:
    site.files[PATH] = CONTENT
    return Downloader(cache, site.url, patience=Patience(attempts=3, sleep=pauses))


@pytest.fixture(params=MODES)
def any_server(request: pytest.FixtureRequest, site: Site) -> Site:
    site.has_ranges, site.has_etags = MODES[request.param]
    return site


def get(downloader: Downloader, checksum: str | None = CHECKSUM) -> bytes:
    path = downloader.get(RemoteFile("https://nowhere.invalid/thing.bin", PLACE), checksum)
    assert path == downloader.cache.downloads / PLACE
    assert [file.name for file in path.parent.iterdir()] == ["thing.bin"], "something is left over"
    return path.read_bytes()


def left(cache: Cache) -> dict[str, int]:
    """The files in the cache, and their lengths."""
    return {file.name: file.stat().st_size for file in cache.folder.rglob("*") if file.is_file()}


def test_a_file_arrives_whole(any_server: Site, downloader: Downloader) -> None:
    assert get(downloader) == CONTENT
    assert get(downloader) == CONTENT  # which is there
    assert len(any_server.requests) == 1


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_a_download_that_breaks_off_or_stalls_goes_on(
    kind: str, any_server: Site, downloader: Downloader, pauses: Pauses
) -> None:
    if kind == "stall":
        patience = Patience(attempts=20, stall_seconds=0.3, sleep=pauses)  # a slow machine may stall more often
        downloader = Downloader(downloader.cache, downloader.mirror, patience=patience)
    any_server.answers[PATH] = [Answer(**{kind: CUT})]
    assert get(downloader) == CONTENT
    assert pauses[0] == 1
    wanted = any_server.ranges()
    assert wanted[0] is None
    if any_server.has_etags:  # without ranges, it was asked for the rest, and sent the whole
        start = int((wanted[1] or "").removeprefix("bytes=").removesuffix("-"))
        assert CUT - CHUNK_BYTES <= start <= CUT
    else:
        assert wanted[1] is None


def test_a_later_process_goes_on_where_an_earlier_one_ended(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(cut=CUT), *[Answer(status=503)] * 2]
    with pytest.raises(TransferError) as error:
        get(downloader)
    assert str(error.value) == (
        f"{site.url}{PATH}: the server answered 503 Service Unavailable, 3 times in a row; 131 kB are kept, "
        "and the same command continues from there"
    )
    assert error.value.exit_code == 1
    assert left(downloader.cache) == {"thing.bin.part": CUT, "thing.bin.part.json": pytest.approx(150, abs=100)}
    site.requests.clear()
    assert get(downloader) == CONTENT
    assert site.ranges() == [f"bytes={CUT}-"]


def test_pauses_grow_until_something_new_arrives(site: Site, downloader: Downloader, pauses: Pauses) -> None:
    cut = Answer(cut=CHUNK_BYTES)
    site.answers[PATH] = [Answer(status=500), Answer(status=500), cut, Answer(status=500), cut, cut]
    assert get(downloader) == CONTENT
    assert pauses == [1, 2, 1, 2, 1, 1]


def test_no_ranges_and_never_more_than_before_ends_in_an_error(site: Site, downloader: Downloader) -> None:
    site.has_ranges = False
    site.answers[PATH] = [Answer(cut=CUT)] * 3
    with pytest.raises(TransferError, match=r"broke off after 131 kB of 328 kB, 3 times in a row$"):
        get(downloader)
    assert "thing.bin" not in left(downloader.cache)


def test_a_file_that_changed_meanwhile_starts_over(site: Site, downloader: Downloader) -> None:
    site.files[PATH] = b"x" * len(CONTENT)
    site.answers[PATH] = [Answer(cut=CUT)] + [Answer(status=500)] * 2
    with pytest.raises(TransferError):
        get(downloader)
    site.files[PATH] = CONTENT
    assert get(downloader) == CONTENT


def test_a_server_that_ignores_if_range_is_caught(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(cut=CUT, content=b"x" * len(CONTENT)), Answer(ignores_if_range=True)]
    assert get(downloader) == CONTENT
    assert site.ranges() == [None, f"bytes={CUT}-", None]


def test_a_range_that_was_not_asked_for_is_not_taken(site: Site, downloader: Downloader) -> None:
    odd = {"Content-Range": f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}"}
    site.answers[PATH] = [Answer(cut=CUT), Answer(headers=odd)]
    assert get(downloader) == CONTENT


def test_416_for_a_partial_file_that_is_too_long_starts_over(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(cut=CUT, content=CONTENT * 2), Answer(status=416)]
    assert get(downloader) == CONTENT
    assert site.ranges() == [None, f"bytes={CUT}-", None]


def test_416_for_a_partial_file_that_is_whole(site: Site, downloader: Downloader) -> None:
    part = downloader.cache.downloads / f"{PLACE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    note = {"url": f"{site.url}{PATH}", "validator": '"x"', "total": None}
    Path(f"{part}.json").write_text(json.dumps(note))
    site.answers[PATH] = [Answer(status=416, headers={"Content-Range": f"bytes */{len(CONTENT)}"})]
    assert get(downloader) == CONTENT
    assert site.ranges() == [f"bytes={len(CONTENT)}-"]


def test_what_was_whole_when_the_process_was_killed_is_not_asked_for_again(site: Site, downloader: Downloader) -> None:
    part = downloader.cache.downloads / f"{PLACE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    Path(f"{part}.json").write_text(json.dumps({"url": f"{site.url}{PATH}", "validator": '"x"', "total": len(CONTENT)}))
    (part.parent / "tmpabcd").write_bytes(b"left over")
    assert get(downloader) == CONTENT
    assert site.requests == []


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"url": 1}'])
def test_a_damaged_note_starts_over(note: str, site: Site, downloader: Downloader) -> None:
    part = downloader.cache.downloads / f"{PLACE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something")
    Path(f"{part}.json").write_text(note)
    assert get(downloader) == CONTENT
    assert site.ranges() == [None]


def test_wrong_bytes_are_an_error_and_nothing_is_kept(any_server: Site, downloader: Downloader) -> None:
    any_server.files[PATH] = b"x" * len(CONTENT)
    with pytest.raises(FetchError, match="is not the file that was expected: its checksum should be sha256:") as error:
        get(downloader)
    assert error.value.exit_code == 2
    assert hashlib.sha256(b"x" * len(CONTENT)).hexdigest() in str(error.value)
    assert left(downloader.cache) == {}


def test_wrong_bytes_of_an_earlier_attempt_are_thrown_away(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(cut=CUT)] + [Answer(status=500)] * 2
    with pytest.raises(TransferError):
        get(downloader)
    part = downloader.cache.downloads / f"{PLACE}.part"
    part.write_bytes(b"x" * CUT)
    assert get(downloader) == CONTENT
    assert site.ranges()[-2:] == [f"bytes={CUT}-", None]


def test_a_length_that_is_wrong_is_a_truncation(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(headers={"Content-Length": str(len(CONTENT) + 5)})]
    assert get(downloader) == CONTENT


def test_no_length_and_no_checksum_error_for_a_whole_file(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(headers={"Content-Length": None})]  # the end of the connection is the end of the file
    assert get(downloader) == CONTENT


def test_a_truncation_that_only_the_checksum_can_notice(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(content=CONTENT[:CUT], headers={"Content-Length": None})]
    with pytest.raises(FetchError, match="nothing of it was kept"):
        get(downloader)
    assert left(downloader.cache) == {}
    assert get(downloader) == CONTENT


def test_a_gzip_that_is_called_an_encoding_is_not_unpacked(site: Site, downloader: Downloader) -> None:
    import gzip

    packed = gzip.compress(CONTENT)
    site.files[PATH] = packed
    site.answers[PATH] = [Answer(headers={"Content-Encoding": "gzip"})]
    assert get(downloader, f"sha256:{hashlib.sha256(packed).hexdigest()}") == packed


def test_redirects_are_followed_and_resumed(site: Site, downloader: Downloader) -> None:
    site.files["/elsewhere"] = CONTENT
    site.answers[PATH] = [Answer(status=302, location="/elsewhere"), Answer(status=307, location="/elsewhere")]
    site.answers["/elsewhere"] = [Answer(cut=CUT)]
    assert get(downloader) == CONTENT
    assert [(path, wanted) for path, wanted, _ in site.requests] == [
        (PATH, None),
        ("/elsewhere", None),
        (PATH, f"bytes={CUT}-"),
        ("/elsewhere", f"bytes={CUT}-"),
    ]


def test_a_circle_of_redirects_and_one_to_nothing(site: Site, downloader: Downloader) -> None:
    site.answers[PATH] = [Answer(status=302, location=PATH)] * 40
    with pytest.raises(FetchError, match="Exceeded 30 redirects"):
        get(downloader)
    site.answers[PATH] = [Answer(status=302, location="/gone")]
    with pytest.raises(FetchError, match=r"answered 404 Not Found for .*/gone, to which it led"):
        get(downloader)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_final(status: int, site: Site, downloader: Downloader, pauses: Pauses) -> None:
    site.answers[PATH] = [Answer(status=status)]
    with pytest.raises(FetchError, match=f"the server answered {status} .*: expected the file thing.bin") as error:
        get(downloader)
    assert error.value.exit_code == 2
    assert (len(site.requests), pauses) == (1, [])
    assert left(downloader.cache) == {}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_passing_failure_is_tried_again(status: int, site: Site, downloader: Downloader, pauses: Pauses) -> None:
    site.answers[PATH] = [Answer(status=status)] * 2
    assert get(downloader) == CONTENT
    assert pauses == [1, 2]


def test_no_server_at_all(cache: Cache, pauses: Pauses) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=r"thing.bin cannot be reached: .*Connection refused") as error:
            get(Downloader(cache, url, patience=Patience(attempts=3, sleep=pauses)))
    assert "Errno" not in str(error.value)
    assert "object at" not in str(error.value)
    assert error.value.exit_code == 1
    assert pauses == [1, 2]


def test_a_server_that_accepts_and_says_nothing(cache: Cache, pauses: Pauses) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        patience = Patience(attempts=2, stall_seconds=0.2, sleep=pauses)
        with pytest.raises(TransferError, match="accepts connections, but does not answer, 2 times in a row"):
            get(Downloader(cache, url, patience=patience))


def test_a_file_that_was_placed_by_hand_is_checked(site: Site, downloader: Downloader, caplog) -> None:
    target = downloader.cache.downloads / PLACE
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert get(downloader) == CONTENT
    assert site.requests == []
    target.write_bytes(b"another")
    assert get(downloader) == CONTENT
    assert f"{target} is another file: expected {CHECKSUM}, found sha256:" in caplog.text


def test_too_little_room_is_found_before_anything_is_written(
    site: Site, downloader: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 200_000})
    monkeypatch.setattr("enformer_vep.fetch.transfer.shutil.disk_usage", lambda path: usage)
    with pytest.raises(DiskFullError, match=r"has 200 kB free, but thing.bin needs 328 kB: make room, or .* --cache"):
        get(downloader)
    assert "thing.bin.part" not in left(downloader.cache)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    with file_system(tmp_path / "small", "256k") as folder:
        yield folder


def test_a_full_disk_keeps_what_arrived(
    site: Site, downloader: Downloader, small_disk: Path, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the file's length were not known, or another program filled the disk meanwhile.
    monkeypatch.setattr("enformer_vep.fetch.transfer.Transfer._check_room", lambda *_: None)
    full = Downloader(Cache(small_disk), site.url, patience=downloader.patience)
    with pytest.raises(DiskFullError, match=r"the disk is full: .*thing.bin.part cannot grow further and is kept"):
        get(full)
    found = left(full.cache)
    assert set(found) == {"thing.bin.part", "thing.bin.part.json"}
    assert found["thing.bin.part"] > CUT
    assert pauses == []
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    assert get(full) == CONTENT
    assert site.ranges()[-1] == f"bytes={found['thing.bin.part']}-"


def test_a_cache_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"cannot write to .*: Not a directory; choose another folder with --cache"):
        get(Downloader(Cache(tmp_path / "file"), site.url))
