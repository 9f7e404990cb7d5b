"""From a VCF to its table, with a tiny model, against windows that the test lays itself."""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enformer_vep.errors import EnformerVepError, InputError, SkipReason, VcfError
from enformer_vep.genome.layout import FetchCodes
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.engine import EngineSettings, Scores
from enformer_vep.inference.full import FullEngine
from enformer_vep.inference.reusing import ReusingEngine
from enformer_vep.model.enformer import Enformer
from enformer_vep.run import opening
from enformer_vep.run.models import OpenModel
from enformer_vep.run.pipeline import score_vcf
from enformer_vep.run.results import RUN_METADATA, TRACKS_METADATA
from enformer_vep.run.settings import InputSettings, OutputSettings, ScoreSettings, ScoringSettings
from enformer_vep.scoring import Statistic
from tests.pipeline_runs import GENOME, HUMAN, LENGTH, SCORED, other, reference, run, write_inputs
from tests.support import TINY_CONFIG, reference_model, write_vcf

pytestmark = pytest.mark.slow

SKIPPED = [
    ("chr1", 3000, "mismatch", other(reference("chr1", 3000)), "NOT", SkipReason.INVALID_ALT),
    (
        "chr1",
        3000,
        "mismatch",
        other(reference("chr1", 3000)),
        other(other(reference("chr1", 3000))),
        SkipReason.REF_MISMATCH,
    ),
    ("chr1", 3000, "swapped", other(reference("chr1", 3000)), reference("chr1", 3000), SkipReason.REF_ALT_SWAPPED),
    ("chr3", 3000, "contig", "A", "C", SkipReason.CONTIG_NOT_IN_FASTA),
    ("chr1", 3000, "symbolic", reference("chr1", 3000), "<DUP>", SkipReason.SYMBOLIC_ALT),
    ("chr1", 3000, "no_alt", reference("chr1", 3000), ".", SkipReason.NO_ALT),
    ("chr1", 3000, "star", reference("chr1", 3000), "*", SkipReason.SPANNING_DELETION),
    ("chr2", 700, "past_end", reference("chr2", 700) + "A", "C", SkipReason.OUT_OF_RANGE),
    ("chr1", 3000, "long", reference("chr1", 3000), "A" * (LENGTH // 2 + 2), SkipReason.ALLELE_TOO_LONG),
    ("chr1", 3000, "iupac", reference("chr1", 3000), "R", SkipReason.INVALID_ALT),
]


@pytest.fixture(scope="module")
def model() -> Enformer:
    return reference_model(TINY_CONFIG)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Enformer) -> Path:
    return write_inputs(tmp_path_factory.mktemp("pipeline"), model)


def one_hot_window(sequence: str, start: int) -> np.ndarray:
    """The window [start, start + LENGTH) of a sequence, N beyond its ends."""
    padded = "N" * LENGTH + sequence.upper() + "N" * 2 * LENGTH
    letters = padded[start + LENGTH : start + 2 * LENGTH]
    return np.array([[letter == base for base in "ACGT"] for letter in letters], np.float32)


def expected_sad(model: Enformer, chrom: str, pos: int, ref: str, alt: str) -> np.ndarray:
    """SAD with windows laid by hand: the same left flank, the alternate's right flank as long as it needs to be."""
    contig = GENOME[{"1": "chr1", "MT": "chrM"}.get(chrom, chrom)]
    start = pos - 1 - (LENGTH // 2 - 1)
    changed = contig[: pos - 1] + alt + contig[pos - 1 + len(ref) :]
    x = model(np.stack([one_hot_window(contig, start), one_hot_window(changed, start)]))["human"].numpy().astype(float)
    return (x[1] - x[0]).sum(0)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_every_kind_of_allele_is_scored_as_its_windows_say(
    folder: Path, model: Enformer, tmp_path: Path, batch_size: int
) -> None:
    table = run(folder, tmp_path / "out.parquet", SCORED, batch_size=batch_size)
    assert list(table["id"]) == [record[2] for record in SCORED]
    assert list(table["record"]) == list(range(len(SCORED)))
    for row, record in zip(table.itertuples(index=False), SCORED, strict=True):
        expected = expected_sad(model, record[0], record[1], record[3], record[4])
        found = np.array(row[7:], float)
        np.testing.assert_allclose(found, expected, atol=2e-3 * max(expected.std(), 1e-3), err_msg=record[2])
    assert not table.loc[table["id"] == "ref_is_alt", HUMAN].to_numpy().any()


def test_every_allele_is_scored_or_skipped_with_its_reason(folder: Path, tmp_path: Path) -> None:
    records = [record for pair in zip(SCORED, SKIPPED, strict=False) for record in pair]
    table = run(folder, tmp_path / "out.tsv", records)
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t", dtype={"chrom": str})
    assert list(table["id"]) == [record[2] for record in SCORED[: len(SKIPPED)]]
    assert list(zip(skipped["id"], skipped["reason"], strict=True)) == [(r[2], r[5].value) for r in SKIPPED]
    assert skipped["detail"].str.len().min() > 10
    assert sorted([*table["record"], *skipped["record"]]) == list(range(len(records)))
    counts = json.loads((tmp_path / "out.tsv.run.json").read_text())["counts"]
    assert counts["alleles_read"] == counts["alleles_scored"] + counts["alleles_skipped"] == len(records)
    assert counts["skipped_by_reason"]["ref_mismatch"] == 1


def test_several_alts_are_several_rows(folder: Path, tmp_path: Path) -> None:
    ref = reference("chr1", 3000)
    table = run(folder, tmp_path / "out.tsv", [("chr1", 3000, ".", ref, f"{other(ref)},*,{ref}GG")])
    assert list(zip(table["record"], table["allele"], table["alt"], strict=True)) == [
        (0, 1, other(ref)),
        (0, 3, f"{ref}GG"),
    ]
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t")
    assert skipped[["record", "allele", "alt"]].values.tolist() == [[0, 2, "*"]]


def test_text_and_parquet_hold_the_same(folder: Path, tmp_path: Path) -> None:
    tables = [run(folder, tmp_path / f"out{suffix}", SCORED[:3]) for suffix in (".parquet", ".tsv", ".tsv.gz")]
    for table in tables[1:]:
        assert np.array_equal(table[HUMAN].to_numpy(np.float32), tables[0][HUMAN].to_numpy(np.float32))
        assert list(table["chrom"]) == ["chr1", "chr1", "1"]


def test_statistics_head_and_tracks(folder: Path, tmp_path: Path) -> None:
    whole = run(folder, tmp_path / "a.tsv", SCORED[:2], statistics="SAR,SAD,SADR", head="mouse")
    assert list(whole.columns[7:]) == [f"{stat}:mouse_{i}" for stat in ("SAR", "SAD", "SADR") for i in range(3)]
    some = run(folder, tmp_path / "b.tsv", SCORED[:2], statistics="SAD", head="mouse", tracks="2,mouse_0")
    assert list(some.columns[7:]) == ["SAD:mouse_2", "SAD:mouse_0"]
    np.testing.assert_allclose(some["SAD:mouse_2"], whole["SAD:mouse_2"], rtol=1e-3)
    tracks = pd.read_csv(tmp_path / "b.tsv.tracks.tsv", sep="\t")
    assert list(tracks["index"]) == [2, 0]


def test_a_track_table_names_the_columns(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"{5313 + i}\tENC{i}\tDNASE:{i}\n" for i in range(3))
    (tmp_path / "tracks.txt").write_text(f"index\tidentifier\tdescription\n{rows}")
    options = {"head": "mouse", "track_table": str(tmp_path / "tracks.txt"), "tracks": "ENC1"}
    table = run(folder, tmp_path / "out.parquet", SCORED[:1], **options)
    assert list(table.columns[7:]) == ["SAD:ENC1"]
    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[TRACKS_METADATA]) == {
        "index": [1],
        "identifier": ["ENC1"],
        "description": ["DNASE:1"],
        "assay": ["DNASE"],
        "target": [""],
        "biosample": ["1"],
    }


def test_a_model_may_have_its_own_track_table(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "model"
    shutil.copytree(folder / "model", own)
    rows = "".join(f"{i}\tOWN:{i}\tCAGE:{i}\n" for i in range(3))
    (own / "tracks_mouse.tsv").write_text(f"index\tidentifier\tdescription\n{rows}")
    options = {"model": str(own), "head": "mouse"}
    assert list(run(folder, tmp_path / "a.tsv", SCORED[:1], **options).columns[7:]) == [
        f"SAD:OWN:{i}" for i in range(3)
    ]
    assert list(run(folder, tmp_path / "b.tsv", SCORED[:1], model=str(own)).columns[7:]) == HUMAN
    named = tmp_path / "tracks.txt"
    named.write_text((own / "tracks_mouse.tsv").read_text().replace("OWN", "GIVEN"))
    table = run(folder, tmp_path / "c.tsv", SCORED[:1], **options, track_table=str(named))
    assert list(table.columns[7:]) == [f"SAD:GIVEN:{i}" for i in range(3)]


def test_the_run_record_says_what_was_run_on_what(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out.parquet", SCORED[:3], command="enformer-vep score x", statistics="SAD,SAR")
    record = json.loads((tmp_path / "out.parquet.run.json").read_text())
    in_parquet = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[RUN_METADATA])
    assert in_parquet["counts"]["alleles_scored"] == 3
    assert in_parquet == {name: record[name] for name in in_parquet}
    assert set(record) - set(in_parquet) == {  # how it went, which is not the same each time
        "command",
        "paths",
        "started",
        "seconds_scoring",
        "seconds_total",
        "peak_memory_bytes",
        "alleles_of_earlier_runs",
        "transformer_passes",
        "tower_bins",
        "batch_size_at_end",
        "device_name",
    }
    assert record["command"] == "enformer-vep score x"
    assert record["versions"]["tensorflow"][0].isdigit()
    assert len(record["vcf"]["sha256"]) == len(record["fasta"]["index"]["sha256"]) == 64
    assert len(record["fasta"]["sha256"]) == len(record["model"]["tensors_sha256"]) == 64
    assert record["model"]["is_published"] is False
    assert record["model"]["config"]["channels"] == 24
    assert (record["placement"], record["precision"], record["device"]) == ("centred", "float32", "CPU")
    assert record["transformer_passes"] == 5  # of three alleles two share their reference window
    assert record["seconds_total"] >= record["seconds_scoring"] >= 0
    assert record["peak_memory_bytes"] > 1e8


def test_a_vcf_without_records_gives_a_table_without_rows(folder: Path, tmp_path: Path) -> None:
    for suffix in (".parquet", ".tsv"):
        table = run(folder, tmp_path / f"out{suffix}", [])
        assert len(table) == 0
        assert list(table.columns[7:]) == HUMAN
        assert (tmp_path / f"out{suffix}.skipped.tsv").read_text().count("\n") == 1


def test_the_output_is_named_by_the_vcf(folder: Path, tmp_path: Path) -> None:
    vcf = write_vcf(tmp_path / "input.vcf", SCORED[:1])
    summary = score_vcf(ScoreSettings.of(vcf=vcf, fasta=str(folder / "genome.fa"), model=str(folder / "model")))
    assert summary.table == tmp_path / "input.model.parquet"
    assert summary.table.exists()


def test_a_damaged_file_is_found_before_anything_runs(folder: Path, tmp_path: Path) -> None:
    vcf = tmp_path / "a.vcf.gz"
    pysam.tabix_compress(write_vcf(tmp_path / "a.vcf", SCORED[:2]), str(vcf))
    vcf.write_bytes(vcf.read_bytes()[:-28])
    before = sorted(tmp_path.iterdir())
    settings = ScoreSettings(
        InputSettings(str(vcf), str(folder / "genome.fa")),
        ScoringSettings(str(folder / "model")),
        output=OutputSettings(str(tmp_path / "out.tsv")),
    )
    with pytest.raises(VcfError, match="is cut short: it ends without bgzip's empty last block") as caught:
        score_vcf(settings)
    assert caught.value.exit_code == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_line_that_is_no_record_is_skipped(folder: Path, tmp_path: Path) -> None:
    vcf = Path(write_vcf(tmp_path / "a.vcf", SCORED[:2]))
    vcf.write_text(vcf.read_text() + "chr1\tnine\n")
    score_vcf(
        ScoreSettings(
            InputSettings(str(vcf), str(folder / "genome.fa")),
            ScoringSettings(str(folder / "model")),
            output=OutputSettings(str(tmp_path / "out.tsv")),
        )
    )
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t")
    assert list(skipped["reason"]) == ["malformed_record"]
    assert "line 6" in skipped["detail"][0]
    assert len(pd.read_csv(tmp_path / "out.tsv", sep="\t")) == 2


def test_counts_that_do_not_close_are_a_failure(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = ReusingEngine.compare
    monkeypatch.setattr(ReusingEngine, "compare", lambda self, *arguments: list(compare(self, *arguments))[1:])
    with pytest.raises(EnformerVepError, match="expected predictions for 3 alleles, found 2") as caught:
        run(folder, tmp_path / "out.tsv", SCORED[:3])
    assert caught.value.exit_code == 1
    assert not (tmp_path / "out.tsv").exists()


def test_strict_stops_at_the_first_that_cannot_be_scored(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"record 2 \(chr3:3000 A>C\) cannot be scored: .*contig_not_in_fasta.*--strict"
    ):
        run(folder, tmp_path / "out.tsv", [SCORED[0], SKIPPED[3], SKIPPED[4]], strict=True)
    assert len(run(folder, tmp_path / "out.tsv", SCORED[:2], strict=True)) == 2


def test_another_assembly_is_found_before_anything_runs(folder: Path, tmp_path: Path) -> None:
    right = [("chr1", pos, ".", reference("chr1", pos), other(reference("chr1", pos))) for pos in range(100, 1000)]
    wrong = [("chr1", pos, ".", other(reference("chr1", pos)), reference("chr1", pos)) for pos in range(100, 250)]
    options = {"allow_mismatches": False, "model": "demo"}
    with pytest.raises(InputError, match=r"REF of \d+ of \d+ alleles .* swapped.* --allow-mismatches"):
        run(folder, tmp_path / "out.tsv", wrong + right, **options)
    # 90 of 990 are below 10%: the run goes on, here to the next thing that is wrong with it
    with pytest.raises(InputError, match="unknown head 'fly'"):
        run(folder, tmp_path / "out.tsv", wrong[:90] + right, **options, head="fly")
    with pytest.raises(InputError, match="unknown head 'fly'"):
        run(folder, tmp_path / "out.tsv", wrong, **{**options, "allow_mismatches": True}, head="fly")


def test_contigs_that_the_fasta_has_not_are_found_before_anything_runs(folder: Path, tmp_path: Path) -> None:
    records = [("scaffold_1", 100, ".", "A", "C")]
    with pytest.raises(InputError, match=r"has none of the contigs of .* has scaffold_1, the FASTA has chr1"):
        run(folder, tmp_path / "out.tsv", records, allow_mismatches=False)
    with pytest.raises(InputError, match="region 'chr99': neither"):
        run(folder, tmp_path / "out.tsv", SCORED, regions=("chr1:3000-3100", "chr99"))
    assert not (tmp_path / "out.tsv").exists()


def test_a_selection_of_nothing_is_a_warning_and_an_empty_table(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = run(folder, tmp_path / "out.tsv", SCORED, regions=("chr1:1-10",))
    assert len(table) == 0
    assert list(table.columns[-5:]) == HUMAN
    assert "no record of" in caplog.text
    assert json.loads((tmp_path / "out.tsv.run.json").read_text())["counts"]["records_left_out"] == len(SCORED)


def test_a_list_of_variants_gives_what_the_vcf_gives(folder: Path, tmp_path: Path) -> None:
    expected = run(folder, tmp_path / "vcf.tsv", SCORED[:4])
    (tmp_path / "list.txt").write_text("".join(f"{c}:{pos}:{ref}:{alt}\n" for c, pos, _, ref, alt in SCORED[:4]))
    found = run(folder, tmp_path / "list.tsv", [], vcf=str(tmp_path / "list.txt"))
    assert found.drop(columns="id").equals(expected.drop(columns="id"))
    assert set(found["id"]) == {"."}


def test_selection_is_counted_apart(folder: Path, tmp_path: Path) -> None:
    table = run(folder, tmp_path / "out.tsv", SCORED, regions=("chr1:3000-3100", "chrM"))
    assert list(table["id"]) == ["snv", "same_place", "mnv", "mitochondrial"]
    assert list(table["record"]) == [0, 1, 2, 9]
    counts = json.loads((tmp_path / "out.tsv.run.json").read_text())["counts"]
    assert (counts["records"], counts["records_left_out"]) == (len(SCORED), len(SCORED) - 4)
    assert (counts["alleles_read"], counts["alleles_skipped"]) == (4, 0)


class BrokenEngine(FullEngine):
    """Predicts NaN for every `every`-th allele."""

    every = 1
    count = 0

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[Scores]:
        for found in super().compare(comparisons, statistics):
            self.count += 1
            factor = np.nan if self.count % self.every == 0 else 1
            yield {name: factor * of_statistic for name, of_statistic in found.items()}


def test_what_is_not_finite_is_never_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make_engine(model: OpenModel, _: object, __: object, fetch: FetchCodes) -> FullEngine:
        return BrokenEngine(model.loaded.model, fetch, EngineSettings("human", batch_size=model.batch_size))

    monkeypatch.setattr(opening, "make_engine", make_engine)
    records = [("chr1", 3000, f"v{i}", reference("chr1", 3000), reference("chr1", 3000) + "A" * i) for i in range(150)]
    monkeypatch.setattr(BrokenEngine, "every", 100)
    table = run(folder, tmp_path / "out.tsv", records, part_size=1000, batch_size=10)
    assert np.isfinite(table[HUMAN].to_numpy()).all()
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t")
    assert skipped[["id", "reason"]].values.tolist() == [["v99", "not_finite"]]
    monkeypatch.setattr(BrokenEngine, "every", 50)  # 3 of 150 are above 1%
    with pytest.raises(
        EnformerVepError, match="3 of 150 predictions are NaN or infinite, expected at most 1%"
    ) as caught:
        run(folder, tmp_path / "again.tsv", records, part_size=1000, batch_size=10)
    assert caught.value.exit_code == 1


BASES = st.text("ACGTacgtN", min_size=1, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.tuples(
            st.sampled_from(["chr1", "2", "chrM", "chr9"]),
            st.integers(0, 800),
            st.one_of(BASES, st.none()),  # None: what the FASTA has there
            st.integers(1, 30),
            st.lists(
                st.one_of(BASES, st.sampled_from(["*", "<DEL>", ".", "<NON_REF>", "A[chr2:5["])), min_size=1, max_size=3
            ),
        ),
        max_size=6,
    )
)
def test_any_allele_is_in_the_output_exactly_once(
    records: list[tuple], folder: Path, model: Enformer, tmp_path: Path
) -> None:
    lines = []
    for chrom, pos, ref, num_ref, alts in records:
        contig = GENOME.get({"2": "chr2"}.get(chrom, chrom), "")
        ref = ref or contig[max(pos - 1, 0) : max(pos - 1, 0) + num_ref] or "A"
        lines.append((chrom, pos, ".", ref, ",".join(alts)))
    table = run(folder, tmp_path / "out.tsv", lines, overwrite=True)
    skipped = pd.read_csv(tmp_path / "out.tsv.skipped.tsv", sep="\t", keep_default_na=False)
    expected = [(i, a) for i, line in enumerate(lines) for a in range(1, line[4].count(",") + 2)]
    found = [
        *zip(table["record"], table["allele"], strict=True),
        *zip(skipped["record"], skipped["allele"], strict=True),
    ]
    assert sorted(found) == expected
    for row in table.itertuples(index=False):
        sad = expected_sad(model, {"2": "chr2"}.get(row.chrom, row.chrom), row.pos, row.ref, row.alt)
        np.testing.assert_allclose(np.array(row[7:], float), sad, atol=2e-3 * max(sad.std(), 1e-2))
