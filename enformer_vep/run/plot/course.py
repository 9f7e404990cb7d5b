"""The course of `plot`, from variants to pictures."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from enformer_vep import __version__
from enformer_vep.errors import InputError
from enformer_vep.io.files import check_writable, whole_file
from enformer_vep.io.vcf.alleles import VcfAllele
from enformer_vep.plots import check_plot_support
from enformer_vep.plots.content import VariantPage
from enformer_vep.run.arguments import read_variants
from enformer_vep.run.plot.pages import PageMaker
from enformer_vep.run.plot.settings import MAX_ALLELES, PlotSettings
from enformer_vep.run.progress import Progress, StopSignals, duration
from enformer_vep.run.score.genes import open_genes
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.session import Session
from enformer_vep.run.settings import GeneSettings
from enformer_vep.wording import listed, plural

if TYPE_CHECKING:
    from enformer_vep.plots.saving import FigureWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlotSummary:
    """What was drawn: how many variants of how many, in which time, and where."""

    num_plotted: int
    num_alleles: int
    seconds: float
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        of_all = "" if self.num_plotted == self.num_alleles else f" of {self.num_alleles:,}"
        where = listed(map(str, self.paths))
        return f"plotted {plural(self.num_plotted, 'variant')}{of_all} in {duration(self.seconds)}: {where}"


def plot_variants(settings: PlotSettings) -> PlotSummary:
    """Predicts variants and draws them.

    matplotlib and TensorFlow are imported once the rest of the command is known to be usable.

    Raises:
      InputError: the settings or an input cannot be used, or no variant can be plotted.
      EnformerVepError: the run failed, or was stopped; every file that is there is whole.
    """
    inputs, output = settings.inputs, settings.output
    alleles = read_variants(inputs.variants, MAX_ALLELES)
    paths = output.paths([allele.variant for allele in alleles])
    first = time.perf_counter()
    with Session(settings.scoring, settings.compute, inputs.fasta, inputs.cache) as session, StopSignals():
        for path in dict.fromkeys(paths):
            check_writable(path, overwrite=output.overwrite)
        check_plot_support()
        genes = open_genes(GeneSettings(inputs.gtf, inputs.transcripts), session.genome)
        maker = PageMaker(session, settings.scoring, settings.page, genes)
        session.notify()
        creator = f"enformer-vep {__version__}, model {session.model.loaded.name}"
        with Progress(is_quiet=settings.quiet, unit="alleles") as progress:
            pages = _pages(maker, alleles, progress)
            written = _draw(pages, paths, settings, creator)
    if not written:
        raise InputError(f"none of {plural(len(alleles), 'variant')} can be plotted, for the reasons above")
    return PlotSummary(len(written), len(alleles), time.perf_counter() - first, tuple(dict.fromkeys(written)))


def _pages(maker: PageMaker, alleles: Sequence[VcfAllele], progress: Progress) -> Iterator[VariantPage | None]:
    """Yields the page of each variant, None if it cannot be plotted, which is said with the reason."""
    progress.start(sum(maker.num_alleles(allele.variant) for allele in alleles))
    for allele in alleles:
        num_left = maker.num_alleles(allele.variant)

        def count(num: int) -> None:
            nonlocal num_left
            num_left -= num
            progress.done(num)

        page = maker.make(allele, count)
        progress.done(num_left)
        if isinstance(page, Unscored):
            logger.warning("%s is not plotted: %s (%s)", allele, page.detail, page.reason)
        yield None if isinstance(page, Unscored) else page


def _draw(
    pages: Iterator[VariantPage | None], paths: Sequence[Path], settings: PlotSettings, creator: str
) -> list[Path]:
    """Draws pages into their files, which appear when they are whole.

    Returns:
      The file of each page that was drawn.
    """
    from enformer_vep.plots.page import draw_page
    from enformer_vep.plots.saving import figure_writer
    from enformer_vep.plots.style import page_style

    written: list[Path] = []
    writer: FigureWriter | None = None
    with page_style(), ExitStack() as last:
        for page, path in zip(pages, paths, strict=True):
            if page is None:
                continue
            if writer is None or path != written[-1]:
                last.close()  # the file before is whole
                title = " ".join(page.title) if paths.count(path) == 1 else "variants"
                stream = last.enter_context(whole_file(path))
                writer = last.enter_context(figure_writer(stream, settings.output.format, title=title, creator=creator))
            writer.add(draw_page(page, settings.page.width_mm))
            written.append(path)
    return written
