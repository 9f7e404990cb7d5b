"""Runs that are refused before they begin, and runs that fail, with a tiny model."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from enformer_vep.errors import EnformerVepError, InputError, OutputError, VcfError
from enformer_vep.genome.layout import FetchCodes
from enformer_vep.genome.views import Comparison
from enformer_vep.inference.comparer import Comparer, full_engine
from enformer_vep.inference.engine import ByStatistic, EngineSettings
from enformer_vep.run import session
from enformer_vep.run.score.course import score_vcf
from enformer_vep.run.session import OpenModel
from enformer_vep.run.settings import InputSettings, OutputSettings, ScoreSettings, ScoringSettings
from enformer_vep.scoring import Statistic
from tests.pipeline_runs import HUMAN, SCORED, SKIPPED, other, reference, run
from tests.support import write_vcf


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


def test_an_output_that_exists_is_found_before_a_genome_is_indexed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.tsv").write_text("mine")
    fasta = tmp_path / "genome.fa"
    fasta.write_text(">chr1\nACGT\n")
    settings = ScoreSettings(
        InputSettings(str(write_vcf(tmp_path / "a.vcf", SCORED[:2])), str(fasta)),
        ScoringSettings(str(folder / "model")),
        output=OutputSettings(str(tmp_path / "out.tsv")),
    )
    with pytest.raises(OutputError, match=r"out\.tsv exists"):
        score_vcf(settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.vcf", "genome.fa", "out.tsv"]


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


def test_strict_stops_at_the_first_that_cannot_be_scored(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"record 2 \(chr3:3000 A>C\) cannot be scored: .*contig_not_in_fasta.*--strict"
    ):
        run(folder, tmp_path / "out.tsv", [SCORED[0], SKIPPED[3], SKIPPED[4]], strict=True)
    assert len(run(folder, tmp_path / "out.tsv", SCORED[:2], strict=True)) == 2


def test_counts_that_do_not_close_are_a_failure(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = Comparer.compare
    monkeypatch.setattr(Comparer, "compare", lambda self, *arguments: list(compare(self, *arguments))[1:])
    with pytest.raises(EnformerVepError, match="expected predictions for 3 alleles, found 2") as caught:
        run(folder, tmp_path / "out.tsv", SCORED[:3])
    assert caught.value.exit_code == 1
    assert not (tmp_path / "out.tsv").exists()


class BrokenEngine(Comparer):
    """Predicts NaN for every `every`-th allele."""

    every = 1
    count = 0

    def __init__(self, whole: Comparer) -> None:
        vars(self).update(vars(whole))

    def compare(self, comparisons: Iterable[Comparison], statistics: Sequence[Statistic]) -> Iterator[ByStatistic]:
        for found in super().compare(comparisons, statistics):
            self.count += 1
            factor = np.nan if self.count % self.every == 0 else 1
            yield {name: factor * of_statistic for name, of_statistic in found.items()}


@pytest.mark.slow
def test_what_is_not_finite_is_never_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make_engine(model: OpenModel, _: object, __: object, fetch: FetchCodes, **___: object) -> Comparer:
        settings = EngineSettings("human", batch_size=model.batch_size)
        return BrokenEngine(full_engine(model.loaded.model, fetch, settings))

    monkeypatch.setattr(session, "make_engine", make_engine)
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
