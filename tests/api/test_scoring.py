"""Scores of variants in memory."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import enformer_vep as ev
from tests.api.conftest import RECORDS

ID_COLUMNS = ["chrom", "pos", "id", "ref", "alt", "record", "allele"]


def scored(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["status"] == "scored"].drop(columns=["status", "detail"]).reset_index(drop=True)


def test_scores_are_those_that_score_writes_to_the_bit(folder: Path, opened: ev.Model, written: Path) -> None:
    found = opened.score(folder / "input.vcf", stats="SAD,SAR", allow_mismatches=True)
    table = pd.read_parquet(written)
    assert list(found.columns) == [*ID_COLUMNS, "status", "detail", *table.columns[len(ID_COLUMNS) :]]
    assert len(found) == len(RECORDS)
    pd.testing.assert_frame_equal(scored(found), table, check_exact=True)
    skipped = pd.read_csv(f"{written}.skipped.tsv", sep="\t")
    unscored = found[found["status"] != "scored"]
    assert unscored["status"].tolist() == skipped["reason"].tolist()
    assert unscored["detail"].tolist() == skipped["detail"].tolist()
    assert unscored.iloc[:, 9:].isna().all(axis=None)
    assert (found.iloc[:, 9:].dtypes == np.float32).all()


def test_one_call_gives_the_same_as_an_open_model(folder: Path, opened: ev.Model) -> None:
    variants = [f"{chrom}:{pos}:{ref}:{alt}" for chrom, pos, _, ref, alt in RECORDS[:2]]
    found = ev.score_variants(variants, fasta=folder / "genome.fa", model=folder / "model", tracks=[3, "0-1"])
    pd.testing.assert_frame_equal(found, opened.score(variants, tracks="3,0-1"), check_exact=True)
    assert [name for name in found if ":" in name] == [f"SAD:human_{track}" for track in (3, 0, 1)]


def test_a_frame_keeps_its_index_and_its_other_columns(opened: ev.Model, frame: pd.DataFrame) -> None:
    frame = frame.assign(p_value=np.linspace(0, 1, len(frame))).rename(columns={"chrom": "#CHROM", "pos": "POS"})
    frame.index = pd.Index([f"row_{number}" for number in range(len(frame))], name="row")
    frame.loc["row_0", "alt"] = "G,<DEL>,T"
    before = frame.copy()
    found = opened.score(frame, allow_mismatches=True)
    assert found.index.tolist() == ["row_0"] * 3 + frame.index.tolist()[1:]
    assert found.index.name == "row"
    assert found["p_value"].tolist() == [0, 0, *frame["p_value"]]
    assert found["allele"].tolist()[:4] == [1, 2, 3, 1]
    assert found["alt"].tolist()[:3] == ["G", "<DEL>", "T"]
    assert found["status"].tolist()[1] == ev.SkipReason.SYMBOLIC_ALT
    pd.testing.assert_frame_equal(frame, before)


def test_polars_in_is_polars_out(opened: ev.Model, frame: pd.DataFrame) -> None:
    given = pl.from_pandas(frame).with_columns(pl.lit(1.5).alias("beta"))
    found = opened.score(given, allow_mismatches=True)
    assert isinstance(found, pl.DataFrame)
    expected = opened.score(frame, allow_mismatches=True)
    assert found["beta"].to_list() == [1.5] * len(frame)
    assert found.drop("beta").columns == list(expected.columns)
    for name in expected:
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy())
    assert found["SAD:human_0"].dtype == pl.Float32
    with pytest.raises(ev.InputError, match="collect"):
        opened.score(given.lazy())  # type: ignore[call-overload]


def test_texts_tuples_and_variants_are_the_same(opened: ev.Model) -> None:
    chrom, pos, _, ref, alt = RECORDS[0]
    one = opened.score(f"{chrom}:{pos}:{ref}:{alt}")
    for variants in (
        [(chrom, pos, ref, alt)],
        iter([ev.Variant(chrom, pos, ref, alt)]),
        [f"{chrom}-{pos}-{ref}-{alt}"],
    ):
        pd.testing.assert_frame_equal(opened.score(variants), one, check_exact=True)
    assert opened.score([(chrom, pos, ref, alt, "rs1")])["id"].tolist() == ["rs1"]


def test_one_variant_needs_no_list(opened: ev.Model) -> None:
    chrom, pos, _, ref, alt = RECORDS[0]
    expected = opened.score([(chrom, pos, ref, alt)])
    for one in ((chrom, pos, ref, alt), (chrom, str(pos), ref, alt), ev.Variant(chrom, pos, ref, alt)):
        pd.testing.assert_frame_equal(opened.score(one), expected, check_exact=True)
    four = tuple(f"{chrom}:{pos}:{ref}:{alt}" for _ in range(4))
    assert opened.score(four)["status"].tolist() == ["scored"] * 4


def test_an_unknown_contig_is_marked_beside_a_known_one(opened: ev.Model) -> None:
    chrom, pos, _, ref, alt = RECORDS[0]
    found = opened.score([(chrom, pos, ref, alt), ("chr7", 1, "A", "C")])
    assert found["status"].tolist() == ["scored", "contig_not_in_fasta"]


def test_a_polars_frame_may_have_no_other_columns(opened: ev.Model) -> None:
    chrom, pos, _, ref, alt = RECORDS[0]
    found = opened.score(pl.DataFrame({"chrom": [chrom], "pos": [pos], "ref": [ref], "alt": [f"{alt},<DEL>"]}))
    assert found["status"].to_list() == ["scored", "symbolic_alt"]
    expected = opened.score(f"{chrom}:{pos}:{ref}:{alt}")["SAD:human_0"].tolist()
    assert found["SAD:human_0"].to_list()[:1] == expected


def test_what_is_no_variant_is_marked_and_not_lost(opened: ev.Model) -> None:
    chrom, pos, _, ref, alt = RECORDS[0]
    frame = pd.DataFrame(
        {
            "chrom": [chrom, None, chrom, chrom, chrom],
            "pos": [pos, pos, None, pos + 0.5, pos],
            "ref": [ref, ref, ref, ref, ref],
            "alt": [alt, alt, alt, alt, None],
        }
    )
    found = opened.score(frame)
    assert found["status"].tolist() == ["scored", *["malformed_record"] * 3, "no_alt"]
    assert "chrom is missing" in found["detail"][1]
    assert "pos is nan, expected a whole number" in found["detail"][2]
    assert found["pos"].tolist() == [pos, pos, 0, 0, pos]
    texts = opened.score([f"{chrom}:{pos}:{ref}:{alt}", "rs12345"])
    assert texts["status"].tolist() == ["scored", "malformed_record"]
    assert "variant 1 is 'rs12345': expected chr:pos:ref:alt" in texts["detail"][1]


def test_no_variants_give_no_rows(opened: ev.Model, frame: pd.DataFrame) -> None:
    assert opened.score([]).shape == (0, 14)
    assert opened.score(frame.iloc[:0]).shape == (0, 14)
    assert opened.score(pl.from_pandas(frame).head(0)).shape == (0, 14)


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        (17, "the variants are a int"),
        ({"chrom": ["chr1"]}, "the variants are a dict"),
        ([17], "variant 0 is 17"),
        ("none.vcf", "no such file: none.vcf"),
        (pd.DataFrame({"chrom": [], "pos": [], "ref": []}), "no column 'alt'"),
        (pd.DataFrame({"Chrom": [], "chrom": [], "pos": [], "ref": [], "alt": []}), "'Chrom' and 'chrom'"),
        (pd.DataFrame({"chrom": [], "pos": [], "ref": [], "alt": [], "status": []}), "column 'status'"),
        ([("chr8", 1, "A", "C")], "none of the contigs"),
    ],
)
def test_unusable_variants_are_refused_in_one_line(opened: ev.Model, variants: Any, message: str) -> None:
    with pytest.raises(ev.InputError, match=message) as caught:
        opened.score(variants)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stats": "SADD"}, "did you mean SAD"),
        ({"tracks": "assay:CAGE"}, "no track of the human head measures"),
        ({"tracks": []}, "no track"),
        ({"window": "center"}, "did you mean centred"),
        ({"bins": "centre:0"}, "at least 1 bp"),
        ({"bins": "chr9:1-5"}, "no contig chr9"),
        ({"shifts": (1, 1)}, "stands twice"),
        ({"shifts": 5000}, "5000"),
        ({"indels": "towr"}, "did you mean tower"),
        ({"strict": True}, "cannot be scored.*remove strict=True to skip"),
    ],
)
def test_unusable_options_are_refused_in_one_line(opened: ev.Model, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ev.InputError, match=message) as caught:
        opened.score([("chr1", 3000, "A", "<DEL>")], **options)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)


def test_a_second_call_uses_the_engine_of_the_first(opened: ev.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.score([RECORDS[0][:2] + RECORDS[0][3:]])
    made: list[object] = []
    monkeypatch.setattr("enformer_vep.run.session.make_engine", lambda *arguments: made.append(arguments))
    engine = opened._session.scorer(opened._session.scoring).engine
    num_traces, num_passes = engine.num_traces, engine.counts().transformer_passes  # type: ignore[attr-defined]
    found = opened.score([RECORDS[0][:2] + RECORDS[0][3:]])
    assert found["status"].tolist() == ["scored"]
    assert not made
    assert engine.counts().transformer_passes > num_passes
    assert engine.num_traces == num_traces > 0  # type: ignore[attr-defined]


def test_threads_take_turns(opened: ev.Model) -> None:
    variants = [record[:2] + record[3:] for record in RECORDS[:3]]
    expected = opened.score(variants)
    found: list[pd.DataFrame] = []
    threads = [threading.Thread(target=lambda: found.append(opened.score(variants))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for frame in found:
        pd.testing.assert_frame_equal(frame, expected, check_exact=True)


def test_a_closed_model_says_so(folder: Path) -> None:
    with ev.open_model(folder / "model", folder / "genome.fa", tracks="0") as opened:
        assert opened.tracks["identifier"].tolist() == ["human_0"]
    assert repr(opened).endswith("closed>")
    with pytest.raises(ev.InputError, match="closed"):
        opened.score([("chr1", 3000, "A", "C")])


def test_environment_names_the_genome_and_the_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENFORMER_VEP_FASTA", raising=False)
    with pytest.raises(ev.InputError, match="which genome"):
        ev.open_model("demo")
    monkeypatch.setenv("ENFORMER_VEP_FASTA", str(folder / "genome.fa"))
    monkeypatch.setenv("ENFORMER_VEP_MODEL", str(folder / "model"))
    with ev.open_model() as opened:
        assert opened.fasta == str(folder / "genome.fa")
        assert len(opened.tracks) == 5


def test_a_bar_is_shown_on_request_alone(opened: ev.Model, capsys: pytest.CaptureFixture[str]) -> None:
    variants = [RECORDS[0][:2] + RECORDS[0][3:]]
    opened.score(variants)
    assert capsys.readouterr() == ("", "")
    opened.score(variants, progress=True)
    assert "1/1" in capsys.readouterr().err


def test_unknown_options_of_score_vcf_are_refused(folder: Path) -> None:
    with pytest.raises(TypeError, match="no option 'stat'; did you mean stats"):
        ev.score_vcf(folder / "input.vcf", stat="SAD")
    with pytest.raises(ev.InputError, match="unknown layout 'long_'"):
        ev.score_vcf(folder / "input.vcf", layout="long_")
