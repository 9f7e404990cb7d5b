"""The commands as their users meet them: fetch in one line, then score with names alone."""

import fcntl
import json
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

import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.fetch.cache import Cache
from enformer_vep.fetch.patience import Patience
from tests.fetch import stand_ins as script
from tests.fetch.conftest import SEQUENCES
from tests.fetch.site import Answer, Site
from tests.support import write_fasta, write_vcf

ITEMS = ("weights", "tracks", "genome", "hg38")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "pause", lambda self, num_failures: 0.0)


@pytest.fixture
def nowhere() -> str:
    """The URL of a mirror that cannot be reached."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def vcf(tmp_path: Path) -> str:
    records = [("chr1", pos, ".", SEQUENCES["chr1"][pos - 1], "ACGT"[pos % 4]) for pos in range(2000, 2003)]
    return write_vcf(tmp_path / "input.vcf", [record for record in records if record[3] != record[4]])


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


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(script.__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}


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


NOTHING = (
    "which genome? Name the one on which the variants were called with -f: a FASTA file, or the name of a fetched "
    "genome (none is fetched yet, so first run 'enformer-vep fetch genome hg38'), or set ENFORMER_VEP_FASTA\n"
)
MISTYPED = (
    "no such file: hg83: expected a FASTA file, plain or bgzipped, or the name of a genome: hg38 (GRCh38), "
    "hg19 (GRCh37), mm10 (GRCm38), mm39 (GRCm39), hs1 (T2T-CHM13v2.0); did you mean hg38?\n"
)
NOT_FETCHED = (
    "the genome {name} is not in {cache}: first run 'enformer-vep fetch genome {name}', or name a FASTA file\n"
)
FASTA_CASES = {
    "nothing": ([], NOTHING),
    "an empty name": (["-f", ""], NOTHING),
    "not fetched": (["-f", "mm10"], NOT_FETCHED.replace("{name}", "mm10")),
    "an alias": (["-f", "CHM13"], NOT_FETCHED.replace("{name}", "hs1")),
    "mistyped": (["-f", "hg83"], MISTYPED),
}


@pytest.mark.parametrize("case", FASTA_CASES)
def test_a_genome_that_is_not_named_or_not_there(
    case: str, cache: Cache, vcf: str, capsys: pytest.CaptureFixture
) -> None:
    words, message = FASTA_CASES[case]
    assert main(["score", vcf, *words, "-m", "demo", "--cache", str(cache.folder)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message.format(cache=cache.folder) in err


def test_fetched_genomes_are_named_where_none_is(cache: Cache, vcf: str, capsys: pytest.CaptureFixture) -> None:
    for name in ("mm10", "hg38"):
        cache.genome(name).parent.mkdir(parents=True, exist_ok=True)
        cache.genome(name).touch()
    assert main(["score", vcf, "-m", "demo", "--cache", str(cache.folder)]) == 2
    assert "(fetched are hg38, mm10)" in capsys.readouterr().err


def test_a_folder_of_the_name_is_not_in_the_way(
    cache: Cache, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hg38").mkdir()
    assert main(["score", vcf, "-f", "hg38", "-m", "demo", "--cache", str(cache.folder)]) == 2
    assert "first run 'enformer-vep fetch genome hg38'" in capsys.readouterr().err


def test_weights_that_are_not_fetched(cache: Cache, vcf: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["score", vcf, "-f", "hg38", "--cache", str(cache.folder)]) == 2
    err = capsys.readouterr().err
    assert f"the official weights are not in {cache.weights}: first run 'enformer-vep fetch weights'" in err


def test_score_with_names_alone(
    mirror: Site, cache: Cache, vcf: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORMER_VEP_CACHE", str(cache.folder))
    assert main(["fetch", *ITEMS, "-q", "--mirror", mirror.url]) == 0
    assert main(["score", vcf, "-f", "hg38"]) == 0
    err = capsys.readouterr().err
    assert "according to their checksums the published Enformer" in err
    assert f"tracks: named by the fetched table {cache.track_table('human')}" in err
    scores = pd.read_parquet(vcf.replace(".vcf", ".enformer.parquet"))
    assert [name for name in scores if ":" in name] == [f"SAD:IDhuman{track}" for track in range(5)]
    record = json.loads(Path(vcf.replace(".vcf", ".enformer.parquet.run.json")).read_text())
    assert str(cache.genome("hg38")) in json.dumps(record)
    assert str(next(cache.weights.glob("*.index"))) in json.dumps(record)
    # The other head has its own table, and a table that is named comes first.
    assert main(["score", vcf, "-f", "hg38", "--head", "mouse", "-o", f"{vcf}.tsv"]) == 0
    assert f"{cache.track_table('mouse')}" in capsys.readouterr().err
    mine = Path(f"{vcf}.tracks")
    mine.write_text(cache.track_table("human").read_text().replace("IDhuman", "mine"))
    assert main(["score", vcf, "-f", "hg38", "--track-table", str(mine), "-o", f"{vcf}.mine.tsv"]) == 0
    assert "fetched table" not in capsys.readouterr().err
    assert "SAD:mine0" in Path(f"{vcf}.mine.tsv").read_text().splitlines()[0]


def test_other_commands_find_what_was_fetched(
    mirror: Site, cache: Cache, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    where = ["--cache", str(cache.folder)]
    assert main(["fetch", "weights", "tracks", "-q", *where, "--mirror", mirror.url]) == 0
    assert main(["model", "enformer", *where]) == 0
    assert str(next(cache.weights.glob("*.index"))) in capsys.readouterr().out
    assert main(["convert", "enformer", str(tmp_path / "x.safetensors"), *where]) == 0
    assert (tmp_path / "x.safetensors").is_file()


def test_without_fetched_tables_tracks_have_numbers(
    mirror: Site, cache: Cache, vcf: str, capsys: pytest.CaptureFixture
) -> None:
    assert main(["fetch", "weights", "hg38", "-q", "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    assert main(["score", vcf, "-f", "hg38", "--cache", str(cache.folder)]) == 0
    err = capsys.readouterr().err
    assert (
        "tracks are named by head and number: human_0 to human_4; 'enformer-vep fetch tracks' gets their names" in err
    )


def test_weights_of_ones_own_do_not_take_the_published_names(
    mirror: Site,
    cache: Cache,
    stand_ins: Path,
    vcf: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["fetch", "tracks", "hg38", "-q", "--cache", str(cache.folder), "--mirror", mirror.url]) == 0
    monkeypatch.undo()  # the stand-ins are no longer the published weights
    model = str(stand_ins / "models" / "enformer")
    assert main(["score", vcf, "-f", "hg38", "-m", model, "--cache", str(cache.folder)]) == 0
    err = capsys.readouterr().err
    assert "not the published Enformer" in err
    assert "tracks are named by head and number: human_0 to human_4\n" in err


def test_a_file_of_the_name_comes_first(
    cache: Cache, vcf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    cache.genome("hg38").parent.mkdir(parents=True)
    cache.genome("hg38").write_bytes(b"not read")
    monkeypatch.chdir(tmp_path)
    write_fasta(tmp_path / "hg38", SEQUENCES)
    assert main(["score", vcf, "-f", "hg38", "-m", "demo", "-q", "--cache", str(cache.folder)]) == 0
    record = json.loads((tmp_path / "input.demo.parquet.run.json").read_text())
    assert str(tmp_path / "hg38") in json.dumps(record)


@pytest.mark.slow
def test_first_time_use(mirror: Site, stand_ins: Path, vcf: str, tmp_path: Path) -> None:
    """In an empty HOME: fetch, and score with names alone."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in environment().items() if not name.startswith(("XDG_", "ENFORMER_VEP_"))}
    for words in (["fetch", *ITEMS, "--mirror", mirror.url], ["score", vcf, "-f", "hg38"]):
        run = subprocess.run(
            [sys.executable, script.__file__, str(stand_ins), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**kept, "HOME": str(home)},
        )
        assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in (home / ".cache" / "enformer-vep").iterdir()) == [
        "downloads",
        "genomes",
        "locks",
        "models",
        "tracks",
    ]
    assert list(pd.read_parquet(tmp_path / "input.enformer.parquet").columns[7:]) == [
        f"SAD:IDhuman{track}" for track in range(5)
    ]
