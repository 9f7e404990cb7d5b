"""The command's options, its help, and one line and an exit code for every error."""

from pathlib import Path

import pytest

from enformer_vep.cli import cli, main

BAD_COMMANDS = {
    "no such VCF": (["none.vcf"], "no such file: none.vcf"),
    "not a VCF": (["{inputs}/genome.fa"], "is not a VCF"),
    "no such FASTA": (["-f", "none.fa"], "no such file: none.fa"),
    "not a FASTA": (["-f", "{inputs}/input.vcf"], "is not a FASTA"),
    "no such folder": (["-o", "{tmp}/none/out.tsv"], "does not exist"),
    "unknown format": (["-o", "{tmp}/out.csv"], "cannot tell the format"),
    "output exists": (["-o", "{inputs}/old.tsv"], "--overwrite"),
    "unknown model": (["-m", "none"], "no model at 'none'"),
    "unknown bins": (["--bins", "center:5"], "did you mean centre:5?"),
    "bins of no contig": (["--bins", "chr77:1-500"], "chr77"),
    "a shift twice": (["--shifts", "-1,0,-1"], "a shift stands twice"),
    "a large shift": (["--shifts", "-1,90000"], "a shift must be at most"),
    "unknown policy": (["--indels", "stich"], "is not one of"),
    "unknown statistic": (["--stats", "SAY"], "unknown statistic SAY"),
    "unknown device": (["--device", "tpu"], "unknown device 'tpu'"),
    "unknown head": (["--head", "fly"], "this model has human, mouse"),
    "unknown track": (["--tracks", "99"], "no track '99'"),
    "a track of no assay": (["--tracks", "assay:CAGE"], "no track of the human head measures 'CAGE'"),
    "no regular expression": (["--tracks", "/(/"], "the regular expression /(/ does not compile"),
    "no such list of tracks": (["--tracks", "@none.txt"], "cannot read the list of tracks 'none.txt'"),
    "no track is left": (["--tracks", "0,!human_0"], "'0,!human_0' excludes every track"),
    "no such track table": (["--track-table", "none.txt"], "no such file: none.txt"),
    "unknown option": (["--batch", "3"], "No such option"),
    "unusable number": (["--batch-size", "0"], "0 is not in the range"),
    "unknown precision": (["--precision", "half"], "'half'"),
    "unknown engine": (["--engine", "fast"], "'fast'"),
    "unknown placement": (["--window", "near"], "expected centred, grid or shared:BP"),
    "a model's name mistyped": (["-m", "Enformer"], "or one of the names enformer, demo; did you mean enformer?"),
    "a statistic mistyped": (
        ["--stats", "SAR,sadd"],
        "ALT; did you mean SAD?",
    ),
    "a head mistyped": (["--head", "humna"], "unknown head 'humna': this model has human, mouse; did you mean human?"),
    "a track mistyped": (["--tracks", "human_3x"], "separated by commas; did you mean human_3?"),
    "a placement mistyped": (["--window", "centered"], "grid or shared:BP; did you mean centred?"),
    "a region on no contig": (["--region", "chr99"], "region 'chr99': neither "),
    "no such file of IDs": (["--include-id", "none.txt"], "cannot be read: No such file or directory"),
    "a placement too narrow": (["--window", "shared:5"], "128 to 1024 bp"),
    "a size that is none": (["--cache-size", "many"], "'many' is not a size: expected bytes, or a number with K, M"),
    "a negative number to verify": (["--verify", "-1"], "-1 is not in the range"),
}


def files_but_indexes(folder: Path) -> list[Path]:
    """An index of the FASTA is made at the first use, whatever comes of it."""
    return sorted(path for path in folder.iterdir() if path.suffix != ".fai")


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_a_bad_command_is_one_line_exit_2_and_nothing_written(
    case: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (inputs / "old.tsv").touch()
    changes, message = BAD_COMMANDS[case]
    changes = [change.format(inputs=inputs, tmp=tmp_path) for change in changes]
    options = {"-f": f"{inputs}/genome.fa", "-m": f"{inputs}/model", "-o": f"{tmp_path}/out.tsv"}
    vcf = [str(inputs / "input.vcf")]
    if changes[0].startswith("-"):
        options[changes[0]] = changes[1]
    else:
        vcf = changes
    before = files_but_indexes(inputs)
    assert main(["score", *vcf, *(word for option in options.items() for word in option)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("enformer-vep: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert "Errno" not in captured.err
    assert list(tmp_path.iterdir()) == []
    assert files_but_indexes(inputs) == before


MOOT = ("no such VCF", "no such FASTA", "no such track table", "unknown model", "unknown statistic", "unknown device")


@pytest.mark.parametrize("case", [*MOOT, "no such include-id", "no such BED", "unknown shard"])
def test_that_the_output_exists_is_said_last(
    case: str, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "out.tsv").write_text("mine")
    more = {
        "no such include-id": (["--include-id", "none.txt"], "none.txt"),
        "no such BED": (["--region", "none.bed"], "none.bed"),
        "unknown shard": (["--shard", "3/2"], "expected K/N"),
    }
    changes, message = {**BAD_COMMANDS, **more}[case]
    words = [*arguments, *changes] if changes[0].startswith("-") else ["score", *changes, *arguments[2:]]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "exists" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["out.tsv"]


def test_the_full_engine_has_no_low_precision(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main([*arguments, "--engine", "full", "--precision", "mixed"]) == 2
    assert "--precision mixed requires the reusing engine: remove --engine full" in capsys.readouterr().err


SIZES = {"0": 0, "1000": 1000, "3K": 3072, "256m": 2**28, "2G": 2**31}


@pytest.mark.parametrize(("size", "num_bytes"), SIZES.items())
def test_sizes_in_bytes(size: str, num_bytes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []
    monkeypatch.setattr(
        "enformer_vep.run.score.course.score_vcf", lambda settings: seen.append(settings.compute.cache_bytes)
    )
    assert main(["score", "x.vcf", "-f", "x.fa", "-o", str(tmp_path / "x.tsv"), "--cache-size", size, "-q"]) == 0
    assert seen == [num_bytes]


def test_a_missing_option_and_a_missing_name(inputs: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["score", str(inputs / "input.vcf"), "-m", "demo", "--cache", "none"]) == 2
    assert "which genome? Name the one on which the variants were called with -f: a FASTA" in capsys.readouterr().err
    assert main(["score", "-", "-f", str(inputs / "genome.fa"), "-m", "demo"]) == 2
    assert "name it with -o" in capsys.readouterr().err


def test_overwrite(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "out.tsv").write_text("old")
    assert main(arguments) == 2
    assert (tmp_path / "out.tsv").read_text() == "old"
    assert main([*arguments, "--overwrite"]) == 0
    assert (tmp_path / "out.tsv").read_text().startswith("chrom\t")


def test_an_unexpected_error_is_one_line_unless_debugging(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("enformer_vep.run.score.scorer._joined", lambda *_: 1 / 0)
    assert main([*arguments, "-q"]) == 1
    assert (
        capsys.readouterr().err
        == "enformer-vep: error: unexpected ZeroDivisionError: division by zero (--debug shows where)\n"
    )
    assert main([*arguments, "-q", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_help_shows_every_option_and_its_default(capsys: pytest.CaptureFixture) -> None:
    assert main(["score", "--help"]) == 0
    text = capsys.readouterr().out
    for option in (
        "--fasta",
        "--cache",
        "--out",
        "--model",
        "--head",
        "--stats",
        "--track-table",
        "--tracks",
        "--batch-size",
        "--device",
        "--precision",
        "--engine",
        "--window",
        "--cache-size",
        "--verify",
        "--verify-tolerance",
        "--overwrite",
        "--log-json",
        "--quiet",
        "--debug",
    ):
        assert option in text
    for default in ("default: enformer", "default: human", "default: SAD", "default: float32", "default: all"):
        assert default in " ".join(text.split())


@pytest.mark.parametrize("command", ["score", "predict", "contributions", "fetch", "tracks", "merge", "demo"])
def test_help_groups_every_option_and_ends_on_two_examples(command: str, capsys: pytest.CaptureFixture) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Other options:" not in text
    assert max(map(len, text.splitlines())) <= 100
    _, examples = text.split("\nExamples:\n")
    assert len(examples.splitlines()) == 2
    for example in examples.splitlines():
        words = example.split()
        assert words[:2] == ["enformer-vep", command]
        # They are commands of this program: every option in them is one of its own.
        options = {name for parameter in cli.commands[command].params for name in parameter.opts}
        assert {word for word in words if word.startswith("-") and word != "-"} <= options


def test_version_and_no_command(capsys: pytest.CaptureFixture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("enformer-vep, version ")
    assert main([]) == 2
    assert "Usage: enformer-vep" in capsys.readouterr().err
