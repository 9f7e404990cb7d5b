"""`fetch` as its users meet it: one line, progress, two at once, and a download that is killed."""

import fcntl
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from enformer_vep.cli import main
from enformer_vep.fetch.cache import Cache
from tests.fetch import stand_ins as script
from tests.fetch.conftest import ITEMS, environment
from tests.fetch.site import Answer, Site

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def nowhere() -> str:
    """The URL of a mirror that cannot be reached."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_everything_in_one_command(mirror: Site, cache: Cache, capsys: pytest.CaptureFixture) -> None:
    assert main(["fetch", *ITEMS, "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-3:] == [
        f"enformer-vep: weights: {cache.weights}",
        f"enformer-vep: tracks: {cache.folder / 'tracks'}",
        f"enformer-vep: hg38: {cache.genome('hg38')}",
    ]
    assert f"enformer-vep: downloading {mirror.url}/tracks/targets_human.txt" in captured.err
    assert len(mirror.requests) == len(mirror.files)
    mirror.requests.clear()
    assert main(["fetch", *ITEMS, "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    assert mirror.requests == []


def test_quiet_and_the_environment(
    mirror: Site, cache: Cache, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORMER_VEP_CACHE", str(cache.folder))
    monkeypatch.setenv("ENFORMER_VEP_MIRROR", mirror.url)
    assert main(["fetch", "hg38", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    assert cache.fetched_genomes() == ["hg38"]


def test_a_plan_fetches_nothing(cache: Cache, nowhere: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["fetch", *ITEMS, "--cache", str(cache.folder), "--plan"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[0].split("\t") == ["url", "size", "checksum", "place"]
    assert "https://hgdownload.soe.ucsc.edu/goldenPath/hg38/bigZips/hg38.fa.gz\tabout 984 MB\tmd5:" in out
    assert not cache.folder.exists()


def test_without_a_connection_the_plan_is_printed(cache: Cache, nowhere: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["fetch", "tracks", "--cache", str(cache.folder), "--mirror", nowhere]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert "url\tsize\tchecksum\tplace" in lines
    assert any(line.startswith(f"{nowhere}/tracks/targets_mouse.txt\tabout 250 kB\tsha256:") for line in lines)
    assert lines[-1].startswith("enformer-vep: error: ")
    assert "targets_human.txt cannot be reached: " in lines[-1]


def test_a_file_that_is_not_there_is_one_line(mirror: Site, cache: Cache, capsys: pytest.CaptureFixture) -> None:
    del mirror.files["/tracks/targets_mouse.txt"]
    assert main(["fetch", "tracks", "-q", "--cache", str(cache.folder), "--mirror", mirror.url]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "the server answered 404 Not Found: expected the file targets_mouse.txt" in err
    assert cache.track_table("human").is_file()  # what was fetched before stays


def test_a_table_that_was_changed_is_replaced(mirror: Site, cache: Cache, capsys: pytest.CaptureFixture) -> None:
    table = cache.track_table("human")
    table.parent.mkdir(parents=True)
    table.write_text("mine")
    assert main(["fetch", "tracks", "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    assert f"{table} is not the published table, and is replaced" in capsys.readouterr().err
    assert table.read_bytes() == mirror.files["/tracks/targets_human.txt"]


def test_a_terminal_shows_a_bar(mirror: Site, cache: Cache, stand_ins: Path) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, script.__file__, str(stand_ins), "fetch", "hg38", "--mirror", mirror.url]
    run = subprocess.run([*command, "--cache", str(cache.folder)], stderr=follower, check=False, env=environment())
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += os.read(leader, 65536)
        except OSError:  # the terminal is closed
            break
    os.close(leader)
    assert run.returncode == 0
    assert b"hg38.fa.gz: 100%" in shown


def test_of_two_at_once_one_waits_and_both_have_it(mirror: Site, cache: Cache, stand_ins: Path) -> None:
    hold = threading.Event()
    path = "/genomes/hg38/hg38.fa.gz"
    mirror.answers[path] = [Answer(hold=hold)]
    command = [sys.executable, script.__file__, str(stand_ins), "fetch", "hg38", "--mirror", mirror.url]
    command += ["--cache", str(cache.folder)]
    runs = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(), bufsize=1) for _ in range(2)
    ]
    said: list[list[str]] = [[], []]
    waits = threading.Event()

    def listen(number: int) -> None:
        for line in runs[number].stderr or ():
            said[number].append(line)
            if "waiting: another process is fetching hg38" in line:
                waits.set()

    listeners = [threading.Thread(target=listen, args=(number,)) for number in range(2)]
    for listener in listeners:
        listener.start()
    try:
        assert waits.wait(120)
    finally:
        hold.set()
        codes = [run.wait(120) for run in runs]
        for listener in listeners:
            listener.join(10)
        for run in runs:
            run.stderr.close()
    assert codes == [0, 0], said
    assert [requested for requested, _, _ in mirror.requests].count(path) == 1
    assert all(f"enformer-vep: hg38: {cache.genome('hg38')}\n" in lines for lines in said)


def test_a_killed_download_goes_on(mirror: Site, cache: Cache, stand_ins: Path) -> None:
    path = "/genomes/hg38/hg38.fa.gz"
    mirror.answers[path] = [Answer(stall=70_000)]
    command = [sys.executable, script.__file__, str(stand_ins), "fetch", "hg38", "-q", "--mirror", mirror.url]
    run = subprocess.Popen([*command, "--cache", str(cache.folder)], env=environment())
    part = cache.downloads / f"{path[1:]}.part"
    end = time.monotonic() + 120
    while not (part.is_file() and part.stat().st_size >= 2**16):
        assert run.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    run.kill()
    run.wait()
    size = part.stat().st_size
    assert main(["fetch", "hg38", "-q", "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    assert mirror.requests[-1][:2] == (path, f"bytes={size}-")
    assert cache.fetched_genomes() == ["hg38"]
