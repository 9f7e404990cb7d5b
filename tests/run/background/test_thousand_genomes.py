"""Backgrounds of made files in the layout of DeepMind's scores of the 1000 Genomes variants."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError, InputError
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy
from enformer_vep.io.tables.background_file import BackgroundFile
from enformer_vep.run.background import thousand_genomes
from enformer_vep.run.background.distribution import point_ranks
from enformer_vep.run.background.record import OpenBackground
from enformer_vep.run.background.thousand_genomes import ThousandGenomesSettings, make_1000g_background
from tests.run_records import IDENTITY, changed
from tests.score_tables import random_scores
from tests.support import random_sequence, write_fasta

GENOME = {"chr21": random_sequence(3_000, seed=7), "chr22": random_sequence(3_000, seed=8)}
IDS = ["ENCFF833POA", "CNhs11250", "ENCFF110QGM"]
LABELS = ["DNASE:cerebellum", "CAGE:K562", "DNASE:frontal cortex"]
NUM = 600


def other(base: str) -> str:
    return "CGTA"["ACGT".index(base)]


def rows(chrom: str, kinds: tuple[str, ...], num: int = NUM) -> list[tuple[str, int, str, str]]:
    """Makes variants, of these kinds in turns."""
    found = []
    for i in range(num):
        pos = 100 + 4 * i
        base = GENOME[f"chr{chrom}"][pos - 1]
        alleles = {
            "snv": (base, other(base)),
            "turned": (other(base), base),
            "neither": (other(base), other(other(base))),
            "indel": (base, base + "T"),
        }
        found.append((chrom, pos, *alleles[kinds[i % len(kinds)]]))
    return found


def write_h5(path: Path, variants: list[tuple[str, int, str, str]], seed: int = 1, **changes: Any) -> np.ndarray:
    """Writes a file in the published layout; returns its SAD and SAR, float16 [variants, 6]."""
    chroms, positions, refs, alts = zip(*variants, strict=True)
    scores = (random_scores(len(variants), 6, seed=seed) / 64).astype(np.float16)
    arrays: dict[str, Any] = {
        "snp": np.array([f"rs{i}" for i in range(len(variants))], "S"),
        "chr": np.array(chroms, "S"),
        "pos": np.array(positions, np.uint32),
        "ref": np.array(refs, "S"),
        "alt": np.array(alts, "S"),
        "target_ids": np.array(IDS, "S"),
        "target_labels": np.array(LABELS, "S"),
        "SAD": scores[:, :3],
        "SAR": scores[:, 3:],
        **changes,
    }
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            if values is not None:
                file.create_dataset(name, data=values)
    return scores


def make(folder: Path, *files: Path, **settings: Any) -> OpenBackground:
    out = str(folder / "background.parquet")
    given = {"files": tuple(map(str, files)), "scale": "sum", **settings}
    make_1000g_background(ThousandGenomesSettings(**given), out, overwrite=True)
    return OpenBackground.open(out)


def points(file: BackgroundFile) -> list[np.ndarray]:
    return [values.copy() for _, values in file.points(range(len(file.keys)))]


def test_scores_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thousand_genomes, "ROWS_AT_A_TIME", 70)
    monkeypatch.setattr(thousand_genomes, "TRACKS_AT_A_TIME", 2)
    scores = [
        write_h5(tmp_path / f"{chrom}.h5", rows(chrom, ("snv", "indel")), seed)
        for seed, chrom in enumerate(("21", "22"))
    ]
    found = make(tmp_path, tmp_path / "21.h5", tmp_path / "22.h5")
    assert found.file.keys == [(statistic, track) for statistic in ("SAD", "SAR") for track in IDS]
    snvs = np.concatenate([of_file[::2] for of_file in scores]).astype(np.float32)
    for column, values in enumerate(points(found.file)):
        assert np.array_equal(values, np.sort(snvs[:, column]))
    record = found.record
    assert record.alleles.snv == record.alleles.total == NUM
    assert record.left_out == {"not_snv": NUM}
    assert (record.dtype, record.scale, record.source, record.weights) == ("float16", 1, "1000G", None)
    assert [of_file["turned"] for of_file in record.inputs] == [None, None]


def test_many_variants_have_known_quantiles(tmp_path: Path) -> None:
    variants = rows("22", ("snv",)) * 25  # 15,000
    scores = write_h5(tmp_path / "22.h5", variants).astype(np.float32)
    for column, values in enumerate(points(make(tmp_path, tmp_path / "22.h5", scale="mean").file)):
        assert np.array_equal(values, 896 * np.sort(scores[:, column])[point_ranks(15_000)])


def test_signs_turn_where_the_genome_has_alt(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "hg19.fa", GENOME)
    kinds = ("snv", "turned", "turned", "snv", "indel", "snv", "snv", "snv", "snv", "snv", "snv", "neither")
    scores = write_h5(tmp_path / "22.h5", rows("22", kinds)).astype(np.float32)
    found = make(tmp_path, tmp_path / "22.h5", fasta=fasta)
    signs = np.array([{"snv": 1, "turned": -1, "neither": 0, "indel": 0}[kinds[i % 12]] for i in range(NUM)])
    expected = (scores * signs[:, None])[signs != 0]
    for column, values in enumerate(points(found.file)):
        assert np.array_equal(values, np.sort(expected[:, column]))
    assert found.record.left_out == {"not_snv": 50, "neither_allele_in_genome": 50}
    assert found.record.inputs[0]["turned"] == 100
    # Without the genome, ref is trusted.
    trusted = make(tmp_path, tmp_path / "22.h5")
    assert trusted.record.alleles.total == NUM - 50


def test_another_genome_is_refused(tmp_path: Path) -> None:
    write_h5(tmp_path / "22.h5", rows("22", ("snv",)))
    other_genome = write_fasta(tmp_path / "hg38.fa", {"chr22": random_sequence(3_000, seed=9)})
    with pytest.raises(InputError, match=r"hg38.fa has neither allele of \d+ of 600 SNVs .* expected the genome hg19"):
        make(tmp_path, tmp_path / "22.h5", fasta=other_genome)
    lacking = write_fasta(tmp_path / "lacking.fa", {"chr21": GENOME["chr21"]})
    with pytest.raises(InputError, match="neither allele of 600 of 600 SNVs"):
        make(tmp_path, tmp_path / "22.h5", fasta=lacking)


def test_it_fits_runs_of_the_published_weights_alone(tmp_path: Path) -> None:
    write_h5(tmp_path / "22.h5", rows("22", ("snv",)))
    found = make(tmp_path, tmp_path / "22.h5")
    run = changed(
        IDENTITY,
        statistics=("SAD",),
        placement="centred",
        views=ViewSettings(reverse_complement=False, indels=IndelPolicy.TOWER),
        precision="float32",
    )
    found.check(run, IDS[:2])
    for changes, message in (
        (
            {"model": replace(IDENTITY.model, is_published=False)},
            "its weights are the published Enformer, this run has e",
        ),
        ({"placement": "grid"}, "its placement is centred, this run has grid"),
        ({"views": ViewSettings(reverse_complement=True, indels=IndelPolicy.TOWER)}, "reverse_complement is False"),
        ({"head": "mouse"}, "head is human"),
        ({"statistics": ("SADR",)}, "has no SADR"),
    ):
        with pytest.raises(InputError, match=message):
            found.check(changed(run, **changes), IDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pos": None}, "has no array pos"),
        ({"target_ids": None}, "has no array target_ids"),
        ({"SAD": None, "SAR": None}, "has no array SAD or SAR"),
        ({"SAD": np.zeros((NUM, 3), np.float32)}, "expected SAD to be float16 of shape .600, 3., found float32"),
        ({"SAR": np.zeros((NUM, 2), np.float16)}, "expected SAR to be float16 of shape .600, 3., found float16 of"),
        ({"ref": np.array(["A"], "S")}, "expected ref to have shape"),
        ({"target_ids": np.array(["A", "A", "B"], "S")}, "expected target_ids that are all different"),
    ],
)
def test_files_of_another_layout_are_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_h5(tmp_path / "22.h5", rows("22", ("snv",)), **changes)
    with pytest.raises(InputError, match=message):
        make(tmp_path, tmp_path / "22.h5")
    assert not (tmp_path / "background.parquet").exists()


def test_files_of_different_models_are_refused(tmp_path: Path) -> None:
    write_h5(tmp_path / "21.h5", rows("21", ("snv",)))
    write_h5(tmp_path / "22.h5", rows("22", ("snv",)), target_ids=np.array(["A", "B", "C"], "S"))
    with pytest.raises(InputError, match="differ in their identifiers"):
        make(tmp_path, tmp_path / "21.h5", tmp_path / "22.h5")
    with pytest.raises(InputError, match="is given twice"):
        make(tmp_path, tmp_path / "21.h5", tmp_path / "21.h5")


def test_one_statistic_is_enough(tmp_path: Path) -> None:
    write_h5(tmp_path / "22.h5", rows("22", ("snv",)), SAR=None, target_labels=None)
    found = make(tmp_path, tmp_path / "22.h5")
    assert found.record.scoring.names == ("SAD",)


def test_only_indels_are_no_background(tmp_path: Path) -> None:
    write_h5(tmp_path / "22.h5", rows("22", ("indel",)))
    with pytest.raises(InputError, match="has no SNV that can be used"):
        make(tmp_path, tmp_path / "22.h5")


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "22.h5", "w") as file:
        variants = rows("22", ("snv",))
        for name, values in zip(("chr", "pos", "ref", "alt"), zip(*variants, strict=True), strict=True):
            file[name] = np.array(values) if name == "pos" else np.array(values, "S")
        file["target_ids"] = np.array(IDS, "S")
        scores = np.random.default_rng(1).normal(size=(NUM, 3)).astype(np.float16)
        file.create_dataset("SAD", data=scores, chunks=(NUM, 3), fletcher32=True)
        offset = file["SAD"].id.get_chunk_info(0).byte_offset
    content = bytearray((tmp_path / "22.h5").read_bytes())
    content[offset] ^= 255
    (tmp_path / "22.h5").write_bytes(content)
    with pytest.raises(EnformerVepError, match=r"22\.h5 is damaged: .*; download it again"):
        make(tmp_path, tmp_path / "22.h5")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_h5(tmp_path / "22.h5", rows("22", ("snv", "indel")))
    fasta = write_fasta(tmp_path / "hg19.fa", GENOME)
    command = ["background", "--from-1000g", str(tmp_path / "22.h5"), "-o", str(tmp_path / "background.parquet")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "say it with --scale mean or --scale sum" in error
    assert error.count("\n") == 1
    assert main([*command, "--scale", "mean", "-f", fasta]) == 0
    assert (
        "background of 300 alleles (300 SNVs); left out 300 (300 not_snv); SAD, SAR of 3 tracks: "
        in capsys.readouterr().err
    )
    (tmp_path / "text.h5").write_text("text")
    assert main(["background", "--from-1000g", str(tmp_path / "text.h5"), "--scale", "sum", "-o", "b"]) == 2
    assert "cannot be read as HDF5" in capsys.readouterr().err


def test_without_h5py_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(InputError, match=r"requires h5py: install it with pip install 'enformer-vep\[background\]'"):
        make(tmp_path, tmp_path / "22.h5")


@pytest.mark.parametrize(("scale", "ratio"), [(1, "1.0"), (896, "896.0")])
def test_the_page_tells_means_from_sums(
    scale: int, ratio: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "background.md").read_text(encoding="utf-8")
    draw, compare = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[:2]
    monkeypatch.chdir(tmp_path)
    variants = rows("22", ("snv",))
    scores = write_h5(tmp_path / "1000G.MAF_threshold=0.005.22.h5", variants)[:, 0].astype(np.float64)
    exec(draw, {})
    lines = (tmp_path / "some.txt").read_text().splitlines()
    assert len(lines) == 30
    places = [variants.index((chrom, int(pos), ref, alt)) for chrom, pos, ref, alt in (x.split(":") for x in lines)]
    largest = np.argsort(-np.abs(scores), kind="stable")[:30]
    assert np.abs(scores[places]).min() == np.abs(scores[largest]).min()
    # What a run gives, of all but one of them, which it skips.
    table = pd.DataFrame({name: ["x"] * 29 for name in ("chrom", "pos", "id", "ref", "alt")})
    table["record"], table["allele"] = np.arange(1, 30), 1
    table["SAD:ENCFF833POA"] = (scores[places][1:] * scale).astype(np.float32)
    table.to_parquet(tmp_path / "some.parquet")
    exec(compare, {})
    assert capsys.readouterr().out.strip() == ratio
