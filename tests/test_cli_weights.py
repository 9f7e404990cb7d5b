"""`model` and `convert` as their users meet them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from enformer_vep.cli import main
from enformer_vep.model.config import OFFICIAL_CONFIG
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.location import locate_model
from enformer_vep.model.sources.opening import open_source
from enformer_vep.model.sources.source import is_training_state, published_tensors
from enformer_vep.model.weights import checkpoint_variables, load_model, save_model
from enformer_vep.run.weights import PublishedTensors
from tests.model.test_weights import assert_same_weights, write_checkpoint
from tests.pytorch_state import pytorch_state
from tests.support import TINY_CONFIG, random_sequence, reference_model, write_fasta, write_vcf


@pytest.fixture(scope="module")
def tiny() -> Enformer:
    return reference_model(TINY_CONFIG)


@pytest.fixture
def saved(tiny: Enformer, tmp_path: Path) -> Path:
    save_model(tiny, tmp_path / "saved", name="mine", notice="for tests")
    return tmp_path / "saved"


def report(model: Path | str, capsys: pytest.CaptureFixture) -> dict:
    assert main(["model", str(model), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_a_model_is(saved: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["model", str(saved)]) == 0
    lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert {name: text.strip() for name, text in lines.items()} == {
        "format": "enformer-vep",
        "file": str(saved / "model.index"),
        "name": "mine",
        "notice": "for tests",
        "configuration": "24 channels, 2 transformer layers of 2 heads, a window of 3,072 bp, 16 bins; "
        "tracks: human 5, mouse 3",
        "tensors": "185, of which inference reads 25,280 values",
        "published": "no: none of the tensors has the official checksum",
        "missing": "none",
        "foreign": "none",
        "loadable": "yes",
    }


def test_what_a_model_is_for_programs(saved: Path, tiny: Enformer, capsys: pytest.CaptureFixture) -> None:
    found = report(saved, capsys)
    assert found["config"] == TINY_CONFIG.to_dict()
    read = {key: v for key, v in checkpoint_variables(tiny).items() if not is_training_state(key)}
    assert found["num_parameters"] == sum(int(np.prod(v.shape)) for v in read.values())
    assert (found["is_published"], found["is_loadable"], found["faults"]) == (False, True, [])
    assert found["tensors_sha256"] == load_model(locate_model(str(saved))).identity.tensors_sha256
    assert set(found["published_tensors"]["other"]) <= set(checkpoint_variables(tiny))


def test_a_converted_model_is_the_same(
    saved: Path, tiny: Enformer, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "own.safetensors"
    assert main(["convert", str(saved), str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"enformer-vep: wrote {out}: 0.1 MB; heads: human (5 tracks), mouse (3 tracks); weights: not the published "
        "Enformer\n"
    )
    loaded = load_model(locate_model(str(out)))
    assert (loaded.name, loaded.notice, loaded.model.config) == ("mine", "for tests", TINY_CONFIG)
    assert_same_weights(loaded.model, tiny)
    before, after = report(saved, capsys), report(out, capsys)
    assert (after["format"], after["num_tensors"]) == ("safetensors", 129)
    assert after["source"].startswith("enformer-vep model.index, by enformer-vep ")
    for item in ("config", "tensors_sha256", "num_parameters", "name", "notice", "is_loadable"):
        assert after[item] == before[item]


def test_an_existing_file_is_kept(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "own.safetensors"
    out.write_text("before")
    assert main(["convert", str(saved), str(out)]) == 2
    assert "own.safetensors exists: choose another output, or use --overwrite" in capsys.readouterr().err
    assert out.read_text() == "before"
    assert main(["convert", str(saved), str(out), "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    whole = out.read_bytes()
    assert main(["convert", str(out), str(out), "--overwrite"]) == 0  # itself
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("own.bin", "expected a name that ends in .safetensors"),
        ("none/own.safetensors", "the output folder none does not exist: create it first"),
        ("folder.safetensors", "is a folder: choose the name of a file"),
    ],
)
def test_where_nothing_can_be_written(
    out: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.safetensors").mkdir()
    assert main(["convert", "demo", out]) == 2
    assert message in capsys.readouterr().err


def damage_data(folder: Path) -> str:
    data = folder / "model.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[2000] ^= 1
    data.write_bytes(content)
    return "is damaged"


def cut_data(folder: Path) -> str:
    data = folder / "model.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1000])
    return "is cut short"


def remove_data(folder: Path) -> str:
    (folder / "model.data-00000-of-00001").unlink()
    return "is missing beside model.index"


def spoil_config(folder: Path) -> str:
    (folder / "config.json").write_text('{"format": 1, "config": {"channels": 25}}')
    return "config.json: channels must be even, got 25"


def take_other_sizes(folder: Path) -> str:
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"human": 5', '"human": 6'))
    return "2 misshapen keys: _heads/human/_layers/0/b (expected [6], found [5]), _heads/human/_layers/0/w"


@pytest.mark.parametrize("spoil", [damage_data, cut_data, remove_data, spoil_config, take_other_sizes])
def test_an_unusable_model_is_not_converted_but_described(
    spoil: object, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    message = spoil(saved)  # type: ignore[operator]
    out = tmp_path / "own.safetensors"
    assert main(["convert", str(saved), str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved"]
    found = report(saved, capsys)
    assert found["num_tensors"] == 185
    assert found["is_loadable"] == (spoil is damage_data)  # the index alone was read
    assert main(["model", str(saved)]) == 0


def test_something_else_is_described(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_checkpoint(tmp_path / "ckpt", module={"linear/w": tf.Variable(1.0)}, other={"a": tf.Variable(2.0)})
    found = report(tmp_path, capsys)
    assert (found["format"], found["config"], found["is_loadable"]) == ("checkpoint", None, False)
    assert found["foreign"] == ["other/a", "linear/w"]
    assert len(found["missing"]) == 273
    assert main(["model", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "missing of the official model: 273: _trunk/_layers/0/_layers/0/w, " in text
    assert "not an Enformer's weights: missing key _trunk" in text


@pytest.mark.parametrize("name", ["model.index", "model.safetensors", "model.txt"])
def test_no_weights_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / name).write_text("nothing of the kind")
    for command in (["model"], ["convert"]):
        extra = [str(tmp_path / "out.safetensors")] if command == ["convert"] else []
        assert main([*command, str(tmp_path / name), *extra]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("enformer-vep: error: ")
        assert captured.err.count("\n") == 1


def test_the_state_of_enformer_pytorch_and_a_head_of_ones_own(
    tiny: Enformer, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    weights = {key: v.numpy() for key, v in checkpoint_variables(tiny).items()}
    state = pytorch_state(weights, TINY_CONFIG)
    state["_heads.cells.0.weight"] = state.pop("_heads.mouse.0.weight")[:2].copy()
    state["_heads.cells.0.bias"] = state.pop("_heads.mouse.0.bias")[:2].copy()
    save_file(state, tmp_path / "state.safetensors")
    out = tmp_path / "own.safetensors"
    assert main(["convert", str(tmp_path / "state.safetensors"), str(out)]) == 0
    assert "heads: cells (2 tracks), human (5 tracks)" in capsys.readouterr().err
    found = report(out, capsys)
    assert found["config"]["heads"] == {"human": 5, "cells": 2}
    assert found["config"]["num_bins"] == OFFICIAL_CONFIG.num_bins  # which no shape says
    assert found["source"].startswith("pytorch state.safetensors, by ")
    converted = open_source(locate_model(str(out)))
    for key in converted.entries():
        ours = key.replace("/cells/", "/mouse/")
        assert np.array_equal(converted.read(key), weights[ours][..., :2] if ours != key else weights[key])


def test_how_many_tensors_are_published() -> None:
    from enformer_vep.model.architecture import tensor_dtype, tensor_shapes
    from enformer_vep.model.sources.source import TensorEntry

    shapes = tensor_shapes(OFFICIAL_CONFIG)
    crcs = {tensor.checkpoint_key: tensor.masked_crc32c for tensor in published_tensors()}
    entries = {key: TensorEntry(shapes[key], tensor_dtype(key), crc) for key, crc in crcs.items()}
    assert str(PublishedTensors.among(entries)) == "yes: 329 of 329 tensors have the official checksums"
    compact = {key: entry for key, entry in entries.items() if not is_training_state(key)}
    assert str(PublishedTensors.among(compact)) == (
        "yes: 273 of 329 tensors have the official checksums (56 of training state are left out)"
    )
    own_head = {key: entry for key, entry in entries.items() if not key.startswith("_heads/mouse")}
    own_head["_heads/human/_layers/0/b"] = TensorEntry((5313,), "float32", 7)
    assert str(PublishedTensors.among(own_head)) == (
        "no: 326 of 329 tensors have the official checksums; 1 differ: _heads/human/_layers/0/b; "
        "2 absent: _heads/mouse/_layers/0/b, _heads/mouse/_layers/0/w"
    )


def test_a_run_with_a_converted_model(saved: Path, tmp_path: Path) -> None:
    """The scores are the same to the bit, and the run record says of which weights they are."""
    sequence = random_sequence(5000)
    fasta = write_fasta(tmp_path / "genome.fa", {"chr1": sequence})
    vcf = write_vcf(tmp_path / "in.vcf", [("chr1", 2500, ".", sequence[2499], "AC"[sequence[2499] == "A"])])
    own = tmp_path / "own.safetensors"
    assert main(["convert", str(saved), str(own)]) == 0
    tables, records = [], []
    for model in (saved, own):
        out = tmp_path / f"{model.stem}.parquet"
        assert main(["score", vcf, "-f", fasta, "-m", str(model), "-o", str(out), "--quiet"]) == 0
        tables.append(pq.read_table(out).replace_schema_metadata())
        records.append(json.loads(Path(f"{out}.run.json").read_text()))
    assert tables[0].equals(tables[1])
    before, after = (record["model"] for record in records)
    assert (before["format"], after["format"]) == ("enformer-vep", "safetensors")
    assert before["tensors_sha256"] == after["tensors_sha256"]
    assert after["file"]["bytes"] == own.stat().st_size
    assert records[1]["paths"]["model"] == str(own)


@pytest.mark.parametrize("command", ["model", "convert"])
def test_neither_imports_tensorflow(command: str, saved: Path, tmp_path: Path) -> None:
    arguments = [command, str(saved), *([str(tmp_path / "own.safetensors")] if command == "convert" else [])]
    script = (
        f"import sys\nfrom enformer_vep.cli import main\nassert main({arguments!r}) == 0\n"
        "assert not {'tensorflow', 'pandas', 'pyarrow', 'pysam'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_a_model_in_a_folder_that_was_moved(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    shutil.move(saved, tmp_path / "elsewhere")
    assert report(tmp_path / "elsewhere", capsys)["is_loadable"]
