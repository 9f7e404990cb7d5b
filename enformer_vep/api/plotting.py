"""The picture of a variant, as a figure of matplotlib."""

from typing import TYPE_CHECKING

from enformer_vep.api.options import Path, path_text
from enformer_vep.api.predictions import one_allele
from enformer_vep.api.session import Session, progress_of
from enformer_vep.api.variants import OneVariant
from enformer_vep.errors import InputError
from enformer_vep.plots.support import check_plot_support
from enformer_vep.run.plot.pages import PageMaker
from enformer_vep.run.plot.settings import PageSettings
from enformer_vep.run.score.genes import open_genes
from enformer_vep.run.score.placed import Unscored
from enformer_vep.run.settings import GeneSettings, ScoringSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_variant(
    session: Session,
    variant: OneVariant,
    scoring: ScoringSettings,
    page: PageSettings,
    *,
    gtf: Path | None,
    progress: bool | None,
) -> "Figure":
    """Draws both alleles of a variant: see `Model.plot`.

    Raises:
      InputError: the variant or an option cannot be used, or matplotlib is not installed.
      EnformerVepError: the model failed.
    """
    allele = one_allele(variant)
    check_plot_support()
    from enformer_vep.plots.page import draw_page
    from enformer_vep.plots.style import page_style

    with session.lock:
        session.check_open()
        page.check(session.opened.loaded.model.config.geometry)
        genes = open_genes(GeneSettings(None if gtf is None else path_text(gtf)), session.genome)
        scorer = session.scorer(scoring)
        if scoring.tracks is not None:
            page.check_num_tracks(len(scorer.tracks.identifiers))
        maker = PageMaker(page, scoring, genes, session.opened_for(scoring), scorer)
        with progress_of("alleles", is_wanted=progress) as shown:
            shown.start(maker.num_alleles(allele.variant))
            made = maker.make(allele, shown.done)
    if isinstance(made, Unscored):
        raise InputError(f"{allele} cannot be plotted: {made.detail} ({made.reason})")
    with page_style():
        return draw_page(made, page.width_mm)
