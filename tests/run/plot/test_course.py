"""Pictures of variants by the whole command: their files, what is on their pages, and what is refused."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from enformer_vep.cli import main
from enformer_vep.errors import EnformerVepError, InputError, OutputError
from enformer_vep.genome.variant import Interval, Variant
from enformer_vep.plots import page as plots_page
from enformer_vep.plots.content import VariantPage
from enformer_vep.run.plot.settings import PageSettings, PlotOutput
from tests.gtf_files import from_starts, write_gtf
from tests.pipeline_runs import GENOME, other, reference
from tests.support import write_vcf

SNV = f"chr1:3000:{reference('chr1', 3000)}:{other(reference('chr1', 3000))}"
DELETION = f"chr1:3200:{reference('chr1', 3200, 40)}:{reference('chr1', 3200)}"
MISMATCH = f"chr1:3000:{other(reference('chr1', 3000))}:{reference('chr1', 3000)}"


def plot(folder: Path, out: Path, *words: str) -> int:
    return main(["plot", *words, "-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", str(out), "-q"])


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[VariantPage]]:
    """What is drawn, as it is drawn."""
    drawn: list[VariantPage] = []
    draw = plots_page.draw_page

    def draw_page(page: VariantPage, width_mm: float) -> Any:
        drawn.append(page)
        return draw(page, width_mm)

    monkeypatch.setattr(plots_page, "draw_page", draw_page)
    return drawn


def test_a_page_has_the_strongest_tracks_and_the_genes(folder: Path, tmp_path: Path, pages: list[VariantPage]) -> None:
    gtf = write_gtf(tmp_path / "genes.gtf", from_starts([("NEAR", "1", 3100, "+"), ("FAR", "chr1", 5000, "+")]))
    assert plot(folder, tmp_path / "out.png", SNV, "-g", gtf) == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["genes.gtf", "out.png"]
    (page,) = pages
    assert page.title == ["chr1:3000", f"{SNV[-3]}>{SNV[-1]}"]
    assert page.subtitle == "genome.fa, model enformer, human head"
    assert page.variant == Interval("chr1", 2999, 3000)
    assert page.shown == Interval("chr1", 3000 - 1024, 3000 + 1024)
    assert [gene.name for gene in page.genes or ()] == ["NEAR"]
    assert [len(track.reference) for track in page.tracks] == [16] * 3
    assert all(track.reference.base is None and track.reference.flags.c_contiguous for track in page.tracks)
    ratios = [
        np.log2((1 + (track.reference + track.difference).sum()) / (1 + track.reference.sum())) for track in page.tracks
    ]
    np.testing.assert_allclose([track.effect for track in page.tracks], ratios, atol=1e-6)
    assert sorted(map(abs, ratios), reverse=True) == [abs(ratio) for ratio in ratios]
    assert page.logo_columns is None


def test_tracks_can_be_chosen_and_the_strongest_of_them(folder: Path, tmp_path: Path, pages: list[VariantPage]) -> None:
    assert plot(folder, tmp_path / "a.svg", SNV, "--tracks", "4,0", "--span", "200") == 0
    assert plot(folder, tmp_path / "b.svg", SNV, "--tracks", "0-4", "--top", "1", "--window", "grid") == 0
    chosen, best = pages
    assert [track.identifier for track in chosen.tracks] == ["human_4", "human_0"]
    assert chosen.shown == Interval("chr1", 2799, 3199)
    (track,) = best.tracks
    assert abs(track.effect) >= max(abs(track.effect) for track in chosen.tracks)
    assert best.first_bin_start % 128 == 0


def test_several_variants_are_pages_of_one_pdf_or_files(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    vcf = write_vcf(tmp_path / "in.vcf", [("chr1", 3100, "rs1", reference("chr1", 3100), "<DEL>")])
    words = [SNV, MISMATCH, DELETION, vcf, "--tracks", "0"]
    assert plot(folder, tmp_path / "out.pdf", *words) == 0
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert errors[0].startswith(f"enformer-vep: chr1:3000 {MISMATCH[-3]}>{MISMATCH[-1]} is not plotted: ")
    assert errors[0].endswith("(ref_alt_swapped)")
    assert errors[1].endswith("is not plotted: symbolic ALT <DEL> has no sequence (symbolic_alt)")
    found = (tmp_path / "out.pdf").read_bytes()
    assert found.count(b"/Type /Page ") + found.count(b"/Type /Page\n") == 2
    assert plot(folder, tmp_path / "out.png", *words) == 0
    names = sorted(path.name for path in tmp_path.glob("out.*.png"))
    assert names == ["out.chr1_3000_{}_{}.png".format(*SNV.split(":")[2:]), f"out.chr1_3200_40bp_{DELETION[-1]}.png"]
    assert plot(folder, tmp_path / "out.png", *words) == 2
    assert "exists: choose another output, or use --overwrite" in capsys.readouterr().err


def test_logos_have_both_alleles(
    folder: Path, tmp_path: Path, pages: list[VariantPage], capsys: pytest.CaptureFixture
) -> None:
    long = f"chr1:3200:{reference('chr1', 3200)}:{'ACGT' * 20}"
    assert plot(folder, tmp_path / "out.pdf", DELETION, long, "--logo", "--logo-bp", "1", "--tracks", "0") == 0
    assert "has no logo: expected alleles of at most 50 bp, found 80 bp" in capsys.readouterr().err
    page, without = pages
    assert without.logo_columns is None
    assert page.logo_columns is not None
    assert list(page.logo_columns.positions) == list(range(3198, 3240))
    (track,) = page.tracks
    assert track.logos is not None
    assert track.logos.reference.letters == GENOME["chr1"][3198:3240]
    assert track.logos.alternate.letters == GENOME["chr1"][3198:3200] + GENOME["chr1"][3239]
    assert len(page.logo_columns.changed) == 39
    assert track.logos.reference.scores.any()
    assert page.logo_legend.startswith("Importance of each base")


@pytest.mark.slow
def test_logos_can_be_made_of_gradients(folder: Path, tmp_path: Path, pages: list[VariantPage]) -> None:
    words = [DELETION, "--logo", "--logo-bp", "1", "--tracks", "0,2", "--logo-by", "contributions"]
    assert plot(folder, tmp_path / "out.pdf", *words) == 0
    (page,) = pages
    assert page.logo_columns is not None
    assert len(page.logo_columns.positions) == 42
    assert page.logo_legend.startswith("Contribution of each base")
    for track in page.tracks:
        assert track.logos is not None
        assert track.logos.reference.letters == GENOME["chr1"][3198:3240]
        assert track.logos.alternate.scores.any()


ERRORS = {
    "region": (["chr1:100-200"], "'chr1:100-200' is neither a variant nor a file: expected chr:pos:ref:alt"),
    "extension": ([SNV, "-o", "x.jpg"], "cannot tell the format of 'x.jpg': expected a name that ends in .png, .svg"),
    "no such track": ([SNV, "--tracks", "assay:CAGE"], "no track of the human head measures 'CAGE'"),
    "large span": ([SNV, "--span", "2000"], "--span 2000: expected 128 to 1,024 bp, from one bin to all that"),
    "small span": ([SNV, "--span", "100"], "--span 100: expected 128 to 1,024 bp"),
    "no span": ([SNV, "--span", "0"], "0 is not in the range x>=1"),
    "no GTF": ([SNV, "-g", "none.gtf"], "no such file: none.gtf: expected a GTF"),
    "no folder": ([SNV, "-o", "none/x.png"], "the output folder none does not exist"),
    "logo-by alone": ([SNV, "--logo-by", "saturation"], "--logo-by has no effect without --logo"),
    "gradients of shifts": (
        [SNV, "--logo", "--logo-by", "contributions", "--shifts", "0,1"],
        "--logo-by contributions takes no mean over shifts",
    ),
    "logo-bp alone": ([SNV, "--logo-bp", "5"], "--logo-bp has no effect without --logo"),
    "narrow": ([SNV, "--width", "20"], "20.0 is not in the range 80.0<=x<=1000.0"),
    "none left": ([MISMATCH], "none of 1 variant can be plotted, for the reasons above"),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_plotted_is_said_in_a_line(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["plot", "-f", f"{folder}/genome.fa", "-m", f"{folder}/model", "-o", "out.png", "-q", *words]
    assert main(command) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("enformer-vep: error: ")
    assert message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".pdf", ".png"])
def test_a_failure_leaves_only_whole_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, suffix: str
) -> None:
    drawn: list[VariantPage] = []
    draw = plots_page.draw_page

    def fail_at_the_second(page: VariantPage, width_mm: float) -> Any:
        drawn.append(page)
        if len(drawn) == 2:
            raise EnformerVepError("the second fails")
        return draw(page, width_mm)

    monkeypatch.setattr(plots_page, "draw_page", fail_at_the_second)
    assert plot(folder, tmp_path / f"out{suffix}", SNV, DELETION, "--tracks", "0") == 1
    assert capsys.readouterr().err == "enformer-vep: error: the second fails\n"
    left = [path.name for path in tmp_path.iterdir()]
    assert left == ([] if suffix == ".pdf" else ["out.chr1_3000_{}_{}.png".format(*SNV.split(":")[2:])])


def test_many_tracks_do_not_fit() -> None:
    with pytest.raises(InputError, match="--tracks chooses 638 tracks, but a page has room for 20: choose fewer"):
        PageSettings().check_num_tracks(638)
    PageSettings(top=5).check_num_tracks(638)
    PageSettings().check_num_tracks(20)


@pytest.mark.parametrize("name", ["matplotlib", "logomaker"])
def test_without_the_extra_it_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert plot(folder, tmp_path / "out.png", SNV) == 2
    message = f"plots need {name}: install it with pip install 'enformer-vep[plots]'"
    assert capsys.readouterr().err == f"enformer-vep: error: {message}\n"


def test_files_of_several_variants_have_different_names() -> None:
    long = "ACGTACGTACGT"
    variants = [
        Variant("HLA*01:2", 5, "A", long),
        Variant("HLA*01:2", 5, "A", long[::-1]),
        Variant("chr1", 7, "A", "."),
    ]
    names = [path.name for path in PlotOutput("a/x.y.PNG").paths(variants)]
    assert names == ["x.y.HLA-01-2_5_A_12bp.1.PNG", "x.y.HLA-01-2_5_A_12bp.2.PNG", "x.y.chr1_7_A_..PNG"]
    assert {path.name for path in PlotOutput("a/x.pdf").paths(variants)} == {"x.pdf"}
    assert [str(path) for path in PlotOutput("a/x.svg").paths(variants[:1])] == ["a/x.svg"]
    with pytest.raises(OutputError, match=r"did you mean \.png"):
        PlotOutput("x.pgn")
